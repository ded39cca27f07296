/* container_size of container.h. */
#include <errno.h>
#include <fts.h>
#include <sys/stat.h>

#include "pkg/base/error.h"
#include "pkg/base/file_id.h"
#include "pkg/engine/container.h"
#include "pkg/engine/disk_usage.h"

/* A file of several names counts once: those seen. */
static gboolean
seen_before (GHashTable *seen, const struct stat *st)
{
  if (st->st_nlink < 2)
    return FALSE;
  FileId *id = g_new (FileId, 1);
  *id = (FileId){ st->st_dev, st->st_ino };
  return !g_hash_table_add (seen, id);
}

gboolean
disk_tree_size (const char *path, gint64 *ret_bytes, GError **error)
{
  char *paths[] = { (char *) path, NULL };
  /* by changing to each folder: a container's tree may be deeper than a path is long. fts_close comes back */
  FTS *walk = fts_open (paths, FTS_PHYSICAL | FTS_XDEV, NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (file_id_hash, file_id_equal, g_free, NULL);
  gint64 bytes = 0;
  int errsv = walk == NULL ? errno : 0;
  FTSENT *entry;
  while (errsv == 0 && (errno = 0, entry = fts_read (walk)) != NULL)
    if (entry->fts_info == FTS_F && !seen_before (seen, entry->fts_statp))
      bytes += entry->fts_statp->st_size;
    else if ((entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) && (entry->fts_level == 0 || (entry->fts_errno != ENOENT && entry->fts_errno != ENAMETOOLONG)))
      errsv = entry->fts_errno;
  /* beyond what fts can name at all: what is there is not counted */
  if (errsv == 0 && errno != ENAMETOOLONG)
    errsv = errno;
  if (walk != NULL)
    (void) fts_close (walk);
  if (errsv != 0)
    return coracle_throw_errno (error, errsv, "measuring %s", path);
  *ret_bytes = bytes;
  return TRUE;
}

gboolean
container_size (Storage *storage, const StateContainer *row, gint64 *ret_rw, gint64 *ret_root, GError **error)
{
  const char *rootfs = json_string_value (json_object_get (json_object_get (row->config, "options"), "rootfs"));
  gboolean overlay = json_is_true (json_object_get (json_object_get (row->config, "options"), "rootfs_overlay"));
  gint64 rw = 0, below = 0;
  /* without an overlay its own folder is what it writes to */
  if (rootfs != NULL && !disk_tree_size (rootfs, &below, error))
    return FALSE;
  if (rootfs == NULL || overlay)
    {
      g_autofree char *upper = g_build_filename (storage->paths->root, "containers", row->id, "upper", NULL);
      if (!disk_tree_size (upper, &rw, error))
        return FALSE;
      g_autoptr (StateImage) image = row->image_id != NULL ? state_image_find (storage->state, row->image_id, NULL) : NULL;
      below += image != NULL ? image->size : 0;
    }
  *ret_rw = rw;
  *ret_root = below + rw;
  return TRUE;
}
