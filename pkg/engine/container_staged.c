#include "pkg/engine/container_staged.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_root.h"
#include "pkg/engine/container_userns.h"
#include "pkg/engine/image_lookup.h"

/* A place of its own for one mount: containers/ID/staged/N */
typedef struct {
  char *folder, *target;   /* target: merged in it */
} Stage;

static void
stage_clear (Stage *stage)
{
  g_clear_pointer (&stage->folder, g_free);
  g_clear_pointer (&stage->target, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stage, stage_clear)

/* stage_begin: the first takes away what an earlier start has left. @file: the target is to be a file. */
static gboolean
stage_begin (Make *make, gboolean file, Stage *ret_stage, GError **error)
{
  g_autofree char *all = g_build_filename (make->folder, STORAGE_STAGED, NULL), *number = g_strdup_printf ("%u", make->n_staged);
  int r = make->n_staged++ == 0 ? path_remove_tree (AT_FDCWD, all) : 0;
  if (r < 0 && r != -ENOENT)
    return coracle_throw_errno (error, -r, "removing %s", all);
  ret_stage->folder = g_build_filename (all, number, NULL);
  ret_stage->target = g_build_filename (ret_stage->folder, "merged", NULL);
  if (!path_mkdirs (file ? ret_stage->folder : ret_stage->target, 0700, error))
    return FALSE;
  cleanup_fd int fd = file ? open (ret_stage->target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
  int errsv = errno;
  return !file || fd >= 0 || coracle_throw_errno (error, errsv, "making %s", ret_stage->target);
}

static gboolean
make_folder (const char *path, mode_t mode, GError **error)
{
  if (mkdir (path, 0700) == 0 && chmod (path, mode & 07777) == 0)
    return TRUE;
  int errsv = errno;
  return coracle_throw_errno (error, errsv, "making %s", path);
}

static gboolean
check_folder (const char *path, struct stat *ret_st, GError **error)
{
  return spec_path_check (path, ret_st, error)
         && (S_ISDIR (ret_st->st_mode) || coracle_throw (error, CORACLE_ERROR_INVALID, "%s: not a directory: only a folder can be under an overlay", path));
}

char *
staged_overlay (Make *make, const char *lower, const SpecMount *mount, GError **error)
{
  g_auto (Stage) stage = { 0 };
  struct stat st, own;
  if (!check_folder (lower, &st, error) || (mount->upper != NULL && (!check_folder (mount->upper, &own, error) || !check_folder (mount->work, &own, error)))
      || !stage_begin (make, FALSE, &stage, error))
    return NULL;
  g_autofree char *upper = mount->upper != NULL ? g_strdup (mount->upper) : g_build_filename (stage.folder, "upper", NULL);
  g_autofree char *work = mount->upper != NULL ? g_strdup (mount->work) : g_build_filename (stage.folder, "work", NULL);
  if (mount->upper == NULL)
    {
      if (!make_folder (upper, st.st_mode, error) || !make_folder (work, 0700, error))
        return NULL;
      /* an owner that is nobody's here cannot be given */
      (void) lchown (upper, st.st_uid, st.st_gid);
    }
  g_autoptr (GPtrArray) layers = g_ptr_array_new ();
  g_ptr_array_add (layers, (char *) lower);
  g_ptr_array_add (layers, NULL);
  if (!container_layers_mount (make->storage, layers, NULL, upper, work, stage.target, error))
    return coracle_prefix (error, "an overlay on %s", lower), NULL;
  return g_steal_pointer (&stage.target);
}

/* image_before: the id of what a container has had on @destination since it was made; NULL: it is new. Borrowed. */
static const char *
image_before (const Make *make, const char *destination)
{
  json_t *mount;
  size_t i;
  json_array_foreach (json_object_get (make->existing != NULL ? make->existing->config : NULL, "mounts"), i, mount)
    if (g_strcmp0 (json_string_value (json_object_get (mount, "destination")), destination) == 0)
      return json_string_value (json_object_get (mount, "image"));
  return NULL;
}

char *
staged_image (Make *make, const SpecMount *mount, char **ret_id, GError **error)
{
  g_auto (Stage) stage = { 0 };
  uint32_t uid, gid;
  const char *before = image_before (make, mount->destination);
  /* until a row names it, it is kept by the lock, which goes when there is one (container_process.c): not for a container whose row there is */
  if (make->existing == NULL && make->store_lock < 0 && (make->store_lock = storage_lock_shared (make->storage, error)) < 0)
    return NULL;
  g_autoptr (StateImage) image = image_lookup_instance (make->storage->state, before != NULL ? before : mount->source, NULL, NULL, error);
  if (image == NULL || !stage_begin (make, FALSE, &stage, error))
    return NULL;
  g_autofree char *upper = mount->read_only ? NULL : g_build_filename (stage.folder, "upper", NULL), *work = mount->read_only ? NULL : g_build_filename (stage.folder, "work", NULL);
  if (upper != NULL && (!make_folder (upper, 0755, error) || !make_folder (work, 0700, error)))
    return NULL;
  if (upper != NULL && make->ids != NULL && userns_uid (make, 0, &uid) && userns_gid (make, 0, &gid))
    (void) lchown (upper, uid, gid);
  g_autoptr (GPtrArray) layers = image_layer_folders (make->paths, image);
  if (!container_layers_mount (make->storage, layers, make->ids, upper, work, stage.target, error))
    return coracle_prefix (error, "mounting image %s", mount->source), NULL;
  *ret_id = g_strdup (image->id);
  return g_steal_pointer (&stage.target);
}

char *
staged_part (Make *make, const char *folder, const char *part, GError **error)
{
  g_auto (Stage) stage = { 0 };
  struct stat st;
  cleanup_fd int root = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int errsv = errno;
  cleanup_fd int found = root >= 0 ? path_open_in_root (root, part, O_PATH, 0) : -errsv;
  if (found < 0 || fstat (found, &st) < 0)
    {
      errsv = found < 0 ? -found : errno;
      coracle_throw (error, errsv == ENOENT ? CORACLE_ERROR_NOT_FOUND : CORACLE_ERROR_SYSTEM, "subpath %s of %s: %s", part, folder, g_strerror (errsv));
      return NULL;
    }
  if (!stage_begin (make, !S_ISDIR (st.st_mode), &stage, error))
    return NULL;
  cleanup_fd int tree = open_tree (found, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (tree < 0 || move_mount (tree, "", AT_FDCWD, stage.target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
    {
      errsv = errno;
      coracle_throw_errno (error, errsv, "mounting subpath %s of %s", part, folder);
      return NULL;
    }
  return g_steal_pointer (&stage.target);
}

void
staged_record (Make *make, const char *destination, json_t *item)
{
  if (make->staged == NULL)
    make->staged = json_object ();
  json_object_set_new (make->staged, destination, item);
}

GPtrArray *
container_images (const StateContainer *row)
{
  GPtrArray *images = g_ptr_array_new ();
  json_t *mount;
  size_t i;
  if (row->image_id != NULL)
    g_ptr_array_add (images, row->image_id);
  json_array_foreach (json_object_get (row->config, "mounts"), i, mount)
    {
      const char *id = json_string_value (json_object_get (mount, "image"));
      if (id != NULL && !g_ptr_array_find_with_equal_func (images, id, g_str_equal, NULL))
        g_ptr_array_add (images, (char *) id);
    }
  return images;
}

gboolean
container_uses_image (const StateContainer *row, const char *image_id)
{
  g_autoptr (GPtrArray) images = container_images (row);
  return g_ptr_array_find_with_equal_func (images, image_id, g_str_equal, NULL);
}
