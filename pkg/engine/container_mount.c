#include "pkg/engine/container_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/container_root.h"
#include "pkg/engine/event.h"

char *
container_mount_path (Storage *storage, const char *id)
{
  g_autofree char *merged = g_build_filename (storage->paths->root, "containers", id, "merged", NULL);
  struct statx st;
  gboolean mounted = statx (AT_FDCWD, merged, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 && (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  return mounted ? g_steal_pointer (&merged) : NULL;
}

/* ---- that of a running container */

/* clone_there: the mount on @merged in the mount namespace @ns, as a mount of nobody's yet. Comes back into @own, whose root and working folder are @root and @cwd. */
static int
clone_there (int ns, int own, int cwd, const char *merged)
{
  if (setns (ns, CLONE_NEWNS) < 0)
    return -errno;
  int tree = open_tree (AT_FDCWD, merged, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), r = tree < 0 ? -errno : tree;
  if (setns (own, CLONE_NEWNS) < 0 || fchdir (cwd) < 0)
    {
      r = -errno;
      fd_close (tree);
    }
  return r;
}

static gboolean
throw_mount (GError **error, int errsv, const char *id)
{
  return coracle_throw_errno (error, errsv, "mounting the root filesystem of container %.12s", id);
}

/* mount_live: *@ret_live: it runs. */
static gboolean
mount_live (Storage *storage, const char *id, const char *merged, gboolean *ret_live, GError **error)
{
  pid_t pid;
  cleanup_fd int pidfd = live_open_monitor_pid (storage, id, &pid);
  *ret_live = pidfd >= 0;
  if (!*ret_live)
    return TRUE;
  char path[64];
  g_snprintf (path, sizeof path, "/proc/%d/ns/mnt", (int) pid);
  cleanup_fd int ns = open (path, O_RDONLY | O_CLOEXEC), own = open ("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), cwd = open (".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  /* it was alive after its namespace was opened: the number was still its own */
  *ret_live = proc_pidfd_signal (pidfd, 0) == 0;
  if (!*ret_live)
    return TRUE;
  cleanup_fd int tree = ns < 0 || own < 0 || cwd < 0 ? -EBADF : clone_there (ns, own, cwd, merged);
  if (tree < 0)
    return throw_mount (error, -tree, id);
  if (move_mount (tree, "", AT_FDCWD, merged, MOVE_MOUNT_F_EMPTY_PATH) < 0)
    return throw_mount (error, errno, id);
  return TRUE;
}

/* mount_anew: while nobody can start it. */
static gboolean
mount_anew (Storage *storage, const char *id, GError **error)
{
  int run_dir = storage_run_begin (storage, id, error);
  if (run_dir < 0)
    return FALSE;
  g_autofree char *path = NULL;
  g_autoptr (StateContainer) row = state_container_find (storage->state, id, error);
  gboolean ok = row != NULL && container_root_mount (storage, row, FALSE, &path, error);
  storage_run_end (storage, id, run_dir);
  return ok;
}

gboolean
container_mount (Storage *storage, const char *id, char **ret_path, GError **error)
{
  *ret_path = container_mount_path (storage, id);
  if (*ret_path != NULL)
    return TRUE;
  g_autofree char *merged = g_build_filename (storage->paths->root, "containers", id, "merged", NULL);
  gboolean live;
  if (!mount_live (storage, id, merged, &live, error) || (!live && !mount_anew (storage, id, error)))
    return FALSE;
  g_autoptr (StateContainer) row = state_container_find (storage->state, id, NULL);
  if (row != NULL)
    event_container (storage, row, "mount");
  *ret_path = g_steal_pointer (&merged);
  return TRUE;
}

gboolean
container_mount_end (Storage *storage, const char *id, gboolean force, GError **error)
{
  g_autofree char *path = container_mount_path (storage, id);
  if (path == NULL)
    return TRUE;
  if (umount2 (path, UMOUNT_NOFOLLOW | (force ? MNT_DETACH : 0)) < 0)
    {
      int errsv = errno;
      return errsv == EBUSY ? coracle_throw (error, CORACLE_ERROR_IN_USE, "unmounting container %.12s: it is in use: --force takes it off all the same", id)
                            : coracle_throw_errno (error, errsv, "unmounting container %.12s", id);
    }
  g_autoptr (StateContainer) row = state_container_find (storage->state, id, NULL);
  if (row != NULL)
    event_container (storage, row, "unmount");
  return TRUE;
}
