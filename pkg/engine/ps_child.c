/* The host's ps(1) on a container's processes.
 *
 * It is in the container's user and pid namespaces, with all capabilities over the first, and sees the host's files: a process of the container that could trace it would be out. For that it
 * needs all that ps may do (cap_ptrace_access_check), so CAP_SYS_PTRACE, and who has that has its own ps run instead (container_ps.c). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/engine/container_ps.h"

static int
prepare_mounts (void)
{
  if (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount ("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
    return -errno;
  return 0;
}

_Noreturn static void
run (const PsChild *child)
{
  int numbers[2] = { getpid (), 0 };
  numbers[1] = prepare_mounts ();
  if (numbers[1] == 0 && (dup2 (child->output, STDOUT_FILENO) < 0 || dup2 (child->error_output, STDERR_FILENO) < 0))
    numbers[1] = -errno;
  if (fd_write_all (child->tell, numbers, sizeof numbers) == 0 && numbers[1] == 0)
    (void) execve (child->program, child->argv, child->envp);
  _exit (127);
}

void
ps_child (const PsChild *child)
{
  int numbers[2] = { 0, 0 }, status;
  pid_t pid = -1;
  if ((child->flags != 0 && setns (child->pidfd, (int) child->flags) < 0) || unshare (CLONE_NEWNS) < 0 || (pid = (pid_t) syscall (SYS_clone, SIGCHLD, 0, 0, 0, 0)) < 0)
    {
      numbers[1] = -errno;
      (void) fd_write_all (child->tell, numbers, sizeof numbers);
      _exit (127);
    }
  if (pid == 0)
    run (child);
  while (waitpid (pid, &status, 0) < 0)
    if (errno != EINTR)
      _exit (127);
  _exit (WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status));
}
