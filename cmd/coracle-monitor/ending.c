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

/* kill_children: SIGKILL to every child of ours but those. Returns whether there was one. */
static bool
kill_children (pid_t spare, pid_t other)
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
        if (pid > 0 && pid != spare && pid != other && kill (pid, SIGKILL) == 0)
          any = true;
        pid = 0;
      }
  return any;
}

void
ending_kill_group (pid_t init, pid_t spare, pid_t other)
{
  (void) kill (-init, SIGKILL);
  /* each round makes the children of the killed our own */
  for (int round = 0; round < 1000 && kill_children (spare, other); round++)
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

void
ending_tell_started (const MonitorStart *start)
{
  static const char *const started[] = { "--started", NULL };
  /* not our lock: what it does may last longer than the container. When we end it does */
  if (start->tell_started)
    (void) program_start (start->cleanup, started, &start->init_pidfd, 1);
}

pid_t
ending_cleanup (MonitorStart *start, bool again)
{
  static const char *const nothing[] = { NULL }, *const mounted[] = { "--mounted", NULL }, *const wanted[] = { "--mounted", "--again", NULL };
  /* a container that filled the disk: what is removed frees nothing while the filesystem above it is there */
  if (!start->restart)
    fd_drop (&start->root_fd);
  /* the clean-up works under our lock on RUN_ROOT/ID: it is told the number by its --run-fd 3 */
  return program_start (start->cleanup, !start->restart ? nothing : again ? wanted : mounted, &start->run_dir, 1);
}
