#include "monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int
start (char **argv, const sigset_t *before)
{
  pid_t child = fork ();
  if (child != 0)
    return child;
  /* a group of its own, in front of the terminal if there is one: Ctrl-C is the program's */
  (void) setpgid (0, 0);
  (void) signal (SIGTTOU, SIG_IGN);
  (void) tcsetpgrp (STDIN_FILENO, getpid ());
  (void) signal (SIGTTOU, SIG_DFL);
  (void) sigprocmask (SIG_SETMASK, before, NULL);
  execvp (argv[0], argv);
  int status = errno == ENOENT ? 127 : 126;
  (void) dprintf (STDERR_FILENO, "%s: %s\n", argv[0], strerror (errno));
  _exit (status);
}

int
init_main (char **argv)
{
  sigset_t all, before;
  sigfillset (&all);
  (void) sigprocmask (SIG_SETMASK, &all, &before);
  pid_t child = start (argv, &before);
  if (child < 0)
    return 126;
  for (;;)
    {
      int number;
      if (sigwait (&all, &number) != 0)
        continue;
      if (number != SIGCHLD)
        {
          (void) kill (child, number);
          continue;
        }
      int status;
      for (pid_t dead; (dead = waitpid (-1, &status, WNOHANG)) > 0;)
        if (dead == child)
          return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
    }
}
