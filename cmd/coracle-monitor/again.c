#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/fd.h"

/* How long until the next start, and after which run it begins anew: see MONITOR_AGAIN */
#define PAUSE_FIRST 100000
#define PAUSE_LAST 60000000
#define RUN_LONG 10000000

RuntimePlan *
plan_map (int fd)
{
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0 || (size_t) st.st_size < sizeof (RuntimePlan))
    return NULL;
  /* ours alone: the file itself is sealed, and stays as it is for the next time */
  RuntimePlan *plan = mmap (NULL, (size_t) st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (plan == MAP_FAILED)
    return NULL;
  if (plan->magic == PLAN_MAGIC && plan->size == (uint64_t) st.st_size)
    return plan;
  (void) munmap (plan, (size_t) st.st_size);
  return NULL;
}

void
again_begin (Again *again)
{
  *again = (Again){ .plan = -1, .status = -1, .pause_us = PAUSE_FIRST };
  for (size_t i = 0; i < AGAIN_FDS; i++)
    again->kept[i] = -1;
}

static int
keep (int fd)
{
  return fd < 0 ? -1 : fcntl (fd, F_DUPFD_CLOEXEC, MONITOR_START_FD + 1);
}

void
again_keep (Again *again, int plan_fd, const RuntimePlan *plan)
{
  if (!plan->monitor.restart || plan->joins.n > AGAIN_KEPT - AGAIN_JOINS || (plan->kept_again && plan->kept.n > PLAN_KEPT_AGAIN_MAX))
    return;
  const PlanJoin *joins = plan_bytes (plan, plan->joins.at);
  again->plan = keep (plan_fd);
  for (uint32_t i = 0; i < plan->joins.n; i++)
    again->kept[AGAIN_JOINS + i] = keep (joins[i].fd);
  const int32_t *kept = plan_bytes (plan, plan->kept_from.at);
  for (uint32_t i = 0; plan->kept_again && i < plan->kept_from.n; i++)
    again->kept[AGAIN_KEPT + i] = keep (kept[i]);
  /* what is no pipe of ours is the same for every start */
  const int standard[] = { plan->init_stdin, plan->init_stdout, plan->init_stderr };
  const int ours[] = { plan->monitor.stdin_fd, plan->monitor.stdout_fd, plan->monitor.stderr_fd };
  for (size_t i = 0; i < 3; i++)
    if (!plan->terminal && ours[i] < 0)
      again->kept[i] = keep (standard[i]);
}

uint64_t
again_pause (Again *again, uint64_t ran_us)
{
  if (ran_us >= RUN_LONG)
    again->pause_us = PAUSE_FIRST;
  uint64_t pause = again->pause_us;
  again->pause_us = pause * 2 < PAUSE_LAST ? pause * 2 : PAUSE_LAST;
  return pause;
}

/* ---- the channels of one start */

/* open_standard: one of init's standard descriptors: a pipe whose other end is ours, or one that was kept. */
static int
open_standard (const Again *again, size_t i, bool wanted, int *ret_init, int *ret_ours)
{
  int ends[2];
  *ret_ours = -1;
  if (!wanted)
    return (*ret_init = keep (again->kept[i])) < 0 ? -EBADF : 0;
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return -errno;
  *ret_init = i == 0 ? ends[0] : ends[1];
  *ret_ours = i == 0 ? ends[1] : ends[0];
  return 0;
}

