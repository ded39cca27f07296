/* The supervisor of an exec session ("coracle-monitor exec"), until it has cloned the session's process.
 *
 * Host's:     pid, mount, network, ipc and uts namespaces. It never sees a path of the container.
 * Joined:     the container's user namespace. Its pid namespace is joined by a process in between (between_child.c), for the child alone.
 * The child:  is in the container's pid namespace at once, where the container's processes see it, and enters the others itself (init_child.c, exec_stages), then the container's stages
 *             of capabilities, filter, user, working folder and exec.
 * Who can look into it before it execs (CVE-2016-9962): nobody there. It is not dumpable, so that it takes CAP_SYS_PTRACE over the user namespace in which its program was exec'd, and
 *             that is the host's, not the container's: mm->user_ns, kernel/ptrace.c __ptrace_may_access. So neither its memory nor its descriptors nor /proc/PID/{exe,root,cwd}
 *             open to the container, be it --privileged.
 *             Where that is no wall, for it is the same user namespace (real root's containers; who is inside already), the child is born where its command will be: a process in between, which is
 *             in the host's pid namespace still, joins the other namespaces, lets go of all descriptors that are not the command's and of the caller's environment, and clones it as
 *             our child (CLONE_PARENT). Then there is nothing in it that leads out. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/runtime/child.h"

#define INTO_CGROUP 0x200000000ULL   /* CLONE_INTO_CGROUP, Linux 5.7 */

typedef struct {
  const RuntimePlan *plan;
  MonitorStart *start;
  int terminal, terminal_init;   /* a socket pair on which the process sends the terminal */
  int plan_fd;
} Exec;

/* stage_oom: as long as /proc/self is still ours: to a process that is not dumpable it is root's. What is above the container's own (nobody but root may lower it) stays. */
static int
stage_oom (Exec *exec)
{
  if (!exec->plan->has_oom_score_adj)
    return 0;
  cleanup_fd int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0)
    (void) process_child_oom (exec->plan, fd);
  return 0;
}

