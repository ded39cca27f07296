#include "storage/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/events/event.h"
#include "pkg/runtime/child.h"

static void
tell (Storage *storage, const char *status, const char *name)
{
  const Event event = { .type = "volume", .status = status, .name = name };
  event_write (storage->paths->root, storage->paths->run_root, &event);
}

static int
open_volumes (Storage *storage, GError **error)
{
  g_autofree char *path = g_build_filename (storage->paths->root, "volumes", NULL);
  if (!path_mkdirs (path, 0711, error))
    return -1;
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int errsv = errno;
  if (fd < 0)
    coracle_throw_errno (error, errsv, "opening %s", path);
  return fd;
}

/* make: NAME.new/_data renamed to NAME. Somebody who made it first has won, and that is as good. */
static gboolean
make (int volumes, const char *name, GError **error)
{
  g_autofree char *unfinished = g_strdup_printf (".%s.%d", name, (int) getpid ()), *data = g_strconcat (unfinished, "/_data", NULL);
  int r = 0;
  if (mkdirat (volumes, unfinished, 0711) < 0 || mkdirat (volumes, data, 0755) < 0 || fchmodat (volumes, data, 0755, 0) < 0
      || renameat2 (volumes, unfinished, volumes, name, RENAME_NOREPLACE) < 0)
    r = -errno;
  if (r < 0)
    (void) path_remove_tree (volumes, unfinished);
  if (r < 0 && r != -EEXIST)
    return coracle_throw_errno (error, -r, "making volume %s", name);
  return TRUE;
}

char *
volume_open (Storage *storage, const char *name, gboolean create, gboolean *ret_new, GError **error)
{
  cleanup_fd int volumes = open_volumes (storage, error);
  if (volumes < 0)
    return NULL;
  *ret_new = FALSE;
  if (faccessat (volumes, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
    {
      if (!create)
        {
          coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no such volume %s", name);
          return NULL;
        }
      if (!make (volumes, name, error))
        return NULL;
      *ret_new = TRUE;
      tell (storage, "create", name);
    }
  return g_build_filename (storage->paths->root, "volumes", name, "_data", NULL);
}

static gboolean
is_empty (int folder)
{
  int copy = openat (folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir (copy);
  if (dir == NULL)
    {
      fd_close (copy);
      return FALSE;
    }
  gboolean empty = TRUE;
  for (struct dirent *entry; empty && (entry = readdir (dir)) != NULL;)
    empty = strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0;
  (void) closedir (dir);
  return empty;
}

gboolean
volume_fill (const char *data, int root_fd, const char *destination, GError **error)
{
  cleanup_fd int from = path_open_in_root (root_fd, destination, O_RDONLY | O_DIRECTORY, 0);
  if (from < 0)
    return TRUE;
  cleanup_fd int to = open (data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int r = to < 0 ? -errno : is_empty (to) ? mount_child_copyup (from, to, 0) : 0;
  if (r < 0)
    return coracle_throw_errno (error, -r, "copying the image's %s into the volume", destination);
  return TRUE;
}

static int
chown_below (int dir_fd, const char *name, uid_t uid, gid_t gid, int depth)
{
  if (depth > 4096)
    return -ELOOP;
  if (fchownat (dir_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
    return -errno;
  int fd = openat (dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
  DIR *dir = fdopendir (fd);
  if (dir == NULL)
    {
      fd_close (fd);
      return -ENOMEM;
    }
  int r = 0;
  for (struct dirent *entry; r == 0 && (entry = readdir (dir)) != NULL;)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      r = chown_below (dirfd (dir), entry->d_name, uid, gid, depth + 1);
  (void) closedir (dir);
  return r;
}

gboolean
volume_chown (const char *path, uid_t uid, gid_t gid, GError **error)
{
  int r = chown_below (AT_FDCWD, path, uid, gid, 0);
  if (r < 0)
    return coracle_throw_errno (error, -r, "changing the owner of %s", path);
  return TRUE;
}

gboolean
volume_remove (Storage *storage, const char *name, GError **error)
{
  cleanup_fd int volumes = open_volumes (storage, error);
  if (volumes < 0)
    return FALSE;
  int r = path_remove_tree (volumes, name);
  if (r < 0)
    return coracle_throw_errno (error, -r, "removing volume %s", name);
  tell (storage, "remove", name);
  return TRUE;
}
