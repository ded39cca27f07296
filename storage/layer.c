#include "storage/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/inflate.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"
#include "storage/content.h"

void
layer_unpacked_free (LayerUnpacked *unpacked)
{
  if (unpacked == NULL)
    return;
  state_layer_free (unpacked->row);
  g_free (unpacked->folder);
  g_free (unpacked->blob);
  g_free (unpacked);
}

char *
layer_path (Storage *storage, const char *diff_id)
{
  return g_strconcat (storage->paths->root, "/layers/", image_digest_hex (diff_id), NULL);
}

static gboolean
is_folder (int dir_fd, const char *path)
{
  struct stat st;
  return fstatat (dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR (st.st_mode);
}

gboolean
layer_there (Storage *storage, const char *diff_id)
{
  g_autofree char *name = g_strconcat ("layers/", image_digest_hex (diff_id), NULL);
  gboolean there = is_folder (storage->root_fd, name);
  const char *root;
  for (guint i = 0; !there && (root = state_store_root (storage->state, i)) != NULL; i++)
    {
      g_autofree char *path = g_build_filename (root, name, NULL);
      there = is_folder (AT_FDCWD, path);
    }
  return there;
}

StateLayer *
layer_find (Storage *storage, const char *diff_id)
{
  return layer_there (storage, diff_id) ? state_layer_find (storage->state, diff_id, NULL) : NULL;
}

/* ---- the pipeline */

typedef struct {
  Digest *blob_digest, *diff_digest;   /* one and the same bytes when the blob is not compressed: then only the first is used */
  gint64 blob_size;
  int blob_fd, folder_fd;
  ByteStream *tar;
  Compression compression;
  gboolean twice;                      /* both digests are in use */
} Pipeline;

static void
pipeline_clear (Pipeline *pipeline)
{
  byte_stream_free (pipeline->tar);
  digest_free (pipeline->blob_digest);
  digest_free (pipeline->diff_digest);
  fd_close (pipeline->blob_fd);
  fd_close (pipeline->folder_fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pipeline, pipeline_clear)

static gboolean
pipeline_open (Pipeline *pipeline, const StorageWork *work, ByteStream *blob, LayerUnpacked *unpacked, const LayerExpect *expect, GError **error)
{
  g_autoptr (ByteStream) below = blob;
  pipeline->blob_digest = digest_new ();
  pipeline->diff_digest = digest_new ();
  pipeline->blob_fd = openat (work->fd, unpacked->blob, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  int errsv = errno;
  /* the folder is the container's "/", unless the layer says what that is like */
  if (pipeline->blob_fd >= 0 && mkdirat (work->fd, unpacked->folder, 0755) == 0)
    pipeline->folder_fd = openat (work->fd, unpacked->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (pipeline->folder_fd < 0 || fchmod (pipeline->folder_fd, 0755) < 0)
    {
      errsv = pipeline->blob_fd < 0 ? errsv : errno;
      return coracle_throw_errno (error, errsv, "making a layer's folder");
    }
  if (!inflate_detect (&below, &pipeline->compression, error))
    return FALSE;
  gboolean foreign = pipeline->compression == COMPRESSION_XZ || pipeline->compression == COMPRESSION_BZIP2;
  gint64 limit = foreign ? -1 : expect->blob_size;
  if (!foreign)
    below = byte_stream_tee (g_steal_pointer (&below), pipeline->blob_digest, pipeline->blob_fd, &pipeline->blob_size, limit);
  pipeline->twice = !foreign && pipeline->compression != COMPRESSION_NONE;
  below = inflate_open (g_steal_pointer (&below), NULL, error);
  if (below == NULL)
    return FALSE;
  inflate_take_turns (below);
  if (foreign)
    below = byte_stream_tee (g_steal_pointer (&below), pipeline->blob_digest, pipeline->blob_fd, &pipeline->blob_size, limit);
  if (pipeline->twice)
    below = byte_stream_tee (g_steal_pointer (&below), pipeline->diff_digest, -1, NULL, -1);
  pipeline->tar = g_steal_pointer (&below);
  return TRUE;
}

/* pipeline_end: digests and sizes, compared with what they must be. */
static gboolean
pipeline_end (Pipeline *pipeline, const LayerExpect *expect, StateLayer *row, GError **error)
{
  row->blob_digest = digest_end (pipeline->blob_digest);
  row->diff_id = pipeline->twice ? digest_end (pipeline->diff_digest) : g_strdup (row->blob_digest);
  row->blob_size = pipeline->blob_size;
  row->media_type = g_strdup (pipeline->compression == COMPRESSION_GZIP ? MEDIA_OCI_LAYER "+gzip" : pipeline->compression == COMPRESSION_ZSTD ? MEDIA_OCI_LAYER "+zstd" : MEDIA_OCI_LAYER);
  if (expect->blob_size >= 0 && row->blob_size != expect->blob_size)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the blob has %" G_GINT64_FORMAT " bytes instead of %" G_GINT64_FORMAT, row->blob_size, expect->blob_size);
  if (expect->blob_digest != NULL && strcmp (row->blob_digest, expect->blob_digest) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the blob has the digest %s instead of %s", row->blob_digest, expect->blob_digest);
  if (expect->diff_id != NULL && strcmp (row->diff_id, expect->diff_id) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the layer's tar has the digest %s, the config says %s", row->diff_id, expect->diff_id);
  return TRUE;
}

LayerUnpacked *
layer_unpack (const StorageWork *work, ByteStream *blob, const LayerExpect *expect, GError **error)
{
  g_auto (Pipeline) pipeline = { .blob_fd = -1, .folder_fd = -1 };
  g_autoptr (LayerUnpacked) unpacked = g_new0 (LayerUnpacked, 1);
  guint32 a = g_random_int (), b = g_random_int ();
  unpacked->folder = g_strdup_printf ("layer-%08x%08x", a, b);
  unpacked->blob = g_strdup_printf ("blob-%08x%08x", a, b);
  unpacked->row = g_new0 (StateLayer, 1);
  unpacked->row->single = expect->single;
  UnpackOptions options = { .single = expect->single, .layer = !expect->plain };
  if (!pipeline_open (&pipeline, work, blob, unpacked, expect, error) || !unpack_tar (pipeline.folder_fd, pipeline.tar, &options, &unpacked->stats, error) ||
      !pipeline_end (&pipeline, expect, unpacked->row, error))
    return NULL;
  if (expect->plain && unpacked->stats.members == 0)
    {
      coracle_throw (error, CORACLE_ERROR_CORRUPT, "the archive has no members");
      return NULL;
    }
  unpacked->row->size = (gint64) unpacked->stats.bytes;
  return g_steal_pointer (&unpacked);
}

/* ---- into place */

/* place_folder: ours, or the one that is there: a name under layers/ is only given to what is complete. */
static gboolean
place_folder (Storage *storage, const StorageWork *work, const LayerUnpacked *unpacked, GError **error)
{
  cleanup_fd int layers = openat (storage->root_fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (layers >= 0 && (renameat (work->fd, unpacked->folder, layers, image_digest_hex (unpacked->row->diff_id)) == 0 || errno == EEXIST || errno == ENOTEMPTY) && fsync (layers) == 0)
    return TRUE;
  int errsv = errno;
  return coracle_throw_errno (error, errsv, "putting layer %s in place", unpacked->row->diff_id);
}

gboolean
layer_commit (Storage *storage, const StorageWork *work, LayerUnpacked *unpacked, GError **error)
{
  /* one sync for the files of the layer and the blob, instead of one for each of perhaps 40,000 */
  if (syncfs (work->fd) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "syncing layer %s", unpacked->row->diff_id);
    }
  return content_publish (storage, work, unpacked->blob, unpacked->row->blob_digest, error) && content_sync (storage, error) && place_folder (storage, work, unpacked, error) &&
         state_layer_put (storage->state, unpacked->row, error);
}
