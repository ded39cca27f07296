#include "pkg/engine/image_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_root.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image_lookup.h"

static char *
place_of (Storage *storage, const char *id)
{
  return g_build_filename (storage->paths->root, "mounts", id, NULL);
}

char *
image_mount_path (Storage *storage, const char *id)
{
  g_autofree char *path = place_of (storage, id);
  struct statx st;
  gboolean mounted = statx (AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 && (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  return mounted ? g_steal_pointer (&path) : NULL;
}

gboolean
image_mount (Storage *storage, const StateImage *image, char **ret_path, GError **error)
{
  *ret_path = image_mount_path (storage, image->id);
  if (*ret_path != NULL)
    return TRUE;
  g_autofree char *path = place_of (storage, image->id);
  cleanup_fd int lock = storage_lock_shared (storage, error);
  /* it was found before the lock: a collector may have been quicker */
  g_autoptr (StateImage) still = lock >= 0 ? state_image_find (storage->state, image->id, error) : NULL;
  if (still == NULL || !path_mkdirs (path, 0700, error) || !image_root_mount (storage, still, path, error))
    return coracle_prefix (error, "mounting image %.12s", image->id);
  event_image (storage, "mount", image->id, image_newest_name (image) != NULL ? image_newest_name (image) : image->id);
  *ret_path = g_steal_pointer (&path);
  return TRUE;
}

gboolean
image_mount_end (Storage *storage, const char *id, gboolean force, gboolean *ret_was, GError **error)
{
  g_autofree char *path = image_mount_path (storage, id);
  *ret_was = path != NULL;
  if (path == NULL)
    return TRUE;
  if (umount2 (path, UMOUNT_NOFOLLOW | (force ? MNT_DETACH : 0)) < 0)
    {
      int errsv = errno;
      return errsv == EBUSY ? coracle_throw (error, CORACLE_ERROR_IN_USE, "unmounting image %.12s: it is in use: --force takes it off all the same", id)
                            : coracle_throw_errno (error, errsv, "unmounting image %.12s", id);
    }
  /* another namespace may have it mounted there */
  (void) rmdir (path);
  event_image (storage, "unmount", id, id);
  return TRUE;
}
