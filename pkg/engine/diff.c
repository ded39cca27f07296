#include "pkg/engine/diff.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/container_root.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_lookup.h"

/* One side: a container or an image. */
typedef struct {
  ContainerView *view;
  StateImage *image;
} Side;

static void
side_clear (Side *side)
{
  g_clear_pointer (&side->view, container_view_free);
  g_clear_pointer (&side->image, state_image_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Side, side_clear)

/* is_named: by its whole name or id, and not by the beginning of one, which may be an image's as well. */
static gboolean
is_named (const ContainerView *view, const char *name)
{
  return view != NULL && (strcmp (view->row->name, name) == 0 || strcmp (view->row->id, name) == 0);
}

static gboolean
side_find (Storage *storage, DiffKind kind, const char *name, Side *ret_side, GError **error)
{
  static const char *const missing[] = { [DIFF_ANY] = "layer not known", [DIFF_CONTAINER] = "container not known", [DIFF_IMAGE] = "image not known" };
  g_autoptr (GError) problem = NULL;
  ret_side->view = kind != DIFF_IMAGE ? container_find (storage, name, NULL) : NULL;
  if (kind != DIFF_CONTAINER && !is_named (ret_side->view, name))
    ret_side->image = image_lookup_instance (storage->state, name, NULL, NULL, &problem);
  if (ret_side->image != NULL)
    g_clear_pointer (&ret_side->view, container_view_free);
  if (ret_side->view != NULL || ret_side->image != NULL)
    return TRUE;
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s not found: %s%s%s", name, kind == DIFF_IMAGE ? name : "", kind == DIFF_IMAGE ? ": " : "", missing[kind]);
}

/* open_layers: the image without its @skip topmost layers, mounted where nobody sees it. -1 without @error: nothing is left. */
static int
open_layers (Storage *storage, const StateImage *image, guint skip, GError **error)
{
  guint n = g_strv_length (image->layers);
  if (n <= skip)
    return -1;
  g_auto (GStrv) kept = g_strdupv (image->layers);
  for (guint i = n - skip; i < n; i++)
    g_clear_pointer (&kept[i], g_free);
  const StateImage rest = { .layers = kept };
  /* any folder will do: this mount namespace is ours alone */
  g_autofree char *target = g_build_filename (storage->paths->root, "tmp", NULL);
  if (!image_root_mount (storage, &rest, target, error))
    return -1;
  int fd = open (target, O_RDONLY | O_DIRECTORY | O_CLOEXEC), errsv = errno;
  (void) umount2 (target, MNT_DETACH);
  if (fd < 0)
    coracle_throw_errno (error, errsv, "opening the layers of image %.12s", image->id);
  return fd;
}

/* open_top: the folder with what was changed: the container's upper, the image's topmost layer. -1 without @error: there is none. */
static int
open_top (Storage *storage, const Side *side, GError **error)
{
  g_autofree char *path = NULL;
  if (side->view != NULL)
    path = g_build_filename (storage->paths->root, "containers", side->view->row->id, "upper", NULL);
  else
    {
      g_autoptr (GPtrArray) layers = image_layer_folders (storage->paths, side->image);
      path = g_strdup (layers->pdata[0]);
    }
  int fd = path != NULL ? open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1, errsv = errno;
  if (fd < 0 && path != NULL)
    coracle_throw_errno (error, errsv, "opening %s", path);
  return fd;
}

/* overlaid_root: the folder of --rootfs PATH:O; NULL: it is none. Borrowed. */
static const char *
overlaid_root (const StateContainer *row)
{
  json_t *options = json_object_get (row->config, "options");
  return json_is_true (json_object_get (options, "rootfs_overlay")) ? json_string_value (json_object_get (options, "rootfs")) : NULL;
}

static gboolean
diff_own (Storage *storage, const Side *side, GPtrArray **ret_changes, GError **error)
{
  GError *problem = NULL;
  const char *rootfs = side->view != NULL ? overlaid_root (side->view->row) : NULL;
  g_autoptr (StateImage) base = side->view != NULL && side->view->row->image_id != NULL ? state_image_find (storage->state, side->view->row->image_id, &problem) : NULL;
  cleanup_fd int upper = problem == NULL && (side->view == NULL || base != NULL || rootfs != NULL) ? open_top (storage, side, &problem) : -1;
  cleanup_fd int lower = upper < 0 ? -1 : rootfs != NULL ? open (rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : open_layers (storage, base != NULL ? base : side->image, base != NULL ? 0 : 1, &problem);
  if (problem != NULL)
    {
      g_propagate_error (error, problem);
      return FALSE;
    }
  if (upper >= 0)
    return tree_diff_layer (upper, lower, ret_changes, error);
  /* --rootfs: nothing is above it */
  *ret_changes = g_ptr_array_new_with_free_func ((GDestroyNotify) tree_change_free);
  return TRUE;
}

/* open_side: all of it. @ret_root: what a container's stays open by. */
static int
open_side (Storage *storage, const Side *side, ContainerRoot *ret_root, GError **error)
{
  if (side->image != NULL)
    return open_layers (storage, side->image, 0, error);
  if (!container_root_open (storage, side->view, ROOT_FILES, ret_root, error))
    return -1;
  return fcntl (ret_root->fd, F_DUPFD_CLOEXEC, 3);
}

static gboolean
diff_two (Storage *storage, const Side *side, const Side *parent, GPtrArray **ret_changes, GError **error)
{
  g_auto (ContainerRoot) new_root = CONTAINER_ROOT_INIT, old_root = CONTAINER_ROOT_INIT;
  cleanup_fd int new = open_side (storage, side, &new_root, error);
  cleanup_fd int old = new >= 0 ? open_side (storage, parent, &old_root, error) : -1;
  return new >= 0 && old >= 0 && tree_diff_roots (new, old, ret_changes, error);
}

/* drop_runtime: what every container has, whatever was done in it. Source: what `podman diff` of a fresh container leaves out. */
static void
drop_runtime (GPtrArray *changes)
{
  static const char *const paths[] = { "/dev", "/proc", "/sys", "/run", "/run/.containerenv", "/run/notify", "/run/podman-init", "/run/secrets", "/etc/hostname", "/etc/hosts", "/etc/mtab",
                                       "/etc/resolv.conf", NULL };
  for (guint i = changes->len; i > 0; i--)
    if (g_strv_contains (paths, ((const TreeChange *) changes->pdata[i - 1])->path))
      g_ptr_array_remove_index (changes, i - 1);
}

gboolean
diff_changes (Storage *storage, DiffKind kind, const char *name, const char *parent, GPtrArray **ret_changes, GError **error)
{
  g_auto (Side) side = { NULL }, other = { NULL };
  if (!side_find (storage, kind, name, &side, error) || (parent != NULL && !side_find (storage, DIFF_ANY, parent, &other, error)))
    return FALSE;
  if (!(parent != NULL ? diff_two (storage, &side, &other, ret_changes, error) : diff_own (storage, &side, ret_changes, error)))
    return FALSE;
  drop_runtime (*ret_changes);
  return TRUE;
}
