#include "pkg/engine/image_ready.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/archive/chunked.h"
#include "pkg/archive/digest.h"
#include "pkg/archive/transcode.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/image/manifest.h"
#include "storage/content.h"

#define THREADS_MAX 8
#define LAYERS_AT_ONCE 6   /* for a sink that waits for somebody else; as Podman's default */

typedef struct {
  SinkLayer *layer;
  Compression is, wanted;
  gboolean chunk;         /* it is to be zstd:chunked, and is not yet */
  json_t **annotations;   /* of its descriptor */
  GError *problem;
} Part;

typedef struct {
  const ReadyWish *wish;
  Part *parts;
  guint n_parts;
  int spool_fd;
  gint next;      /* atomic */
  gint failed;    /* atomic: no more are begun */
} Parts;

void
image_ready_clear (ReadyImage *ready)
{
  for (guint i = 0; ready->layers != NULL && i < ready->sink.n_layers; i++)
    {
      fd_close (ready->layers[i].fd);
      g_free (ready->layers[i].digest);
      g_free (ready->layers[i].diff_id);
      g_free (ready->layers[i].source);
      json_decref (ready->annotations[i]);
    }
  g_free (ready->layers);
  g_free (ready->compressions);
  g_free (ready->annotations);
  g_free (ready->config);
  g_free (ready->config_digest);
  g_free (ready->manifest);
  g_free (ready->manifest_digest);
  *ready = (ReadyImage){ 0 };
}

/* open_layer: the blob that the manifest names, or another that is kept for the same layer. */
static gboolean
open_layer (Storage *storage, const ImageDescriptor *named, SinkLayer *layer, json_t **ret_annotations, gboolean *ret_other, GError **error)
{
  const char *digest = named != NULL && content_there (storage, named->digest) ? named->digest : NULL;
  g_autoptr (StateLayer) row = digest == NULL ? state_layer_find (storage->state, layer->diff_id, NULL) : NULL;
  if (row != NULL && row->blob_digest != NULL && content_there (storage, row->blob_digest))
    digest = row->blob_digest;
  if (digest == NULL)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "layer %s: its blob is not in the store any more: pull the image again", layer->diff_id);
  if (row == NULL && named != NULL)
    *ret_annotations = json_incref (named->annotations);
  *ret_other = *ret_other || row != NULL;
  layer->digest = g_strdup (digest);
  layer->source = g_strdup (digest);
  layer->fd = content_open (storage, digest, &layer->size, error);
  return layer->fd >= 0;
}

static Compression
fd_compression (int fd)
{
  char magic[6];
  ssize_t n = pread (fd, magic, sizeof magic, 0);
  return compression_detect (magic, n > 0 ? (size_t) n : 0);
}

/* choose: what a layer will be. */
static gboolean
choose (const ReadyWish *wish, Part *part, GError **error)
{
  part->is = part->wanted = fd_compression (part->layer->fd);
  if (wish->sink->inflates)
    return TRUE;
  if (wish->compression != COMPRESSION_NONE && (part->is == COMPRESSION_NONE || wish->force))
    {
      part->wanted = wish->compression;
      part->chunk = wish->chunked && (part->is != COMPRESSION_ZSTD || json_object_get (*part->annotations, CHUNKED_ANNOTATION_POSITION) == NULL);
    }
  if (wish->inflate)
    part->wanted = COMPRESSION_NONE;
  if (wish->form != READY_DOCKER || part->wanted != COMPRESSION_ZSTD)
    return TRUE;
  if (wish->compression == COMPRESSION_ZSTD)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "a manifest of format v2s2 cannot name zstd layers: use --format oci");
  part->wanted = COMPRESSION_GZIP;
  return TRUE;
}

static gboolean
to_change (const Part *part)
{
  return part->is != part->wanted || part->chunk;
}

