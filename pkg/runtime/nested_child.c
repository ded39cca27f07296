/* Init in a user namespace of its own, below the one that all of the user's containers share.
 *
 * Host's:  as the helper's (helper_child.c), from which the process in between is forked.
 * Joined:  by the process in between: namespaces of others first, for which it takes capabilities over the shared user namespace or theirs; then the container's own user namespace,
 *          in which it has all capabilities and over its parent none; then it clones init as the helper's child (CLONE_PARENT), so that every namespace made with it belongs to the container's.
 * Mounts:  the container's root need not have ids that may look into the user's folders. So what is bound is cloned beforehand, detached, by the helper (nested_child_trees), and
 *          init only moves it to its place.
 * Who can look into init before it execs: not its user namespace: it is not dumpable any more (commit_creds), and that takes CAP_SYS_PTRACE over the namespace in which its program
 *          was exec'd, the shared one (kernel/ptrace.c __ptrace_may_access). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/runtime/child.h"
#include "pkg/runtime/mountsys.h"

const PlanJoin *
nested_child_join (const RuntimePlan *plan)
{
  const PlanJoin *joins = plan_bytes (plan, plan->joins.at);
  for (uint32_t i = 0; i < plan->joins.n; i++)
    if (joins[i].flag == CLONE_NEWUSER)
      return &joins[i];
  return NULL;
}

/* give: the standard pipes are ours; the container's user may have to open them again (/dev/stdout). */
static void
give (const RuntimePlan *plan)
{
  const int pipes[] = { plan->init_stdin, plan->init_stdout, plan->init_stderr };
  struct stat st;
  for (size_t i = 0; i < sizeof pipes / sizeof pipes[0] && plan->give_pipes; i++)
    if (pipes[i] >= 0 && fstat (pipes[i], &st) == 0 && S_ISFIFO (st.st_mode))
      (void) fchown (pipes[i], plan->pipe_uid, plan->pipe_gid);
}

int
nested_child_trees (const RuntimePlan *plan, NestedTrees *trees, int *ret_detail)
{
  const PlanMount *mounts = plan_bytes (plan, plan->mounts.at);
  give (plan);
  trees->root = sys_open_tree (AT_FDCWD, plan_text (plan, plan->rootfs), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (trees->root < 0)
    return -errno;
  for (uint32_t i = 0; i < plan->mounts.n; i++)
    {
      *ret_detail = (int) i;
      if (mounts[i].kind != PLAN_MOUNT_BIND)
        continue;
      trees->binds[i] = sys_open_tree (AT_FDCWD, plan_text (plan, mounts[i].source), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (mounts[i].flags & PLAN_RECURSIVE ? AT_RECURSIVE : 0));
      if (trees->binds[i] < 0)
        return -errno;
    }
  return 0;
}

void
nested_child_trees_close (const RuntimePlan *plan, NestedTrees *trees)
{
  for (uint32_t i = 0; i < plan->mounts.n; i++)
    fd_close (fd_steal (&trees->binds[i]));
  fd_close (fd_steal (&trees->root));
}

static void
set_oom (const RuntimePlan *plan)
{
  cleanup_fd int fd = plan->has_oom_score_adj ? open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC) : -1;
  if (fd >= 0)
    (void) process_child_oom (plan, fd);
}

/* join_all: the user namespace last: after it those of others could not be joined. */
static int
join_all (const RuntimePlan *plan, int *ret_detail)
{
  const PlanJoin *joins = plan_bytes (plan, plan->joins.at), *user = nested_child_join (plan);
  for (uint32_t i = 0; i < plan->joins.n; i++)
    {
      *ret_detail = (int) i;
      if (&joins[i] != user && setns (joins[i].fd, (int) joins[i].flag) < 0)
        return -errno;
    }
  *ret_detail = (int) (user - joins);
  set_oom (plan);
  return setns (user->fd, CLONE_NEWUSER) < 0 ? -errno : 0;
}

typedef struct {
  int pid;      /* as the helper sees it; 0: failed */
  int stage, error, detail;
} Told;

long
nested_child_clone (const RuntimePlan *plan, long (*clone_init) (void *data), void *data, RuntimeStatus *ret_failure)
{
  int ends[2];
  Told told = { .stage = STAGE_CLONE, .error = ECHILD };
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return -errno;
  long pid = syscall (SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0)
    {
      fd_close (ends[0]);
      told.stage = STAGE_USERNS;
      told.error = -join_all (plan, &told.detail);
      if (told.error == 0)
        {
          told.stage = STAGE_CLONE;
          long number = clone_init (data);
          told.pid = number > 0 ? (int) number : 0;
          told.error = number < 0 ? (int) -number : 0;
        }
      (void) fd_write_all (ends[1], &told, sizeof told);
      _exit (0);
    }
  fd_close (ends[1]);
  if (pid < 0 || fd_read_all (ends[0], &told, sizeof told) != sizeof told)
    told = (Told){ .stage = STAGE_CLONE, .error = ECHILD };
  fd_close (ends[0]);
  while (pid > 0 && waitpid ((pid_t) pid, NULL, 0) < 0 && errno == EINTR)
    continue;
  *ret_failure = (RuntimeStatus){ .stage = told.stage, .error = told.error, .detail = told.detail };
  return told.pid > 0 ? told.pid : -told.error;
}

/* nested_child_become: the namespace's root, where it has one. All capabilities are kept: the permitted set is full, and becoming root makes it effective. */
int
nested_child_become (void)
{
  if (syscall (SYS_setresgid, 0, 0, 0) < 0 && errno != EINVAL)
    return -errno;
  if (syscall (SYS_setresuid, 0, 0, 0) < 0 && errno != EINVAL)
    return -errno;
  return 0;
}
