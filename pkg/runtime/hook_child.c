/* OCI hooks: a program that reads the container's state from its standard input (runtime-spec, config.md "POSIX-platform Hooks" and runtime.md "State"). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/runtime/child.h"

enum { ARGS_MAX = 256 };

static void
write_number (char *out, size_t size, int number)
{
  char *at = out + size - 1;
  *at = '\0';
  do
    *--at = (char) ('0' + number % 10);
  while ((number /= 10) != 0 && at > out);
  memmove (out, at, strlen (at) + 1);
}

/* A hook's standard input, and how long it may take */
typedef struct {
  int fd;             /* write end, non-blocking */
  int pidfd;          /* the hook's */
  int64_t deadline;   /* CLOCK_MONOTONIC, milliseconds; 0: none */
} Feed;

static int64_t
clock_ms (void)
{
  struct timespec now = { 0 };
  (void) clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* time_left: for poll. */
static int
time_left (const Feed *feed)
{
  if (feed->deadline == 0)
    return -1;
  int64_t left = feed->deadline - clock_ms ();
  return left <= 0 ? 0 : left < INT_MAX ? (int) left : INT_MAX;
}

/* feed_text: a state that does not fit the pipe waits for its reader, but neither for one that has ended nor for longer than it has: then -EPIPE. */
static int
feed_text (const Feed *feed, const char *text, size_t size)
{
  while (size > 0)
    {
      ssize_t n = write (feed->fd, text, size);
      if (n >= 0)
        {
          text += n;
          size -= (size_t) n;
          continue;
        }
      if (errno == EINTR)
        continue;
      if (errno != EAGAIN)
        return -errno;
      struct pollfd polls[] = { { .fd = feed->fd, .events = POLLOUT }, { .fd = feed->pidfd, .events = POLLIN } };
      if (poll (polls, 2, time_left (feed)) == 0 || polls[1].revents != 0)
        return -EPIPE;
    }
  return 0;
}

/* feed_state: the plan's state text with @PID@ and @STATUS@ filled in. */
static int
feed_state (const Feed *feed, const char *text, int pid, const char *status)
{
  char number[16];
  write_number (number, sizeof number, pid);
  while (*text != '\0')
    {
      const char *mark = strchr (text, '@');
      size_t length = mark != NULL ? (size_t) (mark - text) : strlen (text);
      int r = feed_text (feed, text, length);
      if (r < 0)
        return r;
      text += length;
      const char *value = strncmp (text, "@PID@", 5) == 0 ? number : strncmp (text, "@STATUS@", 8) == 0 ? status : NULL;
      if (value != NULL)
        text += value == number ? 5 : 8;
      else if (*text == '@')
        {
          value = "@";
          text++;
        }
      if (value != NULL && (r = feed_text (feed, value, strlen (value))) < 0)
        return r;
    }
  return 0;
}

static int
fill_vector (const RuntimePlan *plan, PlanList list, const char *vector[ARGS_MAX + 1])
{
  if (list.n > ARGS_MAX)
    return -E2BIG;
  const PlanRef *refs = plan_bytes (plan, list.at);
  for (uint32_t i = 0; i < list.n; i++)
    vector[i] = plan_text (plan, refs[i]);
  vector[list.n] = NULL;
  return 0;
}

static _Noreturn void
exec_hook (const char *path, char *const *argv, char *const *envp, int stdin_fd)
{
  struct sigaction standard = { .sa_handler = SIG_DFL };
  sigset_t none;
  sigemptyset (&none);
  (void) sigaction (SIGPIPE, &standard, NULL);
  (void) sigprocmask (SIG_SETMASK, &none, NULL);
  if (dup2 (stdin_fd, STDIN_FILENO) < 0)
    _exit (126);
  (void) syscall (SYS_close_range, 3U, ~0U, 0U);
  char *const only[] = { (char *) (uintptr_t) path, NULL };
  execve (path, argv[0] != NULL ? argv : only, envp);
  _exit (127);
}

/* wait_hook: for its end, at most as long as it has. */
static int
wait_hook (pid_t child, const Feed *feed, int *ret_wait_status)
{
  if (feed->deadline != 0)
    {
      struct pollfd waiting = { .fd = feed->pidfd, .events = POLLIN };
      int n;
      do
        n = poll (&waiting, 1, time_left (feed));
      while (n < 0 && errno == EINTR);
      if (n == 0)
        (void) kill (child, SIGKILL);
    }
  while (waitpid (child, ret_wait_status, 0) < 0)
    if (errno != EINTR)
      return -errno;
  return 0;
}

int
hook_child_one (const char *path, char *const *argv, char *const *envp, unsigned timeout_seconds, const char *state, int pid, const char *status, int *ret_wait_status)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return -errno;
  cleanup_fd int read_end = ends[0];
  cleanup_fd int write_end = ends[1];
  /* our end only: the hook's own reads wait */
  if (fcntl (write_end, F_SETFL, O_NONBLOCK) < 0)
    return -errno;
  long child = syscall (SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child < 0)
    return -errno;
  if (child == 0)
    exec_hook (path, argv, envp, read_end);
  /* the read end stays with us for now: with a reader there is no SIGPIPE, which would stay pending where it is blocked, and end init later */
  cleanup_fd int pidfd = (int) syscall (SYS_pidfd_open, (pid_t) child, 0);
  if (pidfd < 0)
    {
      int r = -errno;
      (void) kill ((pid_t) child, SIGKILL);
      (void) waitpid ((pid_t) child, ret_wait_status, 0);
      return r;
    }
  const Feed feed = { .fd = write_end, .pidfd = pidfd, .deadline = timeout_seconds != 0 ? clock_ms () + (int64_t) timeout_seconds * 1000 : 0 };
  int written = feed_state (&feed, state, pid, status);
  fd_close (fd_steal (&write_end));
  int r = wait_hook ((pid_t) child, &feed, ret_wait_status);
  if (r < 0)
    return r;
  /* it need not read, but then it must end */
  if (written < 0 && written != -EPIPE)
    return written;
  return *ret_wait_status == 0 ? 0 : -ECHILD;
}

int
hook_child_run (const RuntimePlan *plan, PlanList hooks, int pid, const char *status, int *ret_detail)
{
  const PlanHook *list = plan_bytes (plan, hooks.at);
  for (uint32_t i = 0; i < hooks.n; i++)
    {
      const char *argv[ARGS_MAX + 1], *envp[ARGS_MAX + 1];
      int wait_status = 0;
      *ret_detail = (int) i;
      int r = fill_vector (plan, list[i].argv, argv);
      if (r == 0)
        r = fill_vector (plan, list[i].envp, envp);
      if (r == 0)
        r = hook_child_one (plan_text (plan, list[i].path), (char *const *) argv, (char *const *) envp, list[i].timeout_seconds, plan_text (plan, plan->state_json), pid,
                            status, &wait_status);
      if (r == -ECHILD)
        *ret_detail = (int) i | wait_status << 16;
      if (r < 0)
        return r;
    }
  return 0;
}
