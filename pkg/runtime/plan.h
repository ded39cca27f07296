/* plan: everything a container start needs, worked out by the parent, as one position-independent block of bytes.
 *
 * coracle (GLib) builds it from config.json (plan.c) and hands it over in a sealed memfd; coracle-monitor (static, libc only) maps it and performs it
 * (helper_child.c, init_child.c). Strings and arrays are offsets from the block's start; 0 is "none". Both ends are of one build: PLAN_MAGIC changes
 * whenever a struct here does. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "pkg/monitor/protocol.h"

#define PLAN_MAGIC 0x344c5035u
#define PLAN_KEPT_AGAIN_MAX 32   /* so many of PlanList kept can be kept for another start */
/* coracle-monitor is called as "coracle-monitor start FD": FD is the memfd; as "coracle-monitor exec FD" when the plan is of an exec session */

typedef uint32_t PlanRef;    /* a NUL-terminated string, or bytes */
typedef struct {
  uint32_t at, n;            /* n records starting at offset at */
} PlanList;

/* What stands in the namespaces of the container before its mounts: a namespace that is joined rather than made. */
typedef struct {
  int32_t fd;                /* open in the monitor when it starts */
  uint32_t flag;             /* CLONE_NEW…; NEWUSER: init is made in it (nested_child.c) */
} PlanJoin;

typedef enum {
  PLAN_MOUNT_FS,             /* a filesystem of type fstype, with options */
  PLAN_MOUNT_BIND,           /* source is a path of the command's mount namespace */
} PlanMountKind;

typedef enum {
  PLAN_COPYUP = 1 << 0,      /* fill a tmpfs with what it hides */
  PLAN_RECURSIVE = 1 << 1,   /* rbind, and attributes set on the whole tree */
  PLAN_FALLBACK_BIND = 1 << 2, /* a filesystem the kernel refuses (sysfs of a foreign network namespace, cgroup2 in a hybrid tree): bind the host's from the same path, read-only */
  PLAN_DEV = 1 << 3,         /* /dev: nodes and links are made in it at once */
  PLAN_PTS = 1 << 4,         /* /dev/pts: the terminal is opened in it */
  PLAN_KEEP_MODE = 1 << 5,   /* with PLAN_COPYUP: the options say the mode */
  PLAN_KEEP_OWNER = 1 << 6,  /* the same of uid or gid */
  PLAN_NO_LINK = 1 << 7,     /* proc and sysfs: no link of the image leads to where they go (CVE-2019-19921) */
} PlanMountFlags;

typedef struct {
  uint8_t kind, flags;
  PlanRef source, target, fstype;
  PlanList options;          /* PlanRef: "key" or "key=value", for fsconfig */
  uint64_t attr_set, attr_clear;   /* MOUNT_ATTR_… */
  uint64_t propagation;      /* MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE; 0 = leave */
  uint64_t propagation_recursive;
} PlanMount;

typedef struct {
  PlanRef path;              /* in the container */
  PlanRef source;            /* bind this node of the host; 0 = make it with mknod */
  uint32_t mode, major, minor, uid, gid;
} PlanDevice;

typedef struct {
  PlanRef key, value;        /* key is a path below /proc/sys */
} PlanSysctl;

typedef struct {
  int32_t resource;
  uint64_t soft, hard;
} PlanLimit;

typedef struct {
  PlanRef path;
  PlanList argv, envp;       /* PlanRef */
  uint32_t timeout_seconds;  /* 0 = none */
} PlanHook;

typedef struct {
  uint64_t bounding, effective, permitted, inheritable, ambient;
} PlanCaps;

