/* What the children of spawn.h do. They share the parent's memory: only system calls here, and errno is put back. */
#include "pkg/idmap/spawn.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Exists until it is killed. All signals that can be are blocked: a ^C for the whole group must not end it before its parent decides */
int
spawn_holder_child (void *data)
{
  const SpawnChild *self = data;
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  /* a parent that died before that call has left us to another */
  while (getppid () == self->parent)
    pause ();
  return 0;   /* into the clone wrapper, which ends the process */
}

int
spawn_helper_child (void *data)
{
  SpawnChild *self = data;
  int saved = errno;
  if (dup2 (self->output, STDIN_FILENO) < 0 || dup2 (self->output, STDOUT_FILENO) < 0 || dup2 (self->output, STDERR_FILENO) < 0)
    self->exec_errno = errno;
  else
    {
      (void) execve (self->path, self->argv, self->envp);
      self->exec_errno = errno;
    }
  errno = saved;
  return 127;
}

int
spawn_visitor_child (void *data)
{
  const SpawnChild *self = data;
  int saved = errno;
  int failed = setns (self->output, CLONE_NEWUSER) < 0 ? errno : 0;
  errno = saved;
  if (failed == 0)
    (void) kill (getpid (), SIGSTOP);
  return failed;
}
