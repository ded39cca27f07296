/* Between clone and exec of the fuse-overlayfs server: async-signal-safe calls only. */
#include "storage/overlay_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Everything else, also what our caller left open without the flag, stays out of the server */
static void
inherit_only (const int *keep, size_t n_keep)
{
  if (syscall (SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
    for (int fd = 3; fd < 4096; fd++)   /* before 5.11 */
      (void) fcntl (fd, F_SETFD, FD_CLOEXEC);
  for (size_t i = 0; i < n_keep; i++)
    (void) fcntl (keep[i], F_SETFD, 0);
}

void
overlay_server_child (const OverlayServer *server)
{
  char byte;
  ssize_t n;
  do
    n = read (server->gate, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n != 1)
    _exit (0);
  /* a ^C at the terminal is for the container; and nobody's working folder shall be in use for as long as that lives */
  (void) setsid ();
  if (chdir ("/") < 0)
    _exit (126);
  sigset_t none;
  sigemptyset (&none);
  (void) sigprocmask (SIG_SETMASK, &none, NULL);
  if (dup2 (server->null_fd, STDIN_FILENO) < 0 || dup2 (server->null_fd, STDOUT_FILENO) < 0 || dup2 (server->stderr_fd, STDERR_FILENO) < 0)
    _exit (126);
  inherit_only (server->keep, server->n_keep);
  (void) execve (server->path, server->argv, server->envp);
  _exit (127);
}
