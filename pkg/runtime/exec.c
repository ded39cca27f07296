/* exec: the parent's side of an exec session. */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
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

/* loaded_size: as much of the program as the kernel loads: what lies behind, tables for debuggers, is most of one that was not stripped. Source: elf(5). */
static off_t
loaded_size (int fd, off_t size)
{
  ElfW (Ehdr) header;
  ElfW (Phdr) segments[16];
  if (pread (fd, &header, sizeof header, 0) != sizeof header || memcmp (header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof segments[0]
      || header.e_phnum > G_N_ELEMENTS (segments)
      || pread (fd, segments, header.e_phnum * sizeof segments[0], (off_t) header.e_phoff) != (ssize_t) (header.e_phnum * sizeof segments[0]))
    return size;
  off_t end = 0;
  for (size_t i = 0; i < header.e_phnum; i++)
    if (segments[i].p_type == PT_LOAD)
      end = MAX (end, (off_t) (segments[i].p_offset + segments[i].p_filesz));
  return end > 0 ? MIN (end, size) : size;
}

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
  off_t size = loaded_size (from, st.st_size);
  for (off_t at = 0; at < size;)
    {
      ssize_t n = sendfile (to, from, &at, (size_t) (size - at));
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