static int
stage_start (Exec *exec)
{
  (void) umask (022);
  if (setsid () < 0 && errno != EPERM)
    return -errno;
  return prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

static int
stage_join (Exec *exec)
{
  int flags = (int) (exec->plan->exec_flags & (uint64_t) CLONE_NEWUSER);
  return flags != 0 && setns (exec->plan->exec_pidfd, flags) < 0 ? -errno : 0;
}

struct clone_arguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* clone_process: into the container's cgroup, if it has one and that may be. Returns 0 in the process. */
static long
clone_process (const RuntimePlan *plan, uint64_t flags, int *ret_pidfd, int *ret_wait)
{
  struct clone_arguments arguments = { .flags = flags | CLONE_PIDFD, .pidfd = (uint64_t) (uintptr_t) ret_pidfd, .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD };
  *ret_wait = 0;
  if (plan->exec_cgroup >= 0)
    {
      arguments.flags |= INTO_CGROUP;
      arguments.cgroup = (uint64_t) plan->exec_cgroup;
      long pid = syscall (SYS_clone3, &arguments, sizeof arguments);
      if (pid >= 0)
        return pid;
      /* a group that we may not join (from another login's, which is root's): the command has us put there */
      arguments.flags &= ~INTO_CGROUP;
      *ret_wait = 1;
    }
  long pid = syscall (SYS_clone3, &arguments, sizeof arguments);
  return pid < 0 ? -errno : pid;
}

/* forget: what the caller's shell told us is not for the container. */
static void
forget_environment (void)
{
  for (char **text = environ; *text != NULL; text++)
    memset (*text, 0, strlen (*text));
}

/* between: see the top. @to: gets the process's pid, or -errno. */
_Noreturn static void
between (const Exec *exec, int to)
{
  const RuntimePlan *plan = exec->plan;
  const MonitorStart *monitor = &plan->monitor;
  int flags = (int) plan->exec_flags, pidfd = -1, wait = 0;
  int number = flags != 0 && setns (plan->exec_pidfd, flags) < 0 ? -errno : 0;
  const int others[] = { monitor->client, monitor->client_pidfd, monitor->run_dir, monitor->exec_dir, monitor->program_fd, monitor->stdin_fd, monitor->stdout_fd, monitor->stderr_fd, monitor->out_fd,
                         monitor->err_fd, exec->terminal, exec->plan_fd };
  /* the caller's own standard files, perhaps his terminal: something stays in their places until the command's come (stage_stdio) */
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    (void) dup2 (plan->status_fd, fd);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (others[i] > STDERR_FILENO)
      fd_close (others[i]);
  forget_environment ();
  if (number == 0)
    number = (int) clone_process (plan, CLONE_PARENT, &pidfd, &wait);
  if (number == 0)
    {
      fd_close (to);
      fd_close (plan->exec_pidfd);
      fd_close (plan->exec_cgroup);
      init_child_exec (plan, exec->terminal_init, wait, 1);
    }
  if (number > 0)
    (void) helper_child_report (plan->status_fd, pidfd, 0, wait);
  (void) fd_write_all (to, &number, sizeof number);
  _exit (0);
}

/* clone_between: our child, cloned by the process in between. Returns its pid or -errno. */
static long
clone_between (Exec *exec)
{
  int ends[2], number = -ECHILD;
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return -errno;
  long pid = syscall (SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0)
    between (exec, ends[1]);
  fd_close (ends[1]);
  if (pid < 0 || fd_read_all (ends[0], &number, sizeof number) != sizeof number)
    number = -ECHILD;
  fd_close (ends[0]);
  while (pid > 0 && waitpid ((pid_t) pid, NULL, 0) < 0 && errno == EINTR)
    continue;
  return number;
}

typedef struct {
  Exec *exec;
  int pidfd, wait;
} Cloning;

/* clone_joined: in a process in between. */
static long
clone_joined (void *data)
{
  Cloning *cloning = data;
  const RuntimePlan *plan = cloning->exec->plan;
  int flags = (int) (plan->exec_flags & (uint64_t) CLONE_NEWPID);
  if (flags != 0 && setns (plan->exec_pidfd, flags) < 0)
    return -errno;
  long pid = clone_process (plan, CLONE_PARENT, &cloning->pidfd, &cloning->wait);
  if (pid == 0)
    init_child_exec (plan, cloning->exec->terminal_init, cloning->wait, 0);
  return pid;
}

static int
stage_clone (Exec *exec)
{
  const RuntimePlan *plan = exec->plan;
  int ends[2] = { -1, -1 };
  Cloning cloning = { .exec = exec, .pidfd = -1 };
  if (plan->terminal && socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    return -errno;
  exec->terminal = ends[0];
  exec->terminal_init = ends[1];
  int inside = (plan->exec_flags & CLONE_NEWUSER) == 0;
  long pid = inside ? clone_between (exec) : between_child_run (clone_joined, &cloning);
  if (pid < 0)
    return (int) pid;
  exec->start->init_pid = (pid_t) pid;
  exec->start->init_pidfd = cloning.pidfd;
  fd_close (fd_steal (&exec->terminal_init));
  return inside ? 0 : helper_child_report (plan->status_fd, cloning.pidfd, 0, cloning.wait);
}

static int
stage_terminal (Exec *exec)
{
  if (exec->terminal < 0)
    return 0;
  int master = fd_recv (exec->terminal);
  fd_close (fd_steal (&exec->terminal));
  if (master == -ENODATA)
    return -ECANCELED; /* the process failed before, and has said why */
  exec->start->pty = master;
  return master < 0 ? master : 0;
}

int
exec_child_terminal (const RuntimePlan *plan, int socket)
{
  cleanup_fd int master = open ("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  struct statfs fs;
  struct stat st;
  if (master < 0 || fstatfs (master, &fs) < 0 || fstat (master, &st) < 0)
    return -errno;
  if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR (st.st_mode) || st.st_rdev != makedev (5, 2))
    return -EXDEV;
  int unlock = 0;
  if (fcntl (master, F_SETFL, 0) < 0 || ioctl (master, TIOCSPTLCK, &unlock) < 0)
    return -errno;
  struct winsize size = { .ws_row = plan->rows, .ws_col = plan->columns };
  if (size.ws_row != 0 && ioctl (master, TIOCSWINSZ, &size) < 0)
    return -errno;
  cleanup_fd int slave = ioctl (master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0)
    return -errno;
  int r = fd_send (socket, master);
  return r < 0 ? r : fd_steal (&slave);
}

static const struct {
  RuntimeStage stage;
  int (*run) (Exec *exec);
} stages[] = {
  { STAGE_OOM, stage_oom },
  { STAGE_HELPER_START, stage_start },
  { STAGE_JOIN, stage_join },
  { STAGE_CLONE, stage_clone },
  { STAGE_TERMINAL, stage_terminal },
};

int
exec_child_start (const RuntimePlan *plan, int plan_fd, MonitorStart *ret_start)
{
  *ret_start = plan->monitor;
  Exec exec = { .plan = plan, .plan_fd = plan_fd, .start = ret_start, .terminal = -1, .terminal_init = -1 };
  for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
    {
      int r = stages[i].run (&exec);
      if (r < 0)
        {
          RuntimeStatus status = { .stage = (int32_t) stages[i].stage, .error = -r };
          if (r != -ECANCELED)
            (void) send (plan->status_fd, &status, sizeof status, MSG_NOSIGNAL);
          return -1;
        }
    }
  /* the process's own ends; what it was given to keep is not the monitor's, which closes it (close_others) */
  fd_close (plan->status_fd);
  fd_close (plan->init_stdin);
  fd_close (plan->init_stdout);
  fd_close (plan->init_stderr);
  fd_close (plan->exec_pidfd);
  return 0;
}
