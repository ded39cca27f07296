/* The helper: what coracle-monitor does before it is the monitor.
 *
 * Host's:  network, ipc, uts; the command's mount namespace, in which the root filesystem is mounted and which follows the host's.
 * Own:     a pid namespace, whose pid 1 it is (unless --pid=host).
 * Shared:  the user namespace of all of the user's containers; all capabilities over it.
 * Dies:    with the command until the container runs (PDEATHSIG); from then on it is on its own. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/cgroup/cgroup_child.h"
#include "pkg/runtime/child.h"

enum { ENV_MAX = 64 };

typedef struct {
  const RuntimePlan *plan;
  const RuntimeNetwork *network;
  MonitorStart *start;
  int slirp_socket, accel_socket;
  int terminal;       /* our end of the socket on which init sends the terminal */
  int terminal_init;  /* its end */
  int sync;           /* our end of the socket on which init says that its mounts are made, and is let go on after the hooks */
  int sync_init;
  int detail;
  NestedTrees *nested; /* init gets a user namespace of its own; NULL = no */
} Helper;

static int
stage_start (Helper *helper)
{
  /* the caller's umask is not for what is made in the container: its process gets another one (stage_caps) */
  (void) umask (022);
  if (setsid () < 0 && errno != EPERM)
    return -errno;
  if (helper->plan->command_pidfd < 0)
    return 0;
  if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    return -errno;
  /* the command may have died before that call; getppid says 0 in a pid namespace of our own */
  struct pollfd command = { .fd = helper->plan->command_pidfd, .events = POLLIN };
  if (poll (&command, 1, 0) > 0)
    return -ESRCH;
  return 0;
}

static int
stage_slirp (Helper *helper)
{
  const RuntimePlan *plan = helper->plan;
  if (plan->slirp_program == 0)
    return 0;
  const PlanRef *refs = plan_bytes (plan, plan->slirp_envp.at);
  const char *envp[ENV_MAX + 1];
  uint32_t n = plan->slirp_envp.n < ENV_MAX ? plan->slirp_envp.n : ENV_MAX;
  for (uint32_t i = 0; i < n; i++)
    envp[i] = plan_text (plan, refs[i]);
  envp[n] = NULL;
  return helper->network->spawn (plan_text (plan, plan->slirp_program), (char *const *) envp, plan_bytes (plan, plan->network), 0, &helper->slirp_socket, &helper->start->slirp_pid);
}

static int
stage_accel (Helper *helper)
{
  pid_t pid;   /* ends with the container's last process, or with us */
  if (!helper->plan->accel)
    return 0;
  return helper->network->supervise (plan_bytes (helper->plan, helper->plan->network), &helper->accel_socket, &pid);
}

/* stage_ports: at the first start; whoever keeps them is told of each later one. */
static int
stage_ports (Helper *helper)
{
  const RuntimePlan *plan = helper->plan;
  MonitorStart *start = helper->start;
  if (plan->port_program == 0 || start->port_socket >= 0)
    return 0;
  return helper->network->keep_ports (plan_text (plan, plan->port_program), start->port_table, &start->port_socket, &start->port_pid);
}

/* pid_join: the pid namespace that is joined; NULL: init has its own, or the monitor's. */
static const PlanJoin *
pid_join (const RuntimePlan *plan)
{
  const PlanJoin *joins = plan_bytes (plan, plan->joins.at);
  for (uint32_t i = 0; i < plan->joins.n; i++)
    if (joins[i].flag == CLONE_NEWPID)
      return &joins[i];
  return NULL;
}

static int
make_channels (Helper *helper)
{
  int ends[2];
  if (helper->plan->terminal)
    {
      if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
      helper->terminal = ends[0];
      helper->terminal_init = ends[1];
    }
  if (helper->plan->hooks_runtime.n > 0)
    {
      if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
      helper->sync_init = ends[0];
      helper->sync = ends[1];
    }
  return 0;
}

struct clone_arguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

/* enter_cgroup: in init, on a kernel that cannot clone into a group: go there, then make the cgroup namespace, whose root is where one stands. */
static void
enter_cgroup (const Helper *helper)
{
  const RuntimePlan *plan = helper->plan;
  int r = cgroup_child_enter (helper->start->cgroup);
  if (r == 0 && plan->clone_flags & CLONE_NEWCGROUP && unshare (CLONE_NEWCGROUP) < 0)
    r = -errno;
  if (r == 0)
    return;
  RuntimeStatus status = { .stage = STAGE_CGROUP, .error = -r };
  (void) send (plan->status_fd, &status, sizeof status, MSG_NOSIGNAL);
  _exit (70);
}

/* clone_init: into the container's cgroup, where it has one: moving there later would wait for all of the kernel's readers. Kernels before 5.7 know no CLONE_INTO_CGROUP, and say E2BIG
 * to the longer arguments, or EINVAL. */
