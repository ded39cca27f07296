#include "pkg/base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

extern char **environ;

void
proc_cleanup_pid (pid_t *pid)
{
  if (*pid <= 0)
    return;
  int saved = errno;
  (void) kill (*pid, SIGKILL);
  (void) proc_wait (*pid, NULL);
  errno = saved;
}

pid_t
proc_steal_pid (pid_t *pid)
{
  pid_t taken = *pid;
  *pid = 0;
  return taken;
}

int
proc_pidfd_open (pid_t pid)
{
  long fd = syscall (SYS_pidfd_open, pid, 0);
  return fd < 0 ? -errno : (int) fd;
}

int
proc_pidfd_signal (int pidfd, int signal)
{
  return syscall (SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

pid_t
proc_pidfd_number (int pidfd)
{
  char path[64], text[512];
  g_snprintf (path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : fd_read_all (fd, text, sizeof text - 1);
  text[n > 0 ? n : 0] = '\0';
  const char *line = strstr (text, "Pid:");
  return line != NULL ? (pid_t) strtol (line + 4, NULL, 10) : -1;
}

char *
proc_boot_id (void)
{
  char text[64];
  cleanup_fd int fd = open ("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read (fd, text, sizeof text - 1);
  if (n <= 0)
    return NULL;
  text[n] = '\0';
  return g_strdup (g_strchomp (text));
}

/* ---- a process that goes on where this one ends */

typedef struct {
  void (*rest) (void *);
  void *data;
} Rest;

static int
rest_main (void *data)
{
  const Rest *rest = data;
  /* whoever reads our output to its end does not wait for us */
  for (int fd = 0; fd <= 2; fd++)
    (void) close (fd);
  rest->rest (rest->data);
  return 0;
}

int
proc_leave (int status, void (*rest) (void *), void *data)
{
  enum { STACK = 8 << 20 }; /* of which only what is used takes memory */
  static Rest given;
  given = (Rest){ rest, data };
  char *stack = mmap (NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED)
    return -errno;
  if (clone (rest_main, stack + STACK, CLONE_VM | SIGCHLD, &given) < 0)
    {
      int r = -errno;
      (void) munmap (stack, STACK);
      return r;
    }
  _exit (status);
}

int
proc_wait (pid_t pid, int *ret_status)
{
  int status;
  pid_t r;
  do
    r = waitpid (pid, &status, 0);
  while (r < 0 && errno == EINTR);
  if (r < 0)
    return -errno;
  if (ret_status != NULL)
    *ret_status = status;
  return 0;
}

gboolean
proc_run (const char *const *argv, int *ret_status, char **ret_stderr, GError **error)
{
  int pipe_fds[2];
  if (pipe2 (pipe_fds, O_CLOEXEC) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "running %s: pipe", argv[0]);
    }
  cleanup_fd int read_end = pipe_fds[0];
  cleanup_fd int write_end = pipe_fds[1];

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen (&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2 (&actions, write_end, STDERR_FILENO);
  pid_t started = 0;
  int r = posix_spawnp (&started, argv[0], &actions, NULL, (char *const *) argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  if (r != 0)
    return coracle_throw_errno (error, r, "running %s", argv[0]);
  cleanup_pid pid_t pid = started;
  fd_close (fd_steal (&write_end));

  g_autofree char *text = g_malloc (65536 + 1);
  ssize_t n = fd_read_all (read_end, text, 65536);
  text[n < 0 ? 0 : n] = '\0';
  r = proc_wait (proc_steal_pid (&pid), ret_status);
  if (r < 0)
    return coracle_throw_errno (error, -r, "waiting for %s", argv[0]);
  if (ret_stderr != NULL)
    *ret_stderr = g_strchomp (g_steal_pointer (&text));
  return TRUE;
}

gboolean
proc_spawn_reader (const char *const *argv, pid_t *ret_pid, int *ret_fd, GError **error)
{
  int pipe_fds[2];
  if (pipe2 (pipe_fds, O_CLOEXEC) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "running %s: pipe", argv[0]);
    }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2 (&actions, pipe_fds[1], STDOUT_FILENO);
  int r = posix_spawnp (ret_pid, argv[0], &actions, NULL, (char *const *) argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  fd_close (pipe_fds[1]);
  if (r == 0)
    {
      *ret_fd = pipe_fds[0];
      return TRUE;
    }
  fd_close (pipe_fds[0]);
  return coracle_throw_errno (error, r, "running %s", argv[0]);
}

static const struct {
  const char *name;
  int number;
} signal_names[] = {
  { "SIGHUP", SIGHUP },       { "SIGINT", SIGINT },   { "SIGQUIT", SIGQUIT }, { "SIGILL", SIGILL },       { "SIGTRAP", SIGTRAP },     { "SIGABRT", SIGABRT },
  { "SIGIOT", SIGABRT },      { "SIGBUS", SIGBUS },   { "SIGFPE", SIGFPE },   { "SIGKILL", SIGKILL },     { "SIGUSR1", SIGUSR1 },     { "SIGSEGV", SIGSEGV },
  { "SIGUSR2", SIGUSR2 },     { "SIGPIPE", SIGPIPE }, { "SIGALRM", SIGALRM }, { "SIGTERM", SIGTERM },     { "SIGSTKFLT", SIGSTKFLT }, { "SIGCHLD", SIGCHLD },
  { "SIGCLD", SIGCHLD },      { "SIGCONT", SIGCONT }, { "SIGSTOP", SIGSTOP }, { "SIGTSTP", SIGTSTP },     { "SIGTTIN", SIGTTIN },     { "SIGTTOU", SIGTTOU },
  { "SIGURG", SIGURG },       { "SIGXCPU", SIGXCPU }, { "SIGXFSZ", SIGXFSZ }, { "SIGVTALRM", SIGVTALRM }, { "SIGPROF", SIGPROF },     { "SIGWINCH", SIGWINCH },
  { "SIGIO", SIGIO },         { "SIGPOLL", SIGIO },   { "SIGPWR", SIGPWR },   { "SIGSYS", SIGSYS },
};

int
proc_signal_parse (const char *text)
{
  if (g_ascii_isdigit (text[0]))
    {
      gint64 number;
      if (!g_ascii_string_to_signed (text, 10, 1, SIGRTMAX, &number, NULL))
        return -1;
      return (int) number;
    }
  g_autofree char *upper = g_ascii_strup (text, -1);
  const char *bare = g_str_has_prefix (upper, "SIG") ? upper + 3 : upper;
  for (size_t i = 0; i < G_N_ELEMENTS (signal_names); i++)
    if (strcmp (signal_names[i].name + 3, bare) == 0)
      return signal_names[i].number;
  gint64 offset = 0;
  if (g_str_has_prefix (bare, "RTMIN") && (bare[5] == '\0' || (bare[5] == '+' && g_ascii_string_to_signed (bare + 6, 10, 0, SIGRTMAX - SIGRTMIN, &offset, NULL))))
    return SIGRTMIN + (int) offset;
  if (g_str_has_prefix (bare, "RTMAX") && (bare[5] == '\0' || (bare[5] == '-' && g_ascii_string_to_signed (bare + 6, 10, 0, SIGRTMAX - SIGRTMIN, &offset, NULL))))
    return SIGRTMAX - (int) offset;
  return -1;
}

gboolean
proc_signal_read (const char *text, int *ret_signal, GError **error)
{
  text += text[0] == '-';
  gint64 number;
  int found = proc_signal_parse (text);
  if (found > 0)
    *ret_signal = found;
  else if (g_ascii_string_to_signed (text, 10, SIGRTMAX + 1, G_MAXINT64, &number, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "valid signals are 1 through %d", SIGRTMAX);
  else
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid signal: %s", text);
  return TRUE;
}

const char *
proc_signal_name (int number)
{
  for (size_t i = 0; i < G_N_ELEMENTS (signal_names); i++)
    if (signal_names[i].number == number)
      return signal_names[i].name;
  /* as glibc counts them */
  static const char *const real_time[] = {
    "SIGRTMIN",    "SIGRTMIN+1",  "SIGRTMIN+2",  "SIGRTMIN+3",  "SIGRTMIN+4",  "SIGRTMIN+5",  "SIGRTMIN+6",  "SIGRTMIN+7",  "SIGRTMIN+8",  "SIGRTMIN+9",  "SIGRTMIN+10",
    "SIGRTMIN+11", "SIGRTMIN+12", "SIGRTMIN+13", "SIGRTMIN+14", "SIGRTMIN+15", "SIGRTMAX-14", "SIGRTMAX-13", "SIGRTMAX-12", "SIGRTMAX-11", "SIGRTMAX-10", "SIGRTMAX-9",
    "SIGRTMAX-8",  "SIGRTMAX-7",  "SIGRTMAX-6",  "SIGRTMAX-5",  "SIGRTMAX-4",  "SIGRTMAX-3",  "SIGRTMAX-2",  "SIGRTMAX-1",  "SIGRTMAX",
  };
  if (number >= 34 && (size_t) (number - 34) < G_N_ELEMENTS (real_time))
    return real_time[number - 34];
  return NULL;
}
