#include "pkg/base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

gboolean
path_mkdirs (const char *path, mode_t mode, GError **error)
{
  if (g_mkdir_with_parents (path, (int) mode) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making folder %s", path);
    }
  return TRUE;
}

/* open_below: the folder @name, unless it is a link or the root of another mount, a bind mount of the same filesystem included: what is mounted there belongs to
 * somebody else. Source: openat2(2) RESOLVE_NO_XDEV. */
static int
open_below (int dir_fd, const char *name)
{
  struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH };
  long fd = syscall (SYS_openat2, dir_fd, name, &how, sizeof how);
  if (fd >= 0)
    return (int) fd;
  return errno == EXDEV ? -EBUSY : -errno;
}

static int
remove_below (int dir_fd, const char *name, int depth)
{
  if (unlinkat (dir_fd, name, 0) == 0 || errno == ENOENT)
    return 0;
  if (errno != EISDIR && errno != EPERM)
    return -errno;
  if (depth > 4096)
    return -ELOOP;
  int fd = open_below (dir_fd, name);
  if (fd == -EACCES && fchmodat (dir_fd, name, 0700, 0) == 0)
    fd = open_below (dir_fd, name);
  if (fd == -ENOTDIR)
    return -EPERM;
  if (fd < 0)
    return fd == -ENOENT ? 0 : fd;
  struct stat st;
  if (fstat (fd, &st) == 0 && (st.st_mode & 0700) != 0700)
    (void) fchmod (fd, 0700);
  DIR *dir = fdopendir (fd);
  if (dir == NULL)
    {
      int r = -errno;
      fd_close (fd);
      return r;
    }
  int first = 0;
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    {
      if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
        continue;
      int r = remove_below (dirfd (dir), entry->d_name, depth + 1);
      if (r < 0 && first == 0)
        first = r;
    }
  (void) closedir (dir);
  if (unlinkat (dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT && first == 0)
    first = -errno;
  return first;
}

int
path_remove_tree (int dir_fd, const char *name)
{
  /* RESOLVE_BENEATH wants one component at a time; the way to the tree is ours */
  const char *slash = strrchr (name, '/');
  if (slash == NULL)
    return remove_below (dir_fd, name, 0);
  char parent[PATH_MAX];
  size_t length = slash == name ? 1 : (size_t) (slash - name);
  if (length >= sizeof parent)
    return -ENAMETOOLONG;
  memcpy (parent, name, length);
  parent[length] = '\0';
  cleanup_fd int fd = openat (dir_fd, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOENT ? 0 : -errno;
  return remove_below (fd, slash + 1, 0);
}

int
path_write_file (int dir_fd, const char *name, const void *data, size_t size, mode_t mode, gboolean sync)
{
  char temporary[NAME_MAX + 1];
  if ((size_t) snprintf (temporary, sizeof temporary, "%s.tmp-%d", name, (int) getpid ()) >= sizeof temporary)
    return -ENAMETOOLONG;
  cleanup_fd int fd = openat (dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0)
    return -errno;
  int r = fd_write_all (fd, data, size);
  if (r == 0 && sync && fsync (fd) < 0)
    r = -errno;
  if (r == 0 && renameat (dir_fd, temporary, dir_fd, name) < 0)
    r = -errno;
  if (r < 0)
    (void) unlinkat (dir_fd, temporary, 0);
  return r;
}

gboolean
path_read_file (int dir_fd, const char *path, size_t limit, char **ret_data, size_t *ret_size, GError **error)
{
  cleanup_fd int fd = openat (dir_fd, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "opening %s", path);
    }
  if (!fd_read_file (fd, limit, ret_data, ret_size, error))
    return coracle_prefix (error, "%s", path);
  return TRUE;
}

GPtrArray *
path_list (int dir_fd, int *ret_errno)
{
  int copy = openat (dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir (copy);
  if (dir == NULL)
    {
      *ret_errno = errno;
      fd_close (copy);
      return NULL;
    }
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      g_ptr_array_add (names, g_strdup (entry->d_name));
  (void) closedir (dir);
  return names;
}

GPtrArray *
path_list_named (const char *path, int *ret_errno)
{
  cleanup_fd int dir = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0)
    {
      *ret_errno = errno;
      return NULL;
    }
  return path_list (dir, ret_errno);
}