/* change: the layer in the compression that is wanted. */
static gboolean
change (const Parts *parts, Part *part, GError **error)
{
  Transcoded made;
  ArchiveSink *sink = parts->wish->sink;
  const TranscodeHow how = { .to = part->wanted, .chunked = part->chunk, .level = parts->wish->level };
  g_clear_pointer (part->annotations, json_decref);
  /* a level that was asked for is not to be found out from what is there, and where a table is neither */
  if (sink->known != NULL && how.level < 0 && !how.chunked && sink->known (sink, part->wanted, part->layer))
    return TRUE;
  if (!transcode (part->layer->fd, part->layer->size, &how, parts->spool_fd, &made, error))
    return FALSE;
  *part->annotations = made.annotations;
  fd_close (part->layer->fd);
  g_free (part->layer->digest);
  part->layer->fd = made.fd;
  part->layer->digest = made.digest;
  part->layer->size = made.size;
  return TRUE;
}

static gpointer
parts_thread (gpointer data)
{
  Parts *parts = data;
  ArchiveSink *sink = parts->wish->sink;
  for (;;)
    {
      guint i = (guint) g_atomic_int_add (&parts->next, 1);
      if (i >= parts->n_parts || g_atomic_int_get (&parts->failed))
        return NULL;
      Part *part = &parts->parts[i];
      gboolean ok = (!to_change (part) || change (parts, part, &part->problem)) && (sink->layer == NULL || sink->layer (sink, part->layer, &part->problem));
      if (!ok)
        g_atomic_int_set (&parts->failed, 1);
    }
}

/* make_parts: @n_wanted of them are to be changed. */
static gboolean
make_parts (Parts *parts, guint n_wanted, GError **error)
{
  GThread *threads[THREADS_MAX];
  guint n = 0, most = parts->wish->sink->layer != NULL ? MIN (LAYERS_AT_ONCE, parts->n_parts) : MIN (MIN (g_get_num_processors (), THREADS_MAX), n_wanted);
  while (n + 1 < most)
    {
      threads[n] = g_thread_try_new ("layer", parts_thread, parts, NULL);
      if (threads[n] == NULL)
        break;
      n++;
    }
  (void) parts_thread (parts);
  while (n > 0)
    (void) g_thread_join (threads[--n]);
  gboolean ok = TRUE;
  for (guint i = 0; i < parts->n_parts; i++)
    if (parts->parts[i].problem != NULL && ok)
      {
        gboolean own = parts->wish->sink->layer == NULL;
        g_propagate_error (error, g_steal_pointer (&parts->parts[i].problem));
        ok = own ? coracle_prefix (error, "layer %u", i + 1) : FALSE;
      }
    else
      g_clear_error (&parts->parts[i].problem);
  return ok;
}

static char *
layer_type (Compression compression)
{
  return g_strconcat (MEDIA_OCI_LAYER, compression == COMPRESSION_GZIP ? "+gzip" : compression == COMPRESSION_ZSTD ? "+zstd" : NULL, NULL);
}

static void
descriptor_free (gpointer data)
{
  ImageDescriptor *descriptor = data;
  g_free (descriptor->media_type);
  g_free (descriptor);
}

/* make_manifest: for layers or a form that the image's own does not have. */
static void
make_manifest (ReadyImage *ready, gboolean docker)
{
  ImageDescriptor config = { .media_type = (char *) MEDIA_OCI_CONFIG, .digest = ready->config_digest, .size = (gint64) ready->sink.config_size };
  g_autoptr (GPtrArray) layers = g_ptr_array_new_with_free_func (descriptor_free);
  for (guint i = 0; i < ready->sink.n_layers; i++)
    {
      ImageDescriptor layer = { .media_type = layer_type (ready->compressions[i]), .digest = ready->layers[i].digest, .size = ready->layers[i].size, .annotations = ready->annotations[i] };
      g_ptr_array_add (layers, g_memdup2 (&layer, sizeof layer));
    }
  g_free (ready->manifest);
  ready->manifest = docker ? image_manifest_text_docker (&config, layers) : image_manifest_text (&config, layers);
  ready->manifest_digest = digest_of (ready->manifest, strlen (ready->manifest));
  ready->sink.manifest_size = strlen (ready->manifest);
  ready->sink.manifest_type = docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST;
  ready->sink.manifest = ready->manifest;
  ready->sink.manifest_digest = ready->manifest_digest;
}

