#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t
put_number (char *to, int64_t number, char after)
{
  char digits[24];
  size_t n = 0, at = 0;
  if (number < 0)
    to[at++] = '-';
  for (uint64_t left = number < 0 ? -(uint64_t) number : (uint64_t) number; left > 0 || n == 0; left /= 10)
    digits[n++] = (char) ('0' + left % 10);
  while (n > 0)
    to[at++] = digits[--n];
  to[at++] = after;
  return at;
}

void
ending_record (int run_dir, const MonitorExit *exited)
{
  char line[96];
  size_t size = put_number (line, exited->status, ' ');
  size += put_number (line + size, exited->timed_out, ' ');
  size += put_number (line + size, exited->oom, ' ');
  size += put_number (line + size, exited->finished_us, '\n');
  int fd = openat (run_dir, MONITOR_EXIT_FILE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return;
  bool whole = write (fd, line, size) == (ssize_t) size;
  (void) close (fd);
  if (whole)
    (void) renameat (run_dir, MONITOR_EXIT_FILE ".new", run_dir, MONITOR_EXIT_FILE);
}

/* kill_children: SIGKILL to every child of ours but @spare. Returns whether there was one. */
static bool
kill_children (pid_t spare)
{
  char list[4096];
  int fd = open ("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  ssize_t n = read (fd, list, sizeof list - 1);
  (void) close (fd);
  bool any = false;
  pid_t pid = 0;
  for (ssize_t at = 0; at < n; at++)
    if (list[at] >= '0' && list[at] <= '9')
      pid = pid * 10 + (list[at] - '0');
    else
      {
        if (pid > 0 && pid != spare && kill (pid, SIGKILL) == 0)
          any = true;
        pid = 0;
      }
  return any;
}

void
ending_kill_group (pid_t init, pid_t spare)
{
  (void) kill (-init, SIGKILL);
  /* each round makes the children of the killed our own */
  for (int round = 0; round < 1000 && kill_children (spare); round++)
    {
      struct timespec pause = { .tv_nsec = 1000000 };
      while (waitpid (-1, NULL, WNOHANG) > 0)
        continue;
      (void) ppoll (NULL, 0, &pause, NULL);
    }
}

void
ending_exec (const MonitorStart *start)
{
  if (start->exec_dir < 0)
    return;
  (void) unlinkat (start->run_dir, MONITOR_EXIT_FILE, 0);
  (void) unlinkat (start->exec_dir, start->id, AT_REMOVEDIR);
}

static void
exec_cleanup (const MonitorStart *start)
{
  char *argv[17];
  size_t n = 0;
  while (n < 16 && start->cleanup[n][0] != '\0')
    {
      argv[n] = (char *) start->cleanup[n];
      n++;
    }
  argv[n] = NULL;
  if (n == 0)
    _exit (127);
  /* the clean-up works under our lock on RUN_ROOT/ID: it is told the number by its --run-fd 3 */
  if (start->run_dir == 3)
    (void) fcntl (3, F_SETFD, 0);
  else if (dup2 (start->run_dir, 3) < 0)
    _exit (127);
  sigset_t none;
  sigemptyset (&none);
  (void) signal (SIGPIPE, SIG_DFL);
  (void) sigprocmask (SIG_SETMASK, &none, NULL);
  execv (argv[0], argv);
  _exit (127);
}

void
ending_cleanup (MonitorStart *start)
{
  if (start->cleanup[0][0] == '\0')
    return;
  /* a container that filled the disk: what is removed frees nothing while the filesystem above it is there */
  fd_drop (&start->root_fd);
  pid_t child = fork ();
  if (child == 0)
    exec_cleanup (start);
  while (child > 0)
    {
      pid_t dead = waitpid (-1, NULL, 0);
      if (dead == child || (dead < 0 && errno != EINTR))
        break;
    }
}