typedef struct {
  uint32_t magic, size;

  /* the monitor and its helper work */
  MonitorStart monitor;      /* what is known beforehand; the helper fills init_pid, init_pidfd, slirp_pid, pty */
  int32_t status_fd;         /* SOCK_SEQPACKET to the command: RuntimeStatus messages; closes when init has exec'd */
  int32_t command_pidfd;     /* the command: its death before "running" ends everything; -1: there is none, the monitor itself starts the container again */
  int32_t init_stdin, init_stdout, init_stderr;   /* -1 with a terminal */
  uint64_t clone_flags;      /* CLONE_NEW… for init */
  PlanList joins;            /* PlanJoin */
  PlanRef slirp_program;     /* 0: no slirp */
  PlanList slirp_envp;
  PlanRef network;           /* what the network's functions are told: bytes, see RuntimeNetwork */
  uint8_t accel;             /* connect(2) asks a supervisor */
  PlanRef port_program;      /* coracle-port, where MonitorStart.port_table is given */
  uint8_t loopback;          /* bring lo up (a network namespace of its own without slirp) */
  uint8_t terminal;
  uint8_t held;              /* init says when it has come to STAGE_GO: the command leaves it there */
  uint16_t rows, columns;
  uint8_t give_pipes;        /* the standard pipes are pipe_uid's and pipe_gid's, ids of the monitor's user namespace: init, in one of its own, may not be able to give them */
  uint32_t pipe_uid, pipe_gid;
  uint8_t pdeathsig;         /* no pid namespace of its own: init is killed by PR_SET_PDEATHSIG instead */
  PlanRef state_json;        /* OCI state for the hooks, with @PID@ and @STATUS@ to be filled in: runtime_hook_state */
  PlanList hooks_runtime;    /* prestart and createRuntime */

  /* init */
  PlanList hooks_container;  /* createContainer, before pivot_root */
  PlanList hooks_start;      /* startContainer, in the container */
  PlanRef rootfs;            /* a mount point in the command's mount namespace */
  uint8_t root_readonly;
  uint8_t no_pivot_dev;
  uint64_t root_propagation;
  PlanList mounts;           /* PlanMount */
  PlanList devices;          /* PlanDevice */
  PlanList links;            /* PlanSysctl: key = path, value = target */
  PlanList masked, readonly; /* PlanRef */
  PlanList sysctls;          /* PlanSysctl */
  PlanList limits;           /* PlanLimit */
  PlanRef hostname, domainname;
  int32_t oom_score_adj;
  uint8_t has_oom_score_adj;
  uint8_t no_new_privileges;
  uint8_t has_personality;
  uint64_t personality;      /* of personality(2) */
  uint8_t has_umask;
  uint8_t keep_groups;       /* setgroups is not called: forbidden with one id, or --group-add keep-groups */
  uint32_t umask;
  uint32_t uid, gid;
  PlanList groups;           /* uint32_t */
  PlanCaps caps;
  PlanRef seccomp, seccomp_single;   /* struct sock_filter arrays */
  uint32_t n_seccomp, n_seccomp_single;
  uint32_t seccomp_flags;    /* SECCOMP_FILTER_FLAG_… of the first */
  PlanRef cwd;
  PlanList argv, envp;       /* PlanRef */
  PlanList exec_paths;       /* PlanRef: argv[0] in every folder of PATH, or argv[0] alone */
  PlanList kept;             /* int32_t, ascending: descriptors from 3 up that the process gets under the same numbers */
  PlanList kept_from;        /* int32_t, as many: where they are open: the same numbers, but for a start after the first; then above all of @kept */
  uint8_t kept_again;        /* the monitor keeps them for the starts after the first: a restart policy; else these go without */
  uint64_t signal_mask;      /* kernel's sigset for init */

  /* an exec session: a process more in a container that runs. Of the above it uses the process, the monitor and the standard streams */
  int32_t exec_pidfd;        /* of the container's init; -1: no exec session */
  int32_t exec_cgroup;       /* the container's cgroup folder; -1 = ours */
  uint64_t exec_flags;       /* CLONE_NEW… of those namespaces of init that are not ours already */
} RuntimePlan;

static inline const void *
plan_bytes (const RuntimePlan *plan, PlanRef ref)
{
  return ref == 0 ? (const void *) 0 : (const char *) plan + ref;
}

static inline const char *
plan_text (const RuntimePlan *plan, PlanRef ref)
{
  return (const char *) plan_bytes (plan, ref);
}

/* The stages, in order: RuntimeStatus names one by its number, the parent turns it into words (stage_names in runtime.c). */
typedef enum {
  STAGE_NONE,
  STAGE_HELPER_START,     /* map the plan, leave the terminal's session */
  STAGE_SLIRP,            /* start coracle-slirp */
  STAGE_PORTS,            /* keep the published ports */
  STAGE_ACCEL,            /* supervise connect(2) */
  STAGE_JOIN,             /* setns into namespaces that exist */
  STAGE_CLONE,            /* clone init */
  STAGE_TERMINAL,         /* receive the terminal */
  STAGE_HOOK,             /* a prestart or createRuntime hook failed */
  STAGE_MONITOR,          /* hand over to the monitor */
  STAGE_SESSION,          /* init: a session of its own */
  STAGE_NETWORK,
  STAGE_PROPAGATION,
  STAGE_ROOT,             /* open the root filesystem */
  STAGE_MOUNT,            /* detail: number of the mount */
  STAGE_DEVICE,           /* detail: number of the device */
  STAGE_CONSOLE,
  STAGE_PIVOT,
  STAGE_SYSCTL,           /* detail: number of the sysctl */
  STAGE_MASK,             /* detail: number of the path */
  STAGE_READONLY,
  STAGE_HOSTNAME,
  STAGE_LIMIT,            /* detail: number of the limit */
  STAGE_OOM,
  STAGE_GO,               /* the command's word on the status socket that the container is recorded */
  STAGE_STDIO,
  STAGE_CAPS,
  STAGE_SECCOMP,
  STAGE_USER,
  STAGE_CWD,
  STAGE_EXEC,
  STAGE_HOOK_CONTAINER,   /* a createContainer hook */
  STAGE_HOOK_START,       /* a startContainer hook */
  STAGE_CGROUP,           /* init: entering the cgroup */
  STAGE_USERNS,           /* entering the container's user namespace and what it joins; detail: number of the join */
  STAGE_END,
} RuntimeStage;

/* One message on the status socket, from helper or init. With stage NONE the message carries init's pidfd (SCM_RIGHTS); or, where the monitor itself starts the container again, and where init is held, @detail
 * is STATUS_READY: all is mounted, the root filesystem is the container's, and init waits for the word to go on. */
enum { STATUS_READY = 2 };
typedef struct {
  int32_t stage;
  int32_t error;          /* positive errno; for a hook that failed ECHILD */
  int32_t detail;         /* with stage NONE: 1: it is not in the cgroup it belongs to, and waits for a word. Else the stage's; for a hook its number, and above 16 bits its wait status */
  int32_t pid;            /* with stage NONE: as the command sees it, which may find nothing but a pidfd of one that has ended; 0: not said */
} RuntimeStatus;
