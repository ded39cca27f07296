/* OCI image layouts of sink.h, in a folder or a tar. */
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/output.h"
#include "pkg/archive/sink_private.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"

static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

typedef struct {
  ArchiveSink base;
  Output *output;            /* the tar; NULL: a folder */
  int folder_fd, blobs_fd;
  GHashTable *blobs;         /* digests written */
  json_t *manifests;         /* of index.json */
} OciSink;

static gboolean
put_blob (OciSink *self, const char *digest, int fd, const void *data, gint64 size, GError **error)
{
  if (!g_hash_table_add (self->blobs, g_strdup (digest)))
    return TRUE;
  g_autofree char *name = g_strconcat ("blobs/sha256/", image_digest_hex (digest), NULL);
  if (self->output != NULL)
    return fd >= 0 ? tar_add_file (self->output, name, 0644, fd, size, error) : tar_add_data (self->output, name, 0644, data, (size_t) size, error);
  const char *base = image_digest_hex (digest);
  return fd >= 0 ? folder_put (self->blobs_fd, base, fd, size, error) : folder_put_data (self->blobs_fd, base, data, (size_t) size, error);
}

/* same_place: is @entry what an image of @name and @digest replaces: that name's, or the same image without one? */
static gboolean
same_place (json_t *entry, const char *name, const char *digest)
{
  const char *there = json_string_value (json_object_get (json_object_get (entry, "annotations"), ANNOTATION_REF_NAME));
  return there != NULL ? g_strcmp0 (there, name) == 0 : g_strcmp0 (json_string_value (json_object_get (entry, "digest")), digest) == 0;
}

static void
add_entry (OciSink *self, const SinkImage *image, const char *name)
{
  for (size_t i = json_array_size (self->manifests); i-- > 0;)
    if (same_place (json_array_get (self->manifests, i), name, image->manifest_digest))
      (void) json_array_remove (self->manifests, i);
  json_t *entry = json_pack ("{s:s, s:s, s:I}", "mediaType", image->manifest_type, "digest", image->manifest_digest, "size", (json_int_t) image->manifest_size);
  if (name != NULL)
    (void) json_object_set_new (entry, "annotations", json_pack ("{s:s}", ANNOTATION_REF_NAME, name));
  (void) json_array_append_new (self->manifests, entry);
}

static gboolean
oci_put (ArchiveSink *sink, const SinkImage *image, GError **error)
{
  OciSink *self = (OciSink *) sink;
  for (guint i = 0; i < image->n_layers; i++)
    {
      const SinkLayer *layer = &image->layers[i];
      if (!put_blob (self, layer->digest, layer->fd, NULL, layer->size, error))
        return coracle_prefix (error, "layer %u", i + 1);
      if (sink->progress != NULL)
        sink->progress (layer->source, layer->size, layer->size, sink->progress_data);
    }
  if ((image->config != NULL && !put_blob (self, image->config_digest, -1, image->config, (gint64) image->config_size, error)) ||
      !put_blob (self, image->manifest_digest, -1, image->manifest, (gint64) image->manifest_size, error))
    return FALSE;
  if (!image->instance)
    add_entry (self, image, image->names != NULL ? image->names[0] : NULL);
  return TRUE;
}

static gboolean
oci_end (ArchiveSink *sink, GError **error)
{
  OciSink *self = (OciSink *) sink;
  json_auto_t *root = json_pack ("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType", MEDIA_OCI_INDEX, "manifests", self->manifests);
  g_autofree char *index = json_to_text (root, 0, JSON_TEXT_DEFAULT);
  if (self->output != NULL)
    return tar_add_data (self->output, "index.json", 0644, index, strlen (index), error) && tar_add_data (self->output, "oci-layout", 0644, layout, strlen (layout), error) &&
           tar_end (self->output, error) && output_commit (self->output, error);
  return folder_put_data (self->folder_fd, "oci-layout", layout, strlen (layout), error) && folder_put_data (self->folder_fd, "index.json", index, strlen (index), error);
}

static void
oci_free (ArchiveSink *sink)
{
  OciSink *self = (OciSink *) sink;
  output_free (self->output);
  fd_close (self->folder_fd);
  fd_close (self->blobs_fd);
  g_hash_table_unref (self->blobs);
  json_decref (self->manifests);
  g_free (self);
}

static OciSink *
sink_new (void)
{
  OciSink *self = g_new0 (OciSink, 1);
  self->base = (ArchiveSink){ .put = oci_put, .end = oci_end, .free = oci_free, .compresses = TRUE };
  self->folder_fd = self->blobs_fd = -1;
  self->blobs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->manifests = json_array ();
  return self;
}

ArchiveSink *
sink_oci_archive_open (const char *path, GError **error)
{
  OciSink *self = sink_new ();
  g_autoptr (ArchiveSink) sink = &self->base;
  self->output = output_open (path, TRUE, error);
  if (self->output == NULL || !tar_add_folder (self->output, "blobs/", error) || !tar_add_folder (self->output, "blobs/sha256/", error))
    return NULL;
  return g_steal_pointer (&sink);
}

/* read_index: the images that are there already. */
static gboolean
read_index (OciSink *self, GError **error)
{
  cleanup_fd int fd = openat (self->folder_fd, "index.json", O_RDONLY | O_CLOEXEC);
  g_autofree char *data = NULL;
  size_t size;
  if (fd < 0)
    return TRUE;
  if (!fd_read_file (fd, IMAGE_MANIFEST_LIMIT, &data, &size, error))
    return FALSE;
  json_auto_t *root = json_parse_bounded (data, size, IMAGE_MANIFEST_LIMIT, JSON_PARSE_DEFAULT, error);
  json_t *manifests = json_object_get (root, "manifests");
  if (root == NULL || !json_is_array (manifests))
    return root == NULL ? FALSE : coracle_throw (error, CORACLE_ERROR_CORRUPT, "no list of manifests");
  (void) json_array_extend (self->manifests, manifests);
  return TRUE;
}

ArchiveSink *
sink_oci_open (const char *path, GError **error)
{
  OciSink *self = sink_new ();
  g_autoptr (ArchiveSink) sink = &self->base;
  self->folder_fd = folder_open (path, error);
  if (self->folder_fd < 0)
    return NULL;
  if (!read_index (self, error))
    {
      coracle_prefix (error, "%s/index.json", path);
      return NULL;
    }
  (void) mkdirat (self->folder_fd, "blobs", 0755);
  (void) mkdirat (self->folder_fd, "blobs/sha256", 0755);
  g_autofree char *blobs = g_build_filename (path, "blobs/sha256", NULL);
  self->blobs_fd = folder_open (blobs, error);
  return self->blobs_fd >= 0 ? g_steal_pointer (&sink) : NULL;
}
