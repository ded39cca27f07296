/* exec: the parent's side of an exec session. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/runtime/plan_build.h"
#include "pkg/runtime/runtime_private.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U   /* Linux 6.3 */
#endif

/* copy_program: a sealed copy of the monitor in memory. It will be /proc/PID/exe of a process in the container until that has exec'd its command, and for longer when that command leads
 * back to /proc/self/exe: nobody can write to it (CVE-2019-5736). A read-only mount of it, as a container's start has, would need the user namespace to be entered before it is exec'd, and
 * with that the exec'd program would be within reach of the container's CAP_SYS_PTRACE (see exec_child.c). Returns the descriptor or -errno. */
static int
copy_program (const char *path)
{
  cleanup_fd int from = open (path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (from < 0 || fstat (from, &st) < 0)
    return -errno;
  cleanup_fd int to = memfd_create ("coracle-monitor", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (to < 0 && errno == EINVAL)
    to = memfd_create ("coracle-monitor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (to < 0)
    return -errno;
  for (off_t at = 0; at < st.st_size;)
    {
      ssize_t n = sendfile (to, from, &at, (size_t) (st.st_size - at));
      if (n < 0 && errno != EINTR)
        return -errno;
      if (n == 0)
        return -EIO;
    }
  if (fcntl (to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
    return -errno;
  return fd_steal (&to);
}

gboolean
runtime_exec (json_t *config, const RuntimeOptions *options, RuntimeProcess *ret_process, GError **error)
{
  g_autoptr (GArray) join_fds = NULL;
  g_autoptr (GByteArray) bytes = runtime_plan_build (config, options, &join_fds, error);
  if (bytes == NULL)
    return FALSE;
  g_autofree char *path = g_build_filename (options->paths->libexec, "coracle-monitor", NULL);
  cleanup_fd int program = copy_program (path);
  if (program < 0)
    return coracle_throw_errno (error, -program, "runtime: copying %s to memory%s", path, program == -EACCES ? " (does vm.memfd_noexec forbid it?)" : "");
  return runtime_perform (config, bytes, options, program, NULL, NULL, ret_process, error);
}
