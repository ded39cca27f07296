#include "storage/ingest_private.h"

#include <string.h>
#include <time.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "storage/content.h"
#include "storage/layer.h"

typedef struct {
  const IngestOptions *options;
  const char *what;
  gint64 total;
} Watch;

static void
watch_passed (gint64 bytes, void *data)
{
  const Watch *watch = data;
  if (bytes != watch->total)
    watch->options->progress (watch->what, bytes, watch->total, watch->options->progress_data);
}

static void
watch_done (const Watch *watch, gint64 size)
{
  if (watch->options->progress != NULL)
    watch->options->progress (watch->what, size, size, watch->options->progress_data);
}

/* ---- layers */

void
ingest_add_layer (Ingest *ingest, StateLayer *layer)
{
  g_ptr_array_add (ingest->layers, layer);
  ingest->size += layer->size;
}

/* put_layer: takes @blob. */
static gboolean
put_layer (Ingest *ingest, ByteStream *blob, const LayerExpect *expect, Watch *watch, GError **error)
{
  if (ingest->options->progress != NULL)
    blob = byte_stream_observe (blob, watch_passed, watch);
  g_autoptr (LayerUnpacked) unpacked = layer_unpack (&ingest->work, blob, expect, error);
  if (unpacked == NULL || !layer_commit (ingest->storage, &ingest->work, unpacked, error))
    return FALSE;
  ingest->options->skipped_devices += unpacked->stats.skipped_devices;
  watch_done (watch, unpacked->row->blob_size);
  ingest_add_layer (ingest, g_steal_pointer (&unpacked->row));
  return TRUE;
}

StateLayer *
ingest_find_layer (Ingest *ingest, const ArchiveLayer *layer)
{
  g_autoptr (StateLayer) row = layer_find (ingest->storage, layer->diff_id);
  if (row == NULL || (layer->digest != NULL && strcmp (layer->digest, row->blob_digest) != 0) || !content_has (ingest->storage, row->blob_digest))
    return NULL;
  return g_steal_pointer (&row);
}

static gboolean
take_layer (Ingest *ingest, ArchiveSource *source, const ArchiveLayer *layer, GError **error)
{
  Watch watch = { ingest->options, layer->digest != NULL ? layer->digest : layer->diff_id, layer->size };
  StateLayer *there = ingest_find_layer (ingest, layer);
  if (there != NULL)
    {
      watch_done (&watch, there->blob_size);
      ingest_add_layer (ingest, there);
      return TRUE;
    }
  /* without a digest the size is that of a member, which the archive itself vouches for, and not of what is kept when that is inflated */
  LayerExpect expect = { .blob_digest = layer->digest, .blob_size = layer->digest != NULL ? layer->size : -1, .diff_id = layer->diff_id, .single = ingest->options->single };
  ByteStream *blob = source_layer_stream (source, layer, error);
  return blob != NULL && put_layer (ingest, blob, &expect, &watch, error);
}

/* ---- documents */

/* make_manifest: for what came without one; NULL with @error. */
static char *
make_manifest (Ingest *ingest, const char *config_digest, size_t config_size)
{
  ImageDescriptor config = { .media_type = (char *) MEDIA_OCI_CONFIG, .digest = (char *) config_digest, .size = (gint64) config_size };
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < ingest->layers->len; i++)
    {
      const StateLayer *layer = ingest->layers->pdata[i];
      ImageDescriptor part = { .media_type = layer->media_type, .digest = layer->blob_digest, .size = layer->blob_size };
      g_ptr_array_add (parts, g_memdup2 (&part, sizeof part));
    }
  return ingest->options->docker ? image_manifest_text_docker (&config, parts) : image_manifest_text (&config, parts);
}

gboolean
ingest_finish (Ingest *ingest, const ImageConfig *config, const char *config_data, size_t config_size, const char *manifest, size_t manifest_size, StateImage **ret_image, GError **error)
{
  g_autofree char *config_digest = NULL, *made = NULL;
  g_autoptr (StateImage) image = g_new0 (StateImage, 1);
  if (!content_put_data (ingest->storage, &ingest->work, config_data, config_size, &config_digest, error))
    return FALSE;
  if (manifest == NULL)
    {
      manifest = made = make_manifest (ingest, config_digest, config_size);
      manifest_size = strlen (made);
    }
  if (!content_put_data (ingest->storage, &ingest->work, manifest, manifest_size, &image->manifest_digest, error) || !content_sync (ingest->storage, error))
    return FALSE;
  static char *none[] = { NULL };
  image->id = g_strdup (config_digest + strlen ("sha256:"));
  image->architecture = g_strdup (config->architecture);
  image->os = g_strdup (config->os);
  image->variant = g_strdup (config->variant);
  image->created = config->created;
  image->size = ingest->size;
  image->names = g_strdupv (ingest->options->names != NULL ? (char **) ingest->options->names : none);
  image->digests = g_strdupv (ingest->options->digests != NULL ? (char **) ingest->options->digests : none);
  image->layers = g_strdupv (config->diff_ids);
  image->config = g_strndup (config_data, config_size);
  if (!state_image_put (ingest->storage->state, image, error))
    return FALSE;
  /* the image is there now; the index is for other tools, and made anew with the next change */
  (void) content_index_update (ingest->storage, NULL);
  if (ret_image != NULL)
    *ret_image = g_steal_pointer (&image);
  return TRUE;
}