gboolean
image_ready_turn (ReadyImage *ready)
{
  gboolean docker = strcmp (ready->sink.manifest_type, MEDIA_DOCKER_MANIFEST) != 0;
  for (guint i = 0; docker && i < ready->sink.n_layers; i++)
    if (ready->compressions[i] == COMPRESSION_ZSTD)
      return FALSE;
  g_free (ready->manifest_digest);
  make_manifest (ready, docker);
  return TRUE;
}

/* finish_manifest: the image's own if it is still true. */
static void
finish_manifest (ReadyImage *ready, const StateImage *image, const ReadyWish *wish, const char *own_type, const Part *parts, gboolean changed)
{
  gboolean own_docker = strcmp (own_type, MEDIA_DOCKER_MANIFEST) == 0, docker = wish->form == READY_DOCKER || (wish->form == READY_KEEP && own_docker);
  for (guint i = 0; wish->form == READY_KEEP && i < ready->sink.n_layers; i++)
    docker = docker && (parts[i].wanted != COMPRESSION_ZSTD || parts[i].is == COMPRESSION_ZSTD);
  if (changed || docker != own_docker)
    make_manifest (ready, docker);
  else
    {
      ready->manifest_digest = g_strdup (image->manifest_digest);
      ready->sink.manifest_type = own_docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST;
    }
  ready->sink.manifest = ready->manifest;
  ready->sink.manifest_digest = ready->manifest_digest;
}

static void
take_config (ReadyImage *ready, const StateImage *image)
{
  ready->config = g_strdup (image->config);
  ready->config_digest = g_strconcat ("sha256:", image->id, NULL);
  ready->sink.config = ready->config;
  ready->sink.config_size = strlen (ready->config);
  ready->sink.config_digest = ready->config_digest;
}

gboolean
image_ready (Storage *storage, const StateImage *image, const ReadyWish *wish, ReadyImage *ready, GError **error)
{
  guint n = g_strv_length (image->layers), n_changed = 0;
  gboolean changed = FALSE;
  *ready = (ReadyImage){ .layers = g_new0 (SinkLayer, n + 1), .compressions = g_new0 (Compression, n + 1), .annotations = g_new0 (json_t *, n + 1), .sink.n_layers = n };
  ready->sink.layers = ready->layers;
  for (guint i = 0; i < n; i++)
    ready->layers[i].fd = -1;
  take_config (ready, image);
  if (!content_read (storage, image->manifest_digest, IMAGE_MANIFEST_LIMIT, &ready->manifest, &ready->sink.manifest_size, error))
    return FALSE;
  g_autoptr (ImageManifest) manifest = image_manifest_parse (ready->manifest, ready->sink.manifest_size, NULL, error);
  if (manifest == NULL)
    return coracle_prefix (error, "manifest %s", image->manifest_digest);
  g_autofree Part *parts = g_new0 (Part, n + 1);
  for (guint i = 0; i < n; i++)
    {
      parts[i].layer = &ready->layers[i];
      parts[i].annotations = &ready->annotations[i];
      ready->layers[i].diff_id = g_strdup (image->layers[i]);
      if (!open_layer (storage, manifest->parts->len == n ? manifest->parts->pdata[i] : NULL, &ready->layers[i], parts[i].annotations, &changed, error) || !choose (wish, &parts[i], error))
        return FALSE;
      n_changed += to_change (&parts[i]);
      ready->compressions[i] = parts[i].wanted;
    }
  if (wish->opened != NULL)
    wish->opened (ready, wish->data);
  cleanup_fd int tmp = openat (storage->root_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  cleanup_fd int other = tmp >= 0 && faccessat (tmp, ".", W_OK, 0) == 0 ? -1 : open ("/var/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  Parts all = { .wish = wish, .parts = parts, .n_parts = n, .spool_fd = other >= 0 ? other : tmp };
  if ((n_changed > 0 || wish->sink->layer != NULL) && !make_parts (&all, n_changed, error))
    return FALSE;
  finish_manifest (ready, image, wish, manifest->media_type, parts, changed || n_changed > 0);
  return TRUE;
}
