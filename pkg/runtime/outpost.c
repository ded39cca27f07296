#include "pkg/runtime/outpost.h"

#include <errno.h>
#include <glib.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What is asked of it, in turn */
enum { IDLE, ASKED, DONE };

typedef struct {
  pid_t pid, parent;      /* pid 0: there is none */
  atomic_int state;
  int (*body) (void *data);
  void *data;
  pid_t child;            /* or -errno */
  char stack[16384] __attribute__ ((aligned (16)));
  char child_stack[16384] __attribute__ ((aligned (16)));
} Outpost;

static Outpost the_outpost;

static void
await (atomic_int *state, int wrong, const struct timespec *longest)
{
  if (atomic_load (state) == wrong)
    (void) syscall (SYS_futex, state, FUTEX_WAIT, wrong, longest, NULL, 0);
}

static void
announce (atomic_int *state, int value)
{
  atomic_store (state, value);
  (void) syscall (SYS_futex, state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* serve: the process out there. All signals that can be are blocked. */
static int
serve (void *data)
{
  Outpost *outpost = data;
  int saved = errno;
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  while (getppid () == outpost->parent)
    {
      int state = atomic_load (&outpost->state);
      if (state != ASKED)
        {
          await (&outpost->state, state, NULL);
          continue;
        }
      /* the command's child, not ours */
      pid_t child = clone (outpost->body, outpost->child_stack + sizeof outpost->child_stack, CLONE_VM | CLONE_PARENT, outpost->data);
      outpost->child = child < 0 ? -errno : child;
      errno = saved;
      announce (&outpost->state, DONE);
    }
  return 0;
}

void
outpost_begin (void)
{
  Outpost *outpost = &the_outpost;
  if (outpost->pid > 0 || geteuid () == 0)
    return;
  outpost->parent = getpid ();
  sigset_t all, before;
  sigfillset (&all);
  (void) sigprocmask (SIG_SETMASK, &all, &before);
  pid_t pid = clone (serve, outpost->stack + sizeof outpost->stack, CLONE_VM | CLONE_FILES | SIGCHLD, outpost);
  (void) sigprocmask (SIG_SETMASK, &before, NULL);
  outpost->pid = MAX (pid, 0);
}

pid_t
outpost_spawn (int (*body) (void *data), void *data)
{
  Outpost *outpost = &the_outpost;
  const struct timespec turn = { .tv_nsec = 100000000 };
  if (outpost->pid == 0)
    return 0;
  outpost->body = body;
  outpost->data = data;
  announce (&outpost->state, ASKED);
  while (atomic_load (&outpost->state) == ASKED)
    {
      await (&outpost->state, ASKED, &turn);
      /* killed by somebody */
      if (atomic_load (&outpost->state) == ASKED && waitpid (outpost->pid, NULL, WNOHANG) != 0)
        {
          outpost->pid = 0;
          return -ECHILD;
        }
    }
  return outpost->child;
}
