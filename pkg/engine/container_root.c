#include "pkg/engine/container_root.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/container_userns.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/engine/volume_mount.h"
#include "storage/mapped.h"
#include "storage/overlay.h"

#define WAIT_USEC (G_GINT64_CONSTANT (10) * G_USEC_PER_SEC)   /* how long somebody else may start or remove the container */

void
container_root_close (ContainerRoot *root)
{
  fd_close (fd_steal (&root->fd));
  if (root->mounted != NULL)
    (void) umount2 (root->mounted, MNT_DETACH);
  g_clear_pointer (&root->mounted, g_free);
  if (root->run_dir >= 0)
    storage_run_end (root->storage, root->id, fd_steal (&root->run_dir));
  g_clear_pointer (&root->id, g_free);
}

ContainerView *
container_wanted (Storage *storage, const char *name, GError **error)
{
  GError *problem = NULL;
  ContainerView *view = container_find (storage, name, &problem);
  if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    {
      g_clear_error (&problem);
      coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no container with name or ID \"%s\" found: no such container", name);
    }
  else if (problem != NULL)
    g_propagate_error (error, problem);
  return view;
}

/* ---- one that runs */

/* open_of: /proc/PID/@path, which is that process's: it was alive after it was opened. */
static int
open_of (int pidfd, pid_t pid, const char *path)
{
  g_autofree char *full = g_strdup_printf ("/proc/%d/%s", (int) pid, path);
  cleanup_fd int fd = open (full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  struct pollfd end = { .fd = pidfd, .events = POLLIN };
  return poll (&end, 1, 0) == 0 ? fd_steal (&fd) : -ESRCH;
}

/* open_live: -ESRCH when it does not run. The filesystem alone is mounted in the monitor's mount namespace, without what the container's has on it. */
static int
open_live (Storage *storage, const char *id, RootKind kind)
{
  pid_t pid;
  cleanup_fd int pidfd = kind == ROOT_AS_SEEN ? live_open_init (storage, id, &pid) : live_open_monitor_pid (storage, id, &pid);
  if (pidfd < 0)
    return -ESRCH;
  g_autofree char *merged = g_build_filename ("root", storage->paths->root, "containers", id, "merged", NULL);
  return open_of (pidfd, pid, kind == ROOT_AS_SEEN ? "root" : merged);
}

/* ---- one that does not */

static gboolean
choose_overlay (Storage *storage, OverlayKind *ret_kind, GError **error)
{
  return overlay_kind_from_environment (storage->paths->mount_program != NULL ? OVERLAY_FUSE : OVERLAY_AUTO, ret_kind, error);
}

gboolean
container_layers_mount (Storage *storage, const GPtrArray *layers, const IdMap *ids, const char *upper, const char *work, const char *target, GError **error)
{
  OverlayKind kind;
  if (!choose_overlay (storage, &kind, error))
    return FALSE;
  const char *const *folders = (const char *const *) layers->pdata;
  if (ids != NULL)
    return mapped_overlay (storage, folders, ids, upper, work, target, kind, storage->paths->mount_program, NULL, NULL, error);
  return kind == OVERLAY_FUSE ? overlay_mount_fuse (folders, upper, work, target, storage->paths->mount_program, NULL, error)
                              : overlay_mount (folders, upper, work, target, kind, NULL, error);
}

gboolean
image_root_mount (Storage *storage, const StateImage *image, const char *target, GError **error)
{
  g_autoptr (GPtrArray) layers = image_layer_folders (storage->paths, image);
  return container_layers_mount (storage, layers, NULL, NULL, NULL, target, error);
}

/* bind_on: @source on the folder or file behind @target_fd, whose name may lead elsewhere by now. Flags that the source's own mount has locked stay as they are. */
static gboolean
bind_on (const char *source, int target_fd, gboolean read_only, GError **error)
{
  cleanup_fd int tree = open_tree (AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
  int r = tree < 0 ? -1 : read_only ? mount_setattr (tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) : 0;
  if (r == 0)
    r = move_mount (tree, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  int errsv = errno;
  return r == 0 || coracle_throw_errno (error, errsv, "mounting %s", source);
}

static gboolean
bind_folder (const char *source, const char *target, gboolean read_only, GError **error)
{
  cleanup_fd int fd = open (target, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int errsv = errno;
  return fd < 0 ? coracle_throw_errno (error, errsv, "opening %s", target) : bind_on (source, fd, read_only, error);
}

gboolean
container_root_mount (Storage *storage, const StateContainer *row, gboolean read_only, char **ret_path, GError **error)
{
  const char *rootfs = json_string_value (json_object_get (json_object_get (row->config, "options"), "rootfs"));
  g_autofree char *folder = g_build_filename (storage->paths->root, "containers", row->id, NULL);
  g_autofree char *merged = g_build_filename (folder, "merged", NULL), *upper = g_build_filename (folder, "upper", NULL), *work = g_build_filename (folder, "work", NULL);
  gboolean ok, overlay = json_is_true (json_object_get (json_object_get (row->config, "options"), "rootfs_overlay"));
  if (rootfs != NULL && overlay)
    {
      g_autoptr (GPtrArray) layers = g_ptr_array_new ();
      if (read_only)
        g_ptr_array_add (layers, upper);
      g_ptr_array_add (layers, (char *) rootfs);
      g_ptr_array_add (layers, NULL);
      ok = container_layers_mount (storage, layers, NULL, read_only ? NULL : upper, read_only ? NULL : work, merged, error);
    }
  else if (rootfs != NULL)
    ok = bind_folder (rootfs, merged, read_only, error);
  else
    {
      g_autoptr (StateImage) image = state_image_find (storage->state, row->image_id, error);
      if (image == NULL)
        return FALSE;
      g_autoptr (GPtrArray) layers = image_layer_folders (storage->paths, image);
      g_autoptr (IdMap) ids = userns_ids_of (row->config);
      if (read_only && ids == NULL)
        g_ptr_array_insert (layers, 0, g_strdup (upper));
      ok = container_layers_mount (storage, layers, ids, read_only && ids == NULL ? NULL : upper, read_only ? NULL : work, merged, error);
    }
  if (!ok)
    return coracle_prefix (error, "container %s", row->name);
  *ret_path = g_steal_pointer (&merged);
  return TRUE;
}

/* mount_place: the container's @destination: there, or made as its start would make it. O_PATH, or -errno. */
static int
mount_place (int root_fd, const char *destination, gboolean folder)
{
  int fd = path_open_in_root (root_fd, destination, O_PATH, 0);
  if (fd != -ENOENT)
    return fd;
  if (folder)
    return path_mkdirs_in_root (root_fd, destination, 0755);
  g_autofree char *parent = g_path_get_dirname (destination);
  cleanup_fd int above = path_mkdirs_in_root (root_fd, parent, 0755);
  if (above < 0)
    return above;
  fd = path_open_in_root (root_fd, destination, O_RDONLY | O_CREAT | O_NOCTTY | O_NONBLOCK, 0644);
  return fd;
}

/* mount_volume: one of its volumes or folders, where it will have it. What is not there any more (the start will tell) is passed over. */
static gboolean
mount_volume (Storage *storage, int root_fd, json_t *item, GError **error)
{
  cleanup_fd int lock = -1;
  const char *source = json_string_value (json_object_get (item, "source")), *destination = json_string_value (json_object_get (item, "destination"));
  const char *type = json_string_value (json_object_get (item, "type"));
  const char *name = json_string_value (json_object_get (item, "name"));
  struct stat st;
  if (g_strcmp0 (type, "volume") == 0 && name != NULL && !volume_mount (storage, name, NULL, &lock, NULL))
    return TRUE;
  if (source == NULL || destination == NULL || type == NULL || (strcmp (type, "bind") != 0 && strcmp (type, "volume") != 0) || stat (source, &st) < 0)
    return TRUE;
  g_autofree char *part = NULL;
  cleanup_fd int part_fd = -1;
  const char *subpath = json_string_value (json_object_get (item, "subpath"));
  if (subpath != NULL)
    {
      cleanup_fd int whole = open (source, O_PATH | O_DIRECTORY | O_CLOEXEC);
      part_fd = whole < 0 ? -1 : path_open_in_root (whole, subpath, O_PATH, 0);
      if (part_fd < 0 || fstat (part_fd, &st) < 0)
        return TRUE;
      source = part = g_strdup_printf ("/proc/self/fd/%d", part_fd);
    }
  cleanup_fd int place = mount_place (root_fd, destination, S_ISDIR (st.st_mode));
  if (place < 0)
    return coracle_throw_errno (error, -place, "%s in the container", destination);
  gboolean read_only = FALSE;
  size_t i;
  json_t *option;
  json_array_foreach (json_object_get (item, "options"), i, option)
    read_only = read_only || g_strcmp0 (json_string_value (option), "ro") == 0;
  return bind_on (source, place, read_only, error);
}

/* open_mounted: the root filesystem by a mount of our own. */
static gboolean
open_mounted (ContainerRoot *root, const StateContainer *row, RootKind kind, GError **error)
{
  if (!container_root_mount (root->storage, row, kind == ROOT_FILES, &root->mounted, error) || root->mounted == NULL)
    return FALSE;
  root->fd = open (root->mounted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root->fd < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "opening %s", root->mounted);
    }
  size_t i;
  json_t *item;
  if (kind == ROOT_AS_SEEN)
    json_array_foreach (json_object_get (row->config, "mounts"), i, item)
      if (!mount_volume (root->storage, root->fd, item, error))
        return coracle_prefix (error, "container %s", row->name);
  return TRUE;
}

/* claim: the container as it runs (*@ret_live), or its lock. Who starts or removes it now is waited for. */
static gboolean
claim (ContainerRoot *root, RootKind kind, gboolean *ret_live, GError **error)
{
  gint64 until = g_get_monotonic_time () + WAIT_USEC;
  for (;;)
    {
      g_autoptr (GError) problem = NULL;
      root->fd = open_live (root->storage, root->id, kind);
      *ret_live = root->fd >= 0;
      if (*ret_live || (kind == ROOT_FILES && !storage_run_alive (root->storage, root->id)))
        return TRUE;
      if (root->fd != -ESRCH && root->fd != -ENOENT)
        return coracle_throw_errno (error, -root->fd, "opening the root filesystem of container %.12s", root->id);
      if (kind == ROOT_AS_SEEN)
        root->run_dir = storage_run_begin (root->storage, root->id, &problem);
      if (root->run_dir >= 0)
        return TRUE;
      if (g_get_monotonic_time () < until)
        g_usleep (10000);
      else if (kind == ROOT_FILES)
        return TRUE;
      else
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
    }
}

gboolean
container_root_open (Storage *storage, const ContainerView *view, RootKind kind, ContainerRoot *ret_root, GError **error)
{
  g_auto (ContainerRoot) root = CONTAINER_ROOT_INIT;
  gboolean live;
  root.storage = storage;
  root.id = g_strdup (view->row->id);
  if (!claim (&root, kind, &live, error))
    return FALSE;
  if (!live)
    {
      root.fd = -1;
      /* what was looked at before it could be claimed may be gone */
      g_autoptr (StateContainer) row = state_container_find (storage->state, root.id, error);
      if (row == NULL || !open_mounted (&root, row, kind, error))
        return FALSE;
    }
  *ret_root = root;
  root = (ContainerRoot) CONTAINER_ROOT_INIT;
  return TRUE;
}
