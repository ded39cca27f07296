#include "pkg/runtime/program.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <link.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/runtime/mountsys.h"

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

int
program_copy (const char *path)
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

int
program_open (const char *path)
{
  cleanup_fd int tree = sys_open_tree (AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV };
  if (tree < 0 || sys_mount_setattr (tree, "", AT_EMPTY_PATH, &attr) < 0)
    return program_copy (path);
  return fd_steal (&tree);
}
