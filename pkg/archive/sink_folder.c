#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/output.h"
#include "pkg/archive/sink_private.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"

int
folder_open (const char *path, GError **error)
{
  int errsv = mkdir (path, 0755) < 0 && errno != EEXIST ? errno : 0;
  int fd = errsv == 0 ? open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  errsv = fd < 0 && errsv == 0 ? errno : errsv;
  if (fd < 0 && errsv == ENOENT)
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "mkdir %s: no such file or directory", path);
  else if (fd < 0 && errsv == ENOTDIR)
    coracle_throw (error, CORACLE_ERROR_INVALID, "open %s: not a directory", path);
  else if (fd < 0)
    coracle_throw_errno (error, errsv, "open %s", path);
  return fd;
}

/* unnamed: a file to be linked; *@ret_name: where there is no such thing, the name it has meanwhile. */
static int
unnamed (int folder_fd, char **ret_name)
{
  int fd = openat (folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
  if (fd >= 0)
    return fd;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
    return -errno;
  *ret_name = g_strdup_printf (".coracle-%08x%08x", g_random_int (), g_random_int ());
  fd = openat (folder_fd, *ret_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  return fd < 0 ? -errno : fd;
}

/* give_name: what stands there with another size is no blob of this digest: it goes. */
static int
give_name (int folder_fd, int fd, const char *temporary, const char *name)
{
  if (temporary != NULL)
    return renameat (folder_fd, temporary, folder_fd, name) < 0 ? -errno : 0;
  g_autofree char *open_file = g_strdup_printf ("/proc/self/fd/%d", fd);
  if (linkat (AT_FDCWD, open_file, folder_fd, name, AT_SYMLINK_FOLLOW) == 0)
    return 0;
  if (errno != EEXIST || unlinkat (folder_fd, name, 0) < 0)
    return -errno;
  return linkat (AT_FDCWD, open_file, folder_fd, name, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST ? -errno : 0;
}

gboolean
folder_put (int folder_fd, const char *name, int from, gint64 size, GError **error)
{
  struct stat there;
  g_autofree char *temporary = NULL;
  if (fstatat (folder_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (there.st_mode) && there.st_size == size)
    return TRUE;
  cleanup_fd int fd = unnamed (folder_fd, &temporary);
  if (fd < 0)
    return coracle_throw_errno (error, -fd, "making %s", name);
  if (!output_copy_whole (from, fd, size, error))
    {
      if (temporary != NULL)
        (void) unlinkat (folder_fd, temporary, 0);
      return coracle_prefix (error, "%s", name);
    }
  int r = give_name (folder_fd, fd, temporary, name);
  return r == 0 || coracle_throw_errno (error, -r, "making %s", name);
}

gboolean
folder_put_data (int folder_fd, const char *name, const void *data, size_t size, GError **error)
{
  int r = path_write_file (folder_fd, name, data, size, 0644, FALSE);
  return r == 0 || coracle_throw_errno (error, -r, "writing %s", name);
}
