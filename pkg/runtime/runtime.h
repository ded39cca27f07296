/* runtime: executes an OCI runtime-spec config.json.
 *
 *   the command        GLib; the user namespace and a mount namespace of its own (idmap_enter), the root filesystem mounted in it
 *    └─ coracle-monitor  static; + pid 1 of a new pid namespace; performs the plan's helper part (slirp, clone of init, hooks), then supervises
 *        └─ init         + nested pid, mount, net, ipc, uts, cgroup namespaces; walks the stages of init_child.c; execs the container's command
 *
 * The command turns the JSON into a RuntimePlan (plan.c): one sealed memfd. The monitor is exec'd at once, from a read-only clone of its mount: forking it is cheap because
 * it is small, and an image cannot reach a writable copy of our program (CVE-2019-5736). A stage that fails sends {stage, errno} on the status socket;
 * its end of file means that init has exec'd: "running". */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/cgroup/cgroup.h"
#include "pkg/config/paths.h"
#include "pkg/monitor/protocol.h"
#include "pkg/runtime/plan.h"
#include "pkg/seccomp/seccomp.h"

/* An exec session: a process more in a container that runs. */
typedef struct {
  int init_pidfd;                /* the container's init */
  guint64 flags;                 /* CLONE_NEW… of its namespaces that are not those of this process */
  int cgroup;                    /* its cgroup folder; -1 = stay in ours */
  gboolean (*place) (pid_t pid, void *data, GError **error);   /* put @pid into that cgroup when the kernel did not let it be cloned into it; its command waits */
  void *place_data;
  int folder;                    /* RUN_ROOT/ID/exec, where the folder RuntimeOptions.id is removed at the end; -1 = none */
  const int *kept;               /* descriptors of this process, from 3 up and ascending, handed on under the same numbers */
  guint n_kept;
} RuntimeExec;

/* What a plan needs besides config.json. Descriptors are borrowed. */
typedef struct {
  const RuntimeExec *exec;       /* NULL: a container. Then of config.json only "process" is used, and of the below: paths, id (of the session), seccomp, seccomp_single,
                                  * keep_groups, rows, columns, run_dir (the session's folder), out_fd, err_fd, client, stdin_read, stdin_write, timeout_us */
  const ConfigPaths *paths;
  const char *bundle;            /* absolute: what relative paths in config.json are relative to */
  const char *id;
  const SeccompFilter *seccomp;          /* NULL = none (config.json's linux.seccomp is not read when given) */
  const SeccompFilter *seccomp_single;   /* NULL = none */
  int user_ns;                   /* a user namespace below this one, for the container's "user" namespace without path; 0 = none: it stays in this one */
  gboolean give_pipes;           /* with it: the standard pipes belong to these ids of ours; of an exec session: they are open to all, where it has such a namespace */
  guint32 pipe_uid, pipe_gid;
  gboolean hold;                 /* do all but exec the container's command: the monitor holds init there until MONITOR_GO */
  gconstpointer slirp;           /* give the new network namespace a tap: what RuntimeNetwork is told, @slirp_size bytes; NULL = none */
  gsize slirp_size;
  gboolean accel;                /* connect(2) asks a supervisor */
  int port_table;                /* published ports: a descriptor of network/port_table.h, and the sockets in it, ascending; -1, NULL = none */
  const int *port_fds;
  guint n_port_fds;
  gboolean keep_groups;
  gboolean make_nodes;           /* real root: mknod the devices instead of binding the host's */
  guint rows, columns;           /* of the terminal; 0 = unknown */
  int root_fd;                   /* O_PATH of the mounted root filesystem, which the monitor keeps; -1 = none */
  int run_dir;                   /* RUN_ROOT/ID, holding its lock */
  const Cgroup *cgroup;          /* the container's; NULL, or one without path: it stays in the command's */
  int out_fd, err_fd;            /* the command's own */
  int client;                    /* the monitor's end of the client socket */
  int stdin_read, stdin_write;   /* the container's standard input, the monitor's end; -1 both: /dev/null */
  const int *kept;               /* ascending, from 3 up: descriptors of this process that the container's gets under the same numbers; a container has these or preserve_fds */
  guint n_kept;
  guint preserve_fds;            /* 3 … 2 + n of this process */
  gboolean kept_again;           /* these are for every start that the monitor makes, at most PLAN_KEPT_AGAIN_MAX; else for the first alone */
  int stop_signal;
  guint64 timeout_us, stop_timeout_us;
  const char *const *cleanup;    /* argv, NULL-terminated */
  const char *const *health;     /* argv, NULL-terminated; NULL = no checks */
  /* what MonitorStart says of them; -1 = none */
  int listener, notify, notify_host;
  MonitorLog log;
  MonitorHealth health_clock;
  gboolean restart, tell_started;
} RuntimeOptions;

/* runtime_stage_name: what a stage was doing, for people; NULL for what is no stage. */
const char *runtime_stage_name (RuntimeStage stage);

typedef struct {
  pid_t monitor;       /* our child */
  pid_t init;          /* as the host sees it */
  int init_pidfd;      /* owned by the caller */
} RuntimeProcess;

/* runtime_exec: start config.json's "process" in a running container: options->exec. Returns when its command has been exec'd. @ret_process: the supervisor, a child of ours that
 * leaves when the process has ended and the client socket is closed; the process; its pidfd.
 * Runs in: any user namespace that owns the container's; best the host's: then no capability that the container can have lets it look into our process before the exec.
 * Errors: as runtime_start. */
gboolean runtime_exec (json_t *config, const RuntimeOptions *options, RuntimeProcess *ret_process, GError **error);

/* runtime_throw_failure: the error of an init that was held and could not go on, from the number of MONITOR_DONE. Always FALSE. @config: its config.json. */
gboolean runtime_throw_failure (json_t *config, int failure, GError **error);

/* runtime_start: perform @config. Returns when the container's command has been exec'd.
 * @while_starting: called once the monitor is on its way, to write state meanwhile; the container's command is exec'd only after it; its failure ends the container. May be NULL.
 * Errors: NO_COMMAND (127), CANNOT_INVOKE (126), INVALID for a config.json that cannot be, UNSUPPORTED for what this runtime does not do, SYSTEM and DENIED with the stage's name.
 * Runs in: the user namespace, one thread. On failure nothing of the container is left running. */
gboolean runtime_start (json_t *config, const RuntimeOptions *options, gboolean (*while_starting) (pid_t monitor, void *data, GError **error), void *data,
                        RuntimeProcess *ret_process, GError **error);