static long
clone_init (const Helper *helper, uint64_t more_flags, int *pidfd, int *ret_enter)
{
  const RuntimePlan *plan = helper->plan;
  struct clone_arguments arguments = { .flags = plan->clone_flags | CLONE_PIDFD | more_flags, .pidfd = (uint64_t) (uintptr_t) pidfd, .exit_signal = more_flags & CLONE_PARENT ? 0 : SIGCHLD };
  *ret_enter = 0;
  if (helper->start->cgroup < 0)
    return syscall (SYS_clone3, &arguments, sizeof arguments);
  arguments.flags |= CLONE_INTO_CGROUP;
  arguments.cgroup = (uint64_t) helper->start->cgroup;
  long pid = syscall (SYS_clone3, &arguments, sizeof arguments);
  if (pid >= 0 || (errno != E2BIG && errno != EINVAL))
    return pid;
  *ret_enter = 1;
  arguments.flags = (plan->clone_flags | CLONE_PIDFD | more_flags) & ~(uint64_t) CLONE_NEWCGROUP;
  arguments.cgroup = 0;
  return syscall (SYS_clone3, &arguments, sizeof arguments);
}

_Noreturn static void
run_init (const Helper *helper, int enter)
{
  if (enter)
    enter_cgroup (helper);
  fd_close (helper->sync);
  init_child_run (helper->plan, helper->network, helper->sync_init, helper->terminal_init, helper->slirp_socket, helper->start->port_socket, helper->accel_socket, helper->nested);
}

/* clone_between: in the process in between (nested_child.c). */
static long
clone_between (void *data)
{
  const Helper *helper = data;
  int pidfd = -1, enter;
  long pid = clone_init (helper, CLONE_PARENT, &pidfd, &enter);
  if (pid == 0)
    run_init (helper, enter);
  return pid < 0 ? -errno : pid;
}

/* clone_hidden: init is not to be looked at by those whose pid namespace it joins: its memory is a copy of ours, and not dumpable; if our program was exec'd outside of the user namespace (outpost.h),
 * then nobody in there can. Its /proc/self is then not its own either: what it would write there it inherits from the process in between, in which we are. */
static long
clone_hidden (Helper *helper, int *ret_enter)
{
  const RuntimePlan *plan = helper->plan;
  cleanup_fd int oom = plan->has_oom_score_adj ? open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC) : -1;
  if (oom >= 0)
    (void) process_child_oom (plan, oom);
  (void) prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  long pid = clone_init (helper, CLONE_PARENT, &helper->start->init_pidfd, ret_enter);
  int errsv = errno;
  if (pid == 0)
    return 0;
  (void) prctl (PR_SET_DUMPABLE, 1, 0, 0, 0);
  errno = errsv;
  return pid;
}

/* clone_joined: in a process in between (between_child.c). All other joins are init's own. */
static long
clone_joined (void *data)
{
  Helper *helper = data;
  int enter;
  const PlanJoin *join = pid_join (helper->plan);
  if (setns (join->fd, CLONE_NEWPID) < 0)
    {
      RuntimeStatus status = { .stage = STAGE_JOIN, .error = errno, .detail = (int) (join - (const PlanJoin *) plan_bytes (helper->plan, helper->plan->joins.at)) };
      (void) send (helper->plan->status_fd, &status, sizeof status, MSG_NOSIGNAL);
      return -ECANCELED;
    }
  long pid = clone_hidden (helper, &enter);
  if (pid == 0)
    run_init (helper, enter);
  return pid < 0 ? -errno : pid;
}

/* clone_nested: a failure on the way is told here. */
static long
clone_nested (Helper *helper, int *ret_pidfd)
{
  const RuntimePlan *plan = helper->plan;
  int binds[plan->mounts.n + 1];
  NestedTrees trees = { .root = -1, .binds = binds };
  for (uint32_t i = 0; i < plan->mounts.n; i++)
    binds[i] = -1;
  RuntimeStatus failure = { .stage = STAGE_MOUNT };
  long pid = nested_child_trees (plan, &trees, &failure.detail);
  failure.error = (int) -pid;
  if (pid == 0)
    {
      helper->nested = &trees;
      pid = nested_child_clone (plan, clone_between, helper, &failure);
      helper->nested = NULL;
    }
  nested_child_trees_close (plan, &trees);
  if (pid > 0 && (*ret_pidfd = (int) syscall (SYS_pidfd_open, (pid_t) pid, 0)) < 0)
    return -errno;
  if (pid < 0)
    (void) send (plan->status_fd, &failure, sizeof failure, MSG_NOSIGNAL);
  return pid < 0 ? -ECANCELED : pid;
}

static int
stage_clone (Helper *helper)
{
  const RuntimePlan *plan = helper->plan;
  int r = make_channels (helper);
  if (r < 0)
    return r;
  int pidfd = -1, enter;
  helper->start->oom_kills = cgroup_child_oom_kills (helper->start->cgroup);
  long pid;
  if (nested_child_join (plan) != NULL)
    pid = clone_nested (helper, &pidfd);
  else if (pid_join (plan) != NULL)
    {
      pid = between_child_run (clone_joined, helper);
      pidfd = helper->start->init_pidfd;
    }
  else
    {
      pid = clone_init (helper, 0, &pidfd, &enter);
      if (pid < 0)
        pid = -errno;
    }
  if (pid < 0)
    return (int) pid;
  if (pid == 0)
    run_init (helper, enter);
  helper->start->init_pid = (pid_t) pid;
  helper->start->init_pidfd = pidfd;
  fd_close (fd_steal (&helper->terminal_init));
  fd_close (fd_steal (&helper->sync_init));
  fd_close (fd_steal (&helper->slirp_socket));
  fd_close (fd_steal (&helper->accel_socket));
  return 0;
}

