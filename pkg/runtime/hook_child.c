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

/* write_state: the plan's state text with @PID@ and @STATUS@ filled in. */
static int
write_state (int fd, const char *text, int pid, const char *status)
{
  char number[16];
  write_number (number, sizeof number, pid);
  while (*text != '\0')
    {
      const char *mark = strchr (text, '@');
      size_t length = mark != NULL ? (size_t) (mark - text) : strlen (text);
      int r = fd_write_all (fd, text, length);
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
      if (value != NULL && (r = fd_write_all (fd, value, strlen (value))) < 0)
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

/* wait_hook: for its end, at most @timeout_seconds (0 = as long as it takes). */
static int
wait_hook (pid_t child, unsigned timeout_seconds, int *ret_wait_status)
{
  cleanup_fd int pidfd = timeout_seconds != 0 ? (int) syscall (SYS_pidfd_open, child, 0) : -1;
  if (pidfd >= 0)
    {
      struct pollfd waiting = { .fd = pidfd, .events = POLLIN };
      int n;
      do
        n = poll (&waiting, 1, timeout_seconds < INT_MAX / 1000 ? (int) timeout_seconds * 1000 : -1);
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
  long child = syscall (SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child < 0)
    return -errno;
  if (child == 0)
    exec_hook (path, argv, envp, read_end);
  fd_close (fd_steal (&read_end));
  /* a state that does not fit the pipe and a hook that does not read it: it need not, but then it must end */
  int written = write_state (write_end, state, pid, status);
  fd_close (fd_steal (&write_end));
  int r = wait_hook ((pid_t) child, timeout_seconds, ret_wait_status);
  if (r < 0)
    return r;
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
