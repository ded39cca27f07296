#include "network/netd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/proc.h"

static void G_GNUC_NORETURN
exec_netd (const char *program, char *const *argv, char *const *envp, int lock, int ready)
{
  sigset_t none;
  sigemptyset (&none);
  (void) sigprocmask (SIG_SETMASK, &none, NULL);
  (void) setsid ();
  if (chdir ("/") < 0)
    _exit (1);
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  /* above what is about to be overwritten */
  int l = fcntl (lock, F_DUPFD_CLOEXEC, 16), r = fcntl (ready, F_DUPFD_CLOEXEC, 16);
  for (int fd = 0; fd <= 2; fd++)
    (void) dup2 (null, fd);
  if (dup2 (l, NETD_LOCK_FD) < 0 || dup2 (r, NETD_READY_FD) < 0)
    _exit (1);
  proc_close_from (NETD_READY_FD + 1);
  execve (program, argv, envp);
  _exit (127);
}

int
netd_spawn_child (const char *program, char *const *argv, char *const *envp, int lock, int ready)
{
  int status;
  pid_t pid = _Fork ();
  if (pid < 0)
    return -errno;
  if (pid == 0)
    {
      pid_t second = _Fork ();
      if (second == 0)
        exec_netd (program, argv, envp, lock, ready);
      _exit (second < 0 ? 1 : 0);
    }
  while (waitpid (pid, &status, 0) < 0)
    if (errno != EINTR)
      return -errno;
  return WIFEXITED (status) && WEXITSTATUS (status) == 0 ? 0 : -EAGAIN;
}