int
helper_child_report (int status_fd, int pidfd, int pid, int detail)
{
  RuntimeStatus status = { .stage = STAGE_NONE, .detail = detail, .pid = pid };
  return fd_send_with (status_fd, pidfd, &status, sizeof status);
}

static int
report_init (Helper *helper)
{
  return helper_child_report (helper->plan->status_fd, helper->start->init_pidfd, helper_child_proc_pid (helper->start->init_pidfd), 0);
}

int
helper_child_proc_pid (int pidfd)
{
  char path[32] = "/proc/self/fdinfo/", digits[12], text[512];
  size_t n = 0, at = strlen (path);
  unsigned number = (unsigned) pidfd;
  do
    digits[n++] = (char) ('0' + number % 10);
  while ((number /= 10) != 0);
  while (n > 0)
    path[at++] = digits[--n];
  path[at] = '\0';
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : fd_read_all (fd, text, sizeof text - 1);
  text[length > 0 ? length : 0] = '\0';
  const char *line = strstr (text, "\nPid:\t");
  int pid = 0;
  for (line = line != NULL ? line + 6 : ""; *line >= '0' && *line <= '9' && pid < 100000000; line++)
    pid = pid * 10 + (*line - '0');
  return pid;
}

static int
stage_hooks (Helper *helper)
{
  const RuntimePlan *plan = helper->plan;
  if (plan->hooks_runtime.n == 0)
    return 0;
  char byte;
  if (fd_read_all (helper->sync, &byte, 1) != 1)
    return -ECANCELED; /* init failed before, and has said why */
  int pid = helper_child_proc_pid (helper->start->init_pidfd);
  int r = hook_child_run (plan, plan->hooks_runtime, pid > 0 ? pid : helper->start->init_pid, "creating", &helper->detail);
  if (r == 0)
    r = fd_write_all (helper->sync, "g", 1);
  fd_close (fd_steal (&helper->sync));
  return r;
}

static int
stage_terminal (Helper *helper)
{
  if (helper->terminal < 0)
    return 0;
  int master = fd_recv (helper->terminal);
  fd_close (fd_steal (&helper->terminal));
  if (master == -ENODATA)
    return -ECANCELED; /* init failed before, and has said why */
  if (master < 0)
    return master;
  helper->start->pty = master;
  return 0;
}

static const struct {
  RuntimeStage stage;
  int (*run) (Helper *helper);
} stages[] = {
  { STAGE_HELPER_START, stage_start },
  { STAGE_SLIRP, stage_slirp },
  { STAGE_PORTS, stage_ports },
  { STAGE_ACCEL, stage_accel },
  { STAGE_CLONE, stage_clone },
  { STAGE_CLONE, report_init },
  { STAGE_HOOK, stage_hooks },
  { STAGE_TERMINAL, stage_terminal },
};

void
helper_child_close (const RuntimePlan *plan)
{
  fd_close (plan->status_fd);
  fd_close (plan->init_stdin);
  fd_close (plan->init_stdout);
  fd_close (plan->init_stderr);
  const int32_t *kept = plan_bytes (plan, plan->kept_from.at);
  for (uint32_t i = 0; i < plan->kept_from.n; i++)
    fd_close (kept[i]);
  const PlanJoin *joins = plan_bytes (plan, plan->joins.at);
  for (uint32_t i = 0; i < plan->joins.n; i++)
    fd_close (joins[i].fd);
}

/* helper_clear: what a start that failed on the way leaves; slirp and init see their ends. */
static void
helper_clear (Helper *helper)
{
  int *fds[] = { &helper->slirp_socket, &helper->accel_socket, &helper->terminal, &helper->terminal_init, &helper->sync, &helper->sync_init };
  for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
    fd_close (fd_steal (fds[i]));
}

int
helper_child_start (const RuntimePlan *plan, const RuntimeNetwork *network, MonitorStart *ret_start)
{
  *ret_start = plan->monitor;
  Helper helper = { .plan = plan, .network = network, .start = ret_start, .slirp_socket = -1, .accel_socket = -1, .terminal = -1, .terminal_init = -1, .sync = -1, .sync_init = -1 };
  int r = 0;
  for (size_t i = 0; i < sizeof stages / sizeof stages[0] && r == 0; i++)
    {
      r = stages[i].run (&helper);
      RuntimeStatus status = { .stage = (int32_t) stages[i].stage, .error = -r, .detail = helper.detail };
      if (r < 0 && r != -ECANCELED)
        (void) send (plan->status_fd, &status, sizeof status, MSG_NOSIGNAL);
    }
  helper_clear (&helper);
  helper_child_close (plan);
  return r < 0 ? -1 : 0;
}
