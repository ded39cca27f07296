/* A process in between: it joins namespaces that only its children are to be in.
 *
 * Host's:  everything, as its parent, the helper or an exec session's supervisor, whose memory and descriptors it shares; the parent waits.
 * Joined:  by @body: a pid namespace, for its children. Who has joined one cannot come back (that takes rights over the host's), and all that it starts later is born there, where the
 *          container's processes see it: a clean-up program, with the host's files, is not for them. So it is this process that joins, and then is gone.
 * The child: cloned by @body with CLONE_PARENT, goes on with a copy of the memory, on this stack. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "pkg/runtime/child.h"

#define STACK_SIZE ((size_t) 8 << 20)   /* a usual main stack: the child has no other. Only what is touched counts */

typedef struct {
  long (*body) (void *data);
  void *data;
  long result;
} Between;

static int
run (void *data)
{
  Between *between = data;
  between->result = between->body (between->data);
  return 0;
}

long
between_child_run (long (*body) (void *data), void *data)
{
  Between between = { .body = body, .data = data, .result = -ECHILD };
  char *stack = mmap (NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED)
    return -errno;
  pid_t pid = clone (run, stack + STACK_SIZE, CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, &between);
  if (pid < 0)
    between.result = -errno;
  while (pid > 0 && waitpid (pid, NULL, 0) < 0 && errno == EINTR)
    continue;
  (void) munmap (stack, STACK_SIZE);
  return between.result;
}
