/* The container's init, from clone to exec.
 *
 * Host's:  nothing but the user namespace shared by all of the user's containers (or the host's, for real root; or one of its own below that: nested_child.c), and what the plan joined
 *          on purpose.
 * Own:     pid, mount, net, ipc, uts and cgroup namespaces, made by the clone that started this.
 * Caps:    all over the user namespace, until the stage "user" leaves the plan's set.
 * Memory:  a copy of the monitor's (static, no threads); its executable lies on a read-only mount, so that an image whose command is /proc/self/exe cannot
 *          write to it (CVE-2019-5736). */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/runtime/child.h"
#include "pkg/runtime/mountsys.h"
#include "pkg/seccomp/seccomp.h"

typedef struct {
  const RuntimePlan *plan;
  const RuntimeNetwork *network;
  pid_t network_child; /* is making the tap; 0 = nobody */
  int sync_fd, terminal_fd, slirp_socket, port_socket, accel_socket;
  int root_fd;   /* the new root, before pivot */
  int proc_fd;   /* the proc filesystem mounted for the container; -1 = none */
  int null_tree; /* a detached copy of the host's /dev/null */
  int slave;     /* the terminal */
  int status_fd; /* what the command is told on */
  int detail;
  int joined;    /* an exec session that is in the container's namespaces already */
  NestedTrees *nested;  /* in a user namespace of its own; NULL = no */
} Init;

/* join_keyring: a session keyring of our own: the caller's holds keys (Kerberos, file encryption) that whoever inherits it may use. It counts for the real user, who may have
 * but 200 keys (keyrings(7), /proc/sys/kernel/keys/maxkeys): beyond, for one of the other ids that are ours. What is refused all the same (no keyrings in this kernel, an outer filter) leaves the caller's. */
