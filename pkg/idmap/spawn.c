#include "pkg/idmap/spawn.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/proc.h"

#define STACK_SIZE 65536   /* far more than the bodies need; only touched pages count */

int
spawn_start (SpawnChild *child, int (*body) (void *), int flags)
{
  void *stack = mmap (NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED)
    return -errno;
  child->parent = getpid ();
  /* a handler of ours that ran in the child would run in our memory */
  sigset_t all, before;
  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, &before);
  /* clone, not clone3: some containers' filters answer ENOSYS to clone3 because they cannot see its flags */
  pid_t pid = clone (body, (char *) stack + STACK_SIZE, CLONE_VM | flags | SIGCHLD, child);
  int errsv = errno;
  sigprocmask (SIG_SETMASK, &before, NULL);
  if (pid < 0)
    {
      (void) munmap (stack, STACK_SIZE);
      return -errsv;
    }
  child->pid = pid;
  child->stack = stack;
  return 0;
}

static void
stack_free (SpawnChild *child)
{
  if (child->stack != NULL)
    (void) munmap (child->stack, STACK_SIZE);
  child->stack = NULL;
}

int
spawn_wait (SpawnChild *child, int *ret_status)
{
  int r = proc_wait (proc_steal_pid (&child->pid), ret_status);
  stack_free (child);
  return r;
}

void
spawn_kill (const SpawnChild *child)
{
  if (child->pid > 0)
    (void) kill (child->pid, SIGKILL);
}

void
spawn_clear (SpawnChild *child)
{
  proc_cleanup_pid (&child->pid);
  child->pid = 0;
  stack_free (child);
}