/* ---- the frame: lock and work folder around it all */

static void
layer_row_free (gpointer data)
{
  state_layer_free (data);
}

gboolean
ingest_begin (Ingest *ingest, Storage *storage, IngestOptions *options, GError **error)
{
  *ingest = (Ingest){ .storage = storage, .options = options, .work = STORAGE_WORK_INIT, .lock = storage_lock_shared (storage, error) };
  if (ingest->lock < 0 || !storage_work_begin (storage, &ingest->work, error))
    {
      fd_close (ingest->lock);
      return FALSE;
    }
  ingest->layers = g_ptr_array_new_with_free_func (layer_row_free);
  return TRUE;
}

void
ingest_end (Ingest *ingest, gboolean done)
{
  gboolean collected = done;
  g_ptr_array_unref (ingest->layers);
  fd_close (ingest->lock);
  if (!done)
    {
      storage_work_empty (&ingest->work);
      (void) storage_collect (ingest->storage, &collected, NULL);
    }
  if (collected)
    storage_work_end (ingest->storage, &ingest->work);
  else
    storage_work_abandon (&ingest->work);
}

static gboolean
take_image (Ingest *ingest, ArchiveSource *source, guint index, const ImagePlatform *platform, StateImage **ret_image, GError **error)
{
  g_autoptr (ArchiveImage) image = source_image (source, index, platform, error);
  if (image == NULL)
    return FALSE;
  if (image->layers->len > INGEST_LAYERS_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "the image has %u layers; the kernel stacks at most %d", image->layers->len, INGEST_LAYERS_LIMIT);
  for (guint i = 0; i < image->layers->len; i++)
    if (!take_layer (ingest, source, image->layers->pdata[i], error))
      return coracle_prefix (error, "layer %u", i + 1);
  return ingest_finish (ingest, image->config, image->config_data, image->config_size, image->manifest, image->manifest_size, ret_image, error);
}

gboolean
ingest_image (Storage *storage, ArchiveSource *source, guint index, const ImagePlatform *platform, IngestOptions *options, StateImage **ret_image, GError **error)
{
  Ingest ingest;
  if (!ingest_begin (&ingest, storage, options, error))
    return FALSE;
  gboolean done = take_image (&ingest, source, index, platform, ret_image, error);
  ingest_end (&ingest, done);
  return done;
}

/* make_image: config and row of the layers taken. */
static gboolean
make_image (Ingest *ingest, const json_t *base, const json_t *history, StateImage **ret_image, GError **error)
{
  g_autoptr (GPtrArray) diff_ids = g_ptr_array_new ();
  for (guint i = 0; i < ingest->layers->len; i++)
    g_ptr_array_add (diff_ids, ((StateLayer *) ingest->layers->pdata[i])->diff_id);
  g_ptr_array_add (diff_ids, NULL);
  g_autofree char *text = image_config_make (base, (const char *const *) diff_ids->pdata, history, (gint64) time (NULL));
  g_autoptr (ImageConfig) config = image_config_parse (text, strlen (text), error);
  return config != NULL && ingest_finish (ingest, config, text, strlen (text), NULL, 0, ret_image, error);
}

/* take_below: the layers that are there already. */
static gboolean
take_below (Ingest *ingest, const char *const *below, GError **error)
{
  guint n = below != NULL ? g_strv_length ((char **) below) : 0;
  if (n >= INGEST_LAYERS_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "the image has %u layers already; the kernel stacks at most %d: --squash makes them one", n, INGEST_LAYERS_LIMIT);
  for (guint i = 0; i < n; i++)
    {
      StateLayer *row = layer_find (ingest->storage, below[i]);
      if (row == NULL)
        return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "layer %s is gone", below[i]);
      ingest_add_layer (ingest, row);
    }
  return TRUE;
}

/* take_tar: takes @tar. */
static gboolean
take_tar (Ingest *ingest, const char *const *below, ByteStream *tar, const char *what, StateImage **ret_image, const json_t *base, const json_t *history, GError **error)
{
  Watch watch = { ingest->options, what, -1 };
  LayerExpect expect = { .blob_size = -1, .single = ingest->options->single, .plain = below == NULL };
  if (!take_below (ingest, below, error))
    {
      byte_stream_free (tar);
      return FALSE;
    }
  return put_layer (ingest, tar, &expect, &watch, error) && make_image (ingest, base, history, ret_image, error);
}

static gboolean
ingest_tar (Storage *storage, const char *const *below, ByteStream *tar, const char *what, const json_t *config, const json_t *history, IngestOptions *options, StateImage **ret_image,
            GError **error)
{
  Ingest ingest;
  if (!ingest_begin (&ingest, storage, options, error))
    {
      byte_stream_free (tar);
      return FALSE;
    }
  gboolean done = take_tar (&ingest, below, tar, what, ret_image, config, history, error);
  ingest_end (&ingest, done);
  return done;
}

gboolean
ingest_rootfs (Storage *storage, ByteStream *tar, const json_t *config, const json_t *history, IngestOptions *options, StateImage **ret_image, GError **error)
{
  return ingest_tar (storage, NULL, tar, "rootfs", config, history, options, ret_image, error);
}

gboolean
ingest_above (Storage *storage, const char *const *below, ByteStream *layer, const json_t *config, const json_t *history, IngestOptions *options, StateImage **ret_image, GError **error)
{
  return ingest_tar (storage, below, layer, "layer", config, history, options, ret_image, error);
}