static void
join_keyring (void)
{
  enum { TRIES = 4, IDS = 60000 };
  struct timespec now;
  long r = syscall (SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
  for (int i = 0; i < TRIES && r < 0 && errno == EDQUOT; i++)
    {
      (void) clock_gettime (CLOCK_MONOTONIC, &now);
      /* the effective ids stay: with them would go the death signal */
      if (syscall (SYS_setresuid, 1 + now.tv_nsec / 16 % IDS, -1, -1) < 0)
        return;
      r = syscall (SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
      (void) syscall (SYS_setresuid, 0, -1, -1);
    }
}

static int
stage_session (Init *init)
{
  /* before the death signal, which goes with a change of ids */
  int r = init->nested != NULL ? nested_child_become () : 0;
  if (r < 0)
    return r;
  if (init->plan->pdeathsig && prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    return -errno;
  join_keyring ();
  return setsid () < 0 ? -errno : 0;
}

/* stage_join: namespaces of others (container:ID, ns:PATH), opened by the parent; the pid namespace was joined by the helper, before the clone. */
static int
stage_join (Init *init)
{
  const PlanJoin *joins = plan_bytes (init->plan, init->plan->joins.at);
  for (uint32_t i = 0; i < init->plan->joins.n && init->nested == NULL; i++)
    {
      init->detail = (int) i;
      if (joins[i].flag != CLONE_NEWPID && setns (joins[i].fd, (int) joins[i].flag) < 0)
        return -errno;
    }
  return 0;
}

/* attach: in the container's network namespace. */
static int
attach (const Init *init)
{
  int r = init->slirp_socket >= 0 ? init->network->attach (init->slirp_socket, plan_bytes (init->plan, init->plan->network)) : init->plan->loopback ? init->network->loopback () : 0;
  return r == 0 && init->port_socket >= 0 ? init->network->attach_ports (init->port_socket, init->plan->monitor.port_table) : r;
}

/* start_network: the tap takes as long as all mounts together, and nothing before the container's command needs it: a child of init makes it meanwhile. */
static int
start_network (Init *init)
{
  long child = syscall (SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child < 0)
    return -errno;
  if (child == 0)
    _exit (-attach (init));
  init->network_child = (pid_t) child;
  return 0;
}

/* wait_network: its end; what it could not do is the error. Before pivot_root, which would take /dev/net/tun away from the child as well. */
static int
wait_network (Init *init)
{
  pid_t child = init->network_child;
  init->network_child = 0;
  int status = 0;
  while (child > 0 && waitpid (child, &status, 0) < 0)
    if (errno != EINTR)
      return -errno;
  return WIFEXITED (status) ? -WEXITSTATUS (status) : -ECANCELED;
}

static int
stage_network (Init *init)
{
  return init->slirp_socket >= 0 ? start_network (init) : attach (init);
}

/* stage_propagation: what is mounted from here on stays here; what the host mounts later may still arrive (slave) below binds that ask for it. */
static int
stage_propagation (Init *init)
{
  return mount (NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ? -errno : 0;
}

static int
stage_root (Init *init)
{
  if (init->nested != NULL)
    {
      /* anywhere in this namespace will do: on top of "/" it hides nothing from whoever has "/" as its root, as we have */
      init->root_fd = init->nested->root;
      if (sys_move_mount (init->root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -errno;
    }
  else
    init->root_fd = open (plan_text (init->plan, init->plan->rootfs), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (init->root_fd < 0)
    return -errno;
  if (init->plan->masked.n == 0)
    return 0;
  init->null_tree = sys_open_tree (AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  return init->null_tree < 0 ? -errno : 0;
}

static int
stage_mount (Init *init)
{
  return mount_child_all (init->plan, init->nested, init->root_fd, init->terminal_fd, &init->slave, &init->proc_fd, &init->detail);
}

/* stage_hooks_container: first the runtime's hooks, which the helper runs outside, now that the mounts are made; then it lets us go on. */
static int
stage_hooks_container (Init *init)
{
  char byte;
  if (init->sync_fd >= 0 && (fd_write_all (init->sync_fd, "m", 1) < 0 || fd_read_all (init->sync_fd, &byte, 1) != 1))
    return -ECANCELED;
  return hook_child_run (init->plan, init->plan->hooks_container, getpid (), "creating", &init->detail);
}

static int
stage_pivot (Init *init)
{
  if (fchdir (init->root_fd) < 0 || syscall (SYS_pivot_root, ".", ".") < 0)
    return -errno;
  /* the old root lies on top of the new one now: pivot_root(2), "pivot_root(".", ".")" */
  if (umount2 (".", MNT_DETACH) < 0 || chdir ("/") < 0)
    return -errno;
  if (init->plan->root_propagation != 0 && mount (NULL, "/", NULL, init->plan->root_propagation, NULL) < 0)
    return -errno;
  if (init->plan->root_readonly)
    {
      struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
      if (sys_mount_setattr (AT_FDCWD, "/", 0, &attr) < 0)
        return -errno;
    }
  return 0;
}

/* open_proc: a file of the container's own proc filesystem, and of nothing mounted over it (CVE-2025-52881). */
static int
open_proc (Init *init, const char *path, int flags)
{
  cleanup_fd int opened = -1;
  int proc = init->proc_fd;
  if (proc < 0)
    proc = opened = open ("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct statfs fs;
  if (proc < 0 || fstatfs (proc, &fs) < 0)
    return -errno;
  if (fs.f_type != PROC_SUPER_MAGIC)
    return -EXDEV;
  cleanup_fd int fd = path_open_beneath (proc, path, flags, 0);
  if (fd < 0)
    return fd;
  if (fstatfs (fd, &fs) < 0)
    return -errno;
  return fs.f_type == PROC_SUPER_MAGIC ? fd_steal (&fd) : -EXDEV;
}

static int
write_proc (Init *init, const char *path, const char *value)
{
  cleanup_fd int fd = open_proc (init, path, O_WRONLY);
  return fd < 0 ? fd : fd_write_all (fd, value, strlen (value));
}

static int
stage_sysctl (Init *init)
{
  const PlanSysctl *sysctls = plan_bytes (init->plan, init->plan->sysctls.at);
  for (uint32_t i = 0; i < init->plan->sysctls.n; i++)
    {
      init->detail = (int) i;
      int r = write_proc (init, plan_text (init->plan, sysctls[i].key), plan_text (init->plan, sysctls[i].value));
      if (r < 0)
        return r;
    }
  return 0;
}

static int
stage_mask (Init *init)
{
  return mount_child_mask (init->plan, init->proc_fd, init->null_tree, &init->detail);
}

static int
stage_readonly (Init *init)
{
  return mount_child_readonly (init->plan, init->proc_fd, &init->detail);
}

static int
stage_hostname (Init *init)
{
  const char *host = plan_text (init->plan, init->plan->hostname);
  const char *domain = plan_text (init->plan, init->plan->domainname);
  if (host != NULL && sethostname (host, strlen (host)) < 0)
    return -errno;
  if (domain != NULL && setdomainname (domain, strlen (domain)) < 0)
    return -errno;
  return 0;
}

/* let_go_of_others: we may be here for long: what is open in us is what the container will have and what the stages after this need, and no copy of anything else: a pipe of the
 * caller, the monitor's end of a socket would never be seen to end. */
static void
let_go_of_others (const Init *init)
{
  const RuntimePlan *plan = init->plan;
  const int kept[] = { init->status_fd, plan->init_stdin, plan->init_stdout, plan->init_stderr, init->root_fd, init->proc_fd, init->null_tree, init->slave, init->terminal_fd, init->accel_socket };
  const int32_t *listed = plan_bytes (plan, plan->kept_from.at);
  for (unsigned from = 0;;)
    {
      unsigned next = ~0u;
      for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (kept[i] >= 0 && (unsigned) kept[i] >= from && (unsigned) kept[i] < next)
          next = (unsigned) kept[i];
      for (uint32_t i = 0; i < plan->kept.n; i++)
        if ((unsigned) listed[i] >= from && (unsigned) listed[i] < next)
          next = (unsigned) listed[i];
      if (next > from)
        (void) syscall (SYS_close_range, from, next - 1, 0U);
      if (next == ~0u)
        return;
      from = next + 1;
    }
}

/* stage_go: nothing the container says or does may be seen before the command has recorded it: who reads its output and then asks for it by name must find it. As a rule the word
 * is there long before. */
static int
stage_go (Init *init)
{
  const RuntimeStatus ready = { .stage = STAGE_NONE, .detail = STATUS_READY };
  char word;
  ssize_t n;
  if (init->plan->held)
    let_go_of_others (init);
  if ((init->plan->held || init->plan->command_pidfd < 0) && send (init->status_fd, &ready, sizeof ready, MSG_NOSIGNAL) < 0)
    return -ECANCELED;
  do
    n = recv (init->status_fd, &word, 1, 0);
  while (n < 0 && errno == EINTR);
  return n == 1 ? 0 : n == 0 ? -ECANCELED
                             : -errno;
}

static int
stage_limit (Init *init)
{
  const PlanLimit *limits = plan_bytes (init->plan, init->plan->limits.at);
  for (uint32_t i = 0; i < init->plan->limits.n; i++)
    {
      init->detail = (int) i;
      struct rlimit limit = { .rlim_cur = limits[i].soft, .rlim_max = limits[i].hard };
      if (setrlimit ((int) limits[i].resource, &limit) < 0)
        return -errno;
    }
  return 0;
}

static int
stage_oom (Init *init)
{
  /* whoever is not dumpable (nested_child.c, clone_hidden) has inherited it: our /proc/self is not ours then */
  if (!init->plan->has_oom_score_adj || prctl (PR_GET_DUMPABLE, 0, 0, 0, 0) != 1)
    return 0;
  cleanup_fd int fd = open_proc (init, "self/oom_score_adj", O_WRONLY);
  return fd < 0 ? fd : process_child_oom (init->plan, fd);
}

/* give: make @fd the container user's, so that /dev/stdout can be opened again by a user who is not root. What cannot be given (the caller's own file, a terminal
 * of the host) is left. */
static void
give (Init *init, int fd)
{
  struct stat st;
  if (fd >= 0 && fstat (fd, &st) == 0 && (S_ISFIFO (st.st_mode) || S_ISSOCK (st.st_mode) || fd == init->slave))
    (void) fchown (fd, init->plan->uid, fd == init->slave ? (gid_t) -1 : init->plan->gid);
}

/* keep_listed: of the descriptors those that it was asked to keep, at their numbers, and behind them the status socket. */
static int
keep_listed (Init *init)
{
  const RuntimePlan *plan = init->plan;
  const int32_t *kept = plan_bytes (plan, plan->kept.at), *kept_from = plan_bytes (plan, plan->kept_from.at);
  uint32_t n = plan->kept.n;
  unsigned from = 3;
  int status = fcntl (init->status_fd, F_DUPFD_CLOEXEC, n > 0 ? kept[n - 1] + 1 : 3);
  if (status < 0)
    return -errno;
  for (uint32_t i = 0; i < n; i++)
    if (kept_from[i] != kept[i] && dup2 (kept_from[i], kept[i]) < 0)
      return -errno;
  for (uint32_t i = 0; i <= n; i++)
    {
      unsigned next = i < n ? (unsigned) kept[i] : (unsigned) status;
      if (next > from && syscall (SYS_close_range, from, next - 1, 0U) < 0)
        return -errno;
      from = next + 1;
    }
  init->status_fd = status;
  init->root_fd = init->proc_fd = init->null_tree = init->slave = -1;
  return syscall (SYS_close_range, from, ~0U, 0U) < 0 ? -errno : 0;
}

/* stage_accel: while CAP_SYS_ADMIN is held, which this filter needs; whoever is asked knows by now whether it can serve. */
static int
stage_accel (Init *init)
{
  return init->accel_socket >= 0 ? init->network->ask (init->accel_socket) : 0;
}

/* stage_stdio: descriptors 0, 1, 2, then the kept ones, then the status socket, which closes at exec; nothing else from here on (CVE-2024-21626): neither
 * the working folder nor a hook of the container finds a way out through /proc/self/fd. */
static int
stage_stdio (Init *init)
{
  const RuntimePlan *plan = init->plan;
  int from[3] = { plan->init_stdin, plan->init_stdout, plan->init_stderr };
  for (int i = 0; i < 3; i++)
    {
      int fd = init->slave >= 0 ? init->slave : from[i];
      give (init, fd);
      if (fd < 0 || dup2 (fd, i) < 0)
        return fd < 0 ? -EBADF : -errno;
    }
  if (init->slave >= 0 && ioctl (STDIN_FILENO, TIOCSCTTY, 0) < 0)
    return -errno;
  if (plan->exec_pidfd >= 0 || plan->kept.n > 0)
    return keep_listed (init);
  int last = 3;
  if (init->status_fd != last && dup3 (init->status_fd, last, O_CLOEXEC) < 0)
    return -errno;
  init->status_fd = last;
  init->root_fd = init->proc_fd = init->null_tree = init->slave = -1;
  return syscall (SYS_close_range, (unsigned) last + 1, ~0U, 0U) < 0 ? -errno : 0;
}

static int
load_filters (Init *init)
{
  const RuntimePlan *plan = init->plan;
  int r = seccomp_load_child (plan_bytes (plan, plan->seccomp_single), plan->n_seccomp_single, 0);
  return r < 0 ? r : seccomp_load_child (plan_bytes (plan, plan->seccomp), plan->n_seccomp, plan->seccomp_flags);
}

static int
stage_caps (Init *init)
{
  if (init->plan->has_personality && personality ((unsigned long) init->plan->personality) < 0)
    return -errno;
  if (init->plan->has_umask)
    (void) umask (init->plan->umask);
  return process_child_caps_bounding (init->plan);
}

/* stage_seccomp: without no_new_privs a filter needs CAP_SYS_ADMIN, so it is loaded while that is still held; the stages after it then need only calls that any
 * profile for a container must allow: chdir, setresuid, setgroups, capset, prctl, execve, write. With no_new_privs it is loaded last (stage_seccomp_late). */
static int
stage_seccomp (Init *init)
{
  return init->plan->no_new_privileges ? 0 : load_filters (init);
}

static int
stage_user (Init *init)
{
  return process_child_user (init->plan);
}

/* stage_cwd: as the container's user, who must be allowed to be there. A working folder outside the root would be a leaked descriptor (CVE-2024-21626): getcwd
 * says "(unreachable)" or fails then. */
static int
stage_cwd (Init *init)
{
  const char *cwd = plan_text (init->plan, init->plan->cwd);
  if (chdir (cwd != NULL ? cwd : "/") < 0)
    return -errno;
  char path[PATH_MAX];
  long n = syscall (SYS_getcwd, path, sizeof path);
  if (n < 0)
    return -errno;
  return path[0] == '/' ? 0 : -ENOENT;
}

static int
stage_seccomp_late (Init *init)
{
  if (!init->plan->no_new_privileges)
    return 0;
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return -errno;
  return load_filters (init);
}

/* stage_hooks_start: programs of the container: they run as what it will be, with its user, capabilities and filter. */
static int
stage_hooks_start (Init *init)
{
  return hook_child_run (init->plan, init->plan->hooks_start, getpid (), "created", &init->detail);
}

/* stage_exec: like execvp over the folders of the container's PATH, each tried as the kernel sees it. Returns only on failure. */
static int
stage_exec (Init *init)
{
  const RuntimePlan *plan = init->plan;
  /* the vectors stand in the plan behind their lists, one pointer of room each: see plan.c */
  const PlanRef *refs = plan_bytes (plan, plan->argv.at);
  const char *argv[plan->argv.n + 1];
  for (uint32_t i = 0; i < plan->argv.n; i++)
    argv[i] = plan_text (plan, refs[i]);
  argv[plan->argv.n] = NULL;
  refs = plan_bytes (plan, plan->envp.at);
  const char *envp[plan->envp.n + 1];
  for (uint32_t i = 0; i < plan->envp.n; i++)
    envp[i] = plan_text (plan, refs[i]);
  envp[plan->envp.n] = NULL;

  sigset_t none;
  sigemptyset (&none);
  for (int signal = 1; signal < 32; signal++)
    if (signal != SIGKILL && signal != SIGSTOP)
      {
        /* ignored signals pass through exec: the container starts with defaults */
        struct sigaction action = { .sa_handler = SIG_DFL };
        (void) sigaction (signal, &action, NULL);
      }
  (void) sigprocmask (SIG_SETMASK, &none, NULL);

  int best = ENOENT;
  const PlanRef *paths = plan_bytes (plan, plan->exec_paths.at);
  for (uint32_t i = 0; i < plan->exec_paths.n; i++)
    {
      init->detail = (int) i;
      execve (plan_text (plan, paths[i]), (char *const *) argv, (char *const *) envp);
      if (errno != ENOENT && errno != ENOTDIR)
        {
          best = errno;
          if (errno != EACCES)
            break;
        }
    }
  return -best;
}

typedef struct {
  RuntimeStage stage;
  int (*run) (Init *init);
} Stage;

static const Stage stages[] = {
  { STAGE_SESSION, stage_session },
  { STAGE_JOIN, stage_join },
  { STAGE_NETWORK, stage_network },
  { STAGE_PROPAGATION, stage_propagation },
  { STAGE_ROOT, stage_root },
  { STAGE_MOUNT, stage_mount },
  { STAGE_NETWORK, wait_network },
  { STAGE_HOOK_CONTAINER, stage_hooks_container },
  { STAGE_PIVOT, stage_pivot },
  { STAGE_SYSCTL, stage_sysctl },
  { STAGE_OOM, stage_oom },
  { STAGE_MASK, stage_mask },
  { STAGE_READONLY, stage_readonly },
  { STAGE_HOSTNAME, stage_hostname },
  { STAGE_GO, stage_go },
  { STAGE_LIMIT, stage_limit },
  { STAGE_ACCEL, stage_accel },
  { STAGE_STDIO, stage_stdio },
  { STAGE_CAPS, stage_caps },
  { STAGE_SECCOMP, stage_seccomp },
  { STAGE_USER, stage_user },
  { STAGE_CWD, stage_cwd },
  { STAGE_SECCOMP, stage_seccomp_late },
  { STAGE_HOOK_START, stage_hooks_start },
  { STAGE_EXEC, stage_exec },
};

/* stage_exec_join: all of the container's namespaces that exec_child_start has not joined. From here on paths are the container's. */
static int
stage_exec_join (Init *init)
{
  if (init->joined)
    return 0;
  int flags = (int) (init->plan->exec_flags & ~(uint64_t) (CLONE_NEWUSER | CLONE_NEWPID));
  return flags != 0 && setns (init->plan->exec_pidfd, flags) < 0 ? -errno : 0;
}

static int
stage_exec_terminal (Init *init)
{
  if (init->terminal_fd < 0)
    return 0;
  init->slave = exec_child_terminal (init->plan, init->terminal_fd);
  return init->slave < 0 ? init->slave : 0;
}

static const Stage exec_stages[] = {
  { STAGE_SESSION, stage_session },
  { STAGE_JOIN, stage_exec_join },
  { STAGE_CONSOLE, stage_exec_terminal },
  { STAGE_LIMIT, stage_limit },
  { STAGE_STDIO, stage_stdio },
  { STAGE_CAPS, stage_caps },
  { STAGE_SECCOMP, stage_seccomp },
  { STAGE_USER, stage_user },
  { STAGE_CWD, stage_cwd },
  { STAGE_SECCOMP, stage_seccomp_late },
  { STAGE_EXEC, stage_exec },
};

_Noreturn static void
walk (Init *init, const Stage *walked, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      init->detail = 0;
      int r = walked[i].run (init);
      if (r < 0)
        {
          RuntimeStatus status = { .stage = (int32_t) walked[i].stage, .error = -r, .detail = init->detail };
          if (r != -ECANCELED) /* the helper failed, and says why */
            (void) send (init->status_fd, &status, sizeof status, MSG_NOSIGNAL);
          break;
        }
    }
  _exit (127);
}

void
init_child_exec (const RuntimePlan *plan, int terminal_fd, int wait, int joined)
{
  Init init = { .plan = plan, .sync_fd = -1, .terminal_fd = terminal_fd, .slirp_socket = -1, .port_socket = -1, .accel_socket = -1, .root_fd = -1, .proc_fd = -1, .null_tree = -1, .slave = -1, .status_fd = plan->status_fd, .joined = joined };
  if (wait && stage_go (&init) < 0)
    _exit (127);
  walk (&init, exec_stages, sizeof exec_stages / sizeof exec_stages[0]);
}

void
init_child_run (const RuntimePlan *plan, const RuntimeNetwork *network, int sync_fd, int terminal_fd, int slirp_socket, int port_socket, int accel_socket, NestedTrees *nested)
{
  Init init = { .plan = plan, .network = network, .nested = nested, .sync_fd = sync_fd, .terminal_fd = terminal_fd, .slirp_socket = slirp_socket, .port_socket = port_socket, .accel_socket = accel_socket, .root_fd = -1, .proc_fd = -1, .null_tree = -1, .slave = -1, .status_fd = plan->status_fd };
  walk (&init, stages, sizeof stages / sizeof stages[0]);
}
