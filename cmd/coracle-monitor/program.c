#include "monitor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Above what a program is given: 3 and 4 */
#define FD_ABOVE 5

static void
exec_program (const char program[16][256], const char *const *more, const int *fds, size_t n)
{
  char *argv[16 + 4];
  size_t at = 0;
  for (size_t i = 0; i < 16 && program[i][0] != '\0'; i++)
    argv[at++] = (char *) program[i];
  for (; *more != NULL; more++)
    argv[at++] = (char *) *more;
  argv[at] = NULL;
  int moved[PROGRAM_FDS];
  for (size_t i = 0; i < n; i++)
    moved[i] = fcntl (fds[i], F_DUPFD_CLOEXEC, FD_ABOVE);
  for (size_t i = 0; i < n; i++)
    if (moved[i] < 0 || dup2 (moved[i], 3 + (int) i) < 0)
      _exit (127);
  sigset_t none;
  sigemptyset (&none);
  (void) signal (SIGPIPE, SIG_DFL);
  (void) sigprocmask (SIG_SETMASK, &none, NULL);
  /* nothing outlives us; as pid 1 of a pid namespace that goes without saying */
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  execv (argv[0], argv);
  _exit (127);
}

pid_t
program_start (const char program[16][256], const char *const *more, const int *fds, size_t n)
{
  if (program[0][0] == '\0')
    return -1;
  pid_t child = fork ();
  if (child == 0)
    exec_program (program, more, fds, n);
  return child;
}