static int
open_channels (Again *again, RuntimePlan *plan)
{
  MonitorStart *monitor = &plan->monitor;
  int ends[2];
  const bool wanted[] = { monitor->stdin_fd >= 0, monitor->stdout_fd >= 0, monitor->stderr_fd >= 0 };
  int *init[] = { &plan->init_stdin, &plan->init_stdout, &plan->init_stderr };
  int *ours[] = { &monitor->stdin_fd, &monitor->stdout_fd, &monitor->stderr_fd };
  plan->status_fd = plan->init_stdin = plan->init_stdout = plan->init_stderr = -1;
  int r = 0;
  for (size_t i = 0; i < 3; i++)
    {
      *ours[i] = -1;
      if (!plan->terminal && r == 0)
        r = open_standard (again, i, wanted[i], init[i], ours[i]);
    }
  if (r == 0 && socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    r = -errno;
  if (r < 0)
    return r;
  again->status = ends[0];
  plan->status_fd = ends[1];
  return 0;
}

/* keep_preserved: the open files that every start hands on, above all the numbers that they will have. */
static void
keep_preserved (const Again *again, RuntimePlan *plan)
{
  if (!plan->kept_again)
    plan->kept.n = plan->kept_from.n = 0;   /* they were the first command's */
  const int32_t *kept = plan_bytes (plan, plan->kept.at);
  int32_t *from = (int32_t *) ((char *) plan + plan->kept_from.at);
  for (uint32_t i = 0; i < plan->kept.n; i++)
    from[i] = again->kept[AGAIN_KEPT + i] < 0 ? -1 : fcntl (again->kept[AGAIN_KEPT + i], F_DUPFD_CLOEXEC, kept[plan->kept.n - 1] + 1);
}

/* prepare: what the plan says of descriptors was true for its first start alone. */
static int
prepare (Again *again, RuntimePlan *plan, const MonitorStart *start)
{
  const MonitorStart first = plan->monitor;
  PlanJoin *joins = (PlanJoin *) ((char *) plan + plan->joins.at);
  for (uint32_t i = 0; i < plan->joins.n; i++)
    joins[i].fd = keep (again->kept[AGAIN_JOINS + i]);
  plan->monitor = *start;
  plan->monitor.init_pid = plan->monitor.slirp_pid = 0;
  plan->monitor.init_pidfd = plan->monitor.pty = -1;
  plan->monitor.stdin_fd = first.stdin_fd;
  plan->monitor.stdout_fd = first.stdout_fd;
  plan->monitor.stderr_fd = first.stderr_fd;
  plan->command_pidfd = -1;
  plan->held = 0;
  keep_preserved (again, plan);
  return open_channels (again, plan);
}

/* ---- telling who runs now */

/* record_init: RUN_ROOT/ID/init.pid, as live_record_init writes it for the first start. The file "exit" goes only then: killed before its command runs, the container ended as
 * that says. */
static int
record_init (const Again *again, const RuntimePlan *plan, const MonitorStart *start)
{
  char path[48] = "/proc/", line[64];
  struct stat st;
  int pid = helper_child_proc_pid (start->init_pidfd), joined = -1;
  if (pid <= 0)
    return -ESRCH;
  /* one that was joined is known; the init in it is hidden yet, also from us (clone_hidden) */
  const PlanJoin *joins = plan_bytes (plan, plan->joins.at);
  for (uint32_t i = 0; i < plan->joins.n; i++)
    joined = joins[i].flag == CLONE_NEWPID ? again->kept[AGAIN_JOINS + i] : joined;
  size_t at = strlen (path);
  at += text_number (path + at, (uint64_t) pid);
  memcpy (path + at, "/ns/pid", sizeof "/ns/pid");
  if ((joined >= 0 ? fstat (joined, &st) : stat (path, &st)) < 0)
    return -errno;
  size_t size = text_number (line, (uint64_t) pid);
  line[size++] = ' ';
  size += text_number (line + size, st.st_ino);
  line[size++] = '\n';
  cleanup_fd int fd = openat (start->run_dir, "init.pid.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return -errno;
  int r = fd_write_all (fd, line, size);
  if (r < 0)
    return r;
  if (renameat (start->run_dir, "init.pid.new", start->run_dir, "init.pid") < 0)
    return -errno;
  (void) unlinkat (start->run_dir, MONITOR_EXIT_FILE, 0);
  return 0;
}

/* ---- all together */

/* drop_started: what came of a start that failed on the way. */
static void
drop_started (Again *again, const MonitorStart *started)
{
  const int fds[] = { started->init_pidfd, started->pty, started->stdin_fd, started->stdout_fd, started->stderr_fd };
  if (started->init_pid > 0)
    {
      (void) kill (started->init_pid, SIGKILL);
      while (waitpid (started->init_pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    }
  for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
    fd_close (fds[i]);
  fd_drop (&again->status);
}

static int exit_of (const RuntimeStatus *status);

/* wait_ready: until init has the container's root filesystem. Before that its /proc/PID/root is ours, the host's: whoever found it by its record would copy or execute there. */
static bool
wait_ready (Again *again)
{
  RuntimeStatus status;
  for (;;)
    {
      ssize_t n = recv (again->status, &status, sizeof status, 0);
      if (n < 0 && (errno == EINTR || errno == ECONNRESET))
        continue;
      if (n != sizeof status)
        return false;
      if (status.stage != STAGE_NONE)
        {
          again->failed = exit_of (&status) << 8;
          return false;
        }
      if (status.detail == STATUS_READY)
        return true;
    }
}

static bool
start_plan (Again *again, RuntimePlan *plan, MonitorStart *start, const RuntimeNetwork *network)
{
  MonitorStart started;
  bool done = false;
  again->failed = 0;
  if (prepare (again, plan, start) < 0)
    {
      started = plan->monitor;
      helper_child_close (plan);
    }
  else if (helper_child_start (plan, network, &started) == 0)
    done = wait_ready (again) && record_init (again, plan, &started) == 0;
  else
    (void) again_listen (again);
  if (done)
    *start = started;
  else
    drop_started (again, &started);
  return done;
}

bool
again_start (Again *again, MonitorStart *start, const RuntimeNetwork *network)
{
  RuntimePlan *plan = plan_map (again->plan);
  bool done = plan != NULL && start_plan (again, plan, start, network);
  if (plan != NULL)
    (void) munmap (plan, (size_t) plan->size);
  if (done)
    (void) send (again->status, "g", 1, MSG_NOSIGNAL);
  else if (again->failed == 0)
    again->failed = 125 << 8;
  return done;
}

/* exit_of: as the command's exit status would be, had it been asked to make this start: podman-run(1), Exit Status. */
static int
exit_of (const RuntimeStatus *status)
{
  bool missing = status->error == ENOENT || (status->error == ENOTDIR && status->stage == STAGE_EXEC);
  switch (status->stage)
    {
    case STAGE_EXEC:
    case STAGE_CWD:
      return missing ? 127 : 126;
    case STAGE_HOOK:
    case STAGE_HOOK_CONTAINER:
    case STAGE_HOOK_START:
      return 125;
    default:
      return 126;
    }
}

int
again_go (Again *again, int *held)
{
  again->status = *held;
  *held = -1;
  again->failed = again->failure = 0;
  (void) send (again->status, "g", 1, MSG_NOSIGNAL);
  for (AgainSaid said = AGAIN_NOTHING; said == AGAIN_NOTHING; said = again_listen (again))
    {
      struct pollfd waiting = { .fd = again->status, .events = POLLIN };
      (void) poll (&waiting, 1, -1);
    }
  return again->failure;
}

AgainSaid
again_listen (Again *again)
{
  RuntimeStatus status;
  for (;;)
    {
      /* the pidfd that comes along is dropped by the kernel: there is no room for it */
      ssize_t n = recv (again->status, &status, sizeof status, MSG_DONTWAIT);
      if (n < 0 && (errno == EINTR || errno == ECONNRESET))
        continue;
      if (n < 0 && errno == EAGAIN)
        return AGAIN_NOTHING;
      if (n != sizeof status)
        {
          fd_drop (&again->status);
          return again->failed != 0 ? AGAIN_FAILED : AGAIN_RUNNING;
        }
      if (status.stage != STAGE_NONE)
        {
          again->failed = exit_of (&status) << 8;
          again->failure = MONITOR_FAILURE (status.stage, status.error);
        }
    }
}
