#include "pkg/archive/source.h"

#include <string.h>

#include "pkg/archive/source_private.h"
#include "pkg/base/error.h"

gboolean
source_format_parse (const char *transport, ArchiveFormat *ret_format)
{
  static const struct { const char *name; ArchiveFormat format; } names[] = {
    { "docker-archive", ARCHIVE_DOCKER }, { "oci-archive", ARCHIVE_OCI }, { "oci", ARCHIVE_OCI }, { "dir", ARCHIVE_DIR },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (names[i].name, transport) == 0)
      {
        *ret_format = names[i].format;
        return TRUE;
      }
  return FALSE;
}

static void
entry_clear (gpointer data)
{
  g_strfreev (((ArchiveEntry *) data)->names);
}

void
source_entries_add (ArchiveSource *source, ArchiveEntry entry)
{
  if (entry.names == NULL)
    entry.names = g_new0 (char *, 1);
  g_array_append_val (source->entries, entry);
}

void
source_close (ArchiveSource *source)
{
  if (source == NULL)
    return;
  g_array_unref (source->entries);
  image_manifest_free (source->index);
  if (source->docker_images != NULL)
    g_ptr_array_unref (source->docker_images);
  members_free (source->members);
  g_free (source);
}

static void
layer_free (gpointer data)
{
  ArchiveLayer *layer = data;
  g_free (layer->digest);
  g_free (layer->media_type);
  g_free (layer->diff_id);
  g_free (layer->member);
  g_free (layer);
}

void
source_image_free (ArchiveImage *image)
{
  if (image == NULL)
    return;
  g_free (image->manifest);
  g_free (image->manifest_digest);
  g_free (image->manifest_type);
  g_free (image->config_data);
  g_free (image->config_digest);
  g_free (image->config_type);
  image_config_free (image->config);
  g_ptr_array_unref (image->layers);
  g_free (image);
}

/* ---- opening */

/* detect: Docker's newer archives are OCI layouts too, with a manifest.json that has the full names: so that comes first. A dir: folder has one as well, next to "version". */
static gboolean
detect (ArchiveSource *source, GError **error)
{
  if (members_has (source->members, "version") && members_has (source->members, "manifest.json"))
    source->format = ARCHIVE_DIR;
  else if (members_has (source->members, "manifest.json"))
    source->format = ARCHIVE_DOCKER;
  else if (members_has (source->members, "index.json"))
    source->format = ARCHIVE_OCI;
  else
    return coracle_throw (error, CORACLE_ERROR_INVALID, "payload does not match any of the supported image formats: oci, oci-archive, dir, docker-archive");
  return TRUE;
}

ArchiveSource *
source_open (ArchiveFormat format, const char *path, int spool_fd, GError **error)
{
  g_autoptr (ArchiveSource) source = g_new0 (ArchiveSource, 1);
  source->format = format;
  source->entries = g_array_new (FALSE, FALSE, sizeof (ArchiveEntry));
  g_array_set_clear_func (source->entries, entry_clear);
  source->members = members_open (path, spool_fd, error);
  if (source->members == NULL)
    return NULL;
  gboolean done = format != ARCHIVE_ANY || detect (source, error);
  if (done)
    done = source->format == ARCHIVE_DOCKER ? source_docker_open (source, error)
           : source->format == ARCHIVE_OCI  ? source_oci_open (source, error)
                                            : source_dir_open (source, error);
  if (done)
    return g_steal_pointer (&source);
  coracle_prefix (error, "%s", path);
  return NULL;
}

guint
source_count (ArchiveSource *source)
{
  return source->entries->len;
}

const char *const *
source_names (ArchiveSource *source, guint image)
{
  return (const char *const *) g_array_index (source->entries, ArchiveEntry, image).names;
}

ArchiveFormat
source_format (ArchiveSource *source)
{
  return source->format;
}

/* names_match: "busybox" and "docker.io/library/busybox:latest" mean one in docker-archive, whose names were written by Docker. */
static gboolean
names_match (ArchiveFormat format, const char *have, const char *wanted)
{
  if (strcmp (have, wanted) == 0)
    return TRUE;
  if (format != ARCHIVE_DOCKER)
    return FALSE;
  static const char *const prefixes[] = { "docker.io/library/", "docker.io/", "localhost/" };
  for (size_t i = 0; i < G_N_ELEMENTS (prefixes); i++)
    {
      size_t length = strlen (prefixes[i]);
      const char *a = g_str_has_prefix (have, prefixes[i]) ? have + length : have, *b = g_str_has_prefix (wanted, prefixes[i]) ? wanted + length : wanted;
      size_t n = strlen (b);
      if (strcmp (a, b) == 0 || (strncmp (a, b, n) == 0 && strcmp (a + n, ":latest") == 0))
        return TRUE;
    }
  return FALSE;
}

gboolean
source_find (ArchiveSource *source, const char *reference, guint *ret_image, GError **error)
{
  guint count = source->entries->len;
  if (reference == NULL || reference[0] == '\0')
    {
      if (count != 1)
        return coracle_throw (error, count == 0 ? CORACLE_ERROR_NOT_FOUND : CORACLE_ERROR_INVALID,
                              count == 0 ? "there is no image in the archive" : "more than one image in the archive, choose an image");
      *ret_image = 0;
      return TRUE;
    }
  char *end = NULL;
  guint64 number = reference[0] == '@' && g_ascii_isdigit (reference[1]) ? g_ascii_strtoull (reference + 1, &end, 10) : G_MAXUINT64;
  if (end != NULL && *end == '\0' && number < count)
    {
      *ret_image = (guint) number;
      return TRUE;
    }
  for (guint i = 0; i < count; i++)
    for (char **name = g_array_index (source->entries, ArchiveEntry, i).names; *name != NULL; name++)
      if (names_match (source->format, *name, reference))
        {
          *ret_image = i;
          return TRUE;
        }
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no image \"%s\" in the archive", reference);
}

/* ---- reading */

gboolean
source_read_blob (ArchiveSource *source, const char *name, const char *digest, gint64 size, size_t limit, char **ret_data, size_t *ret_size, GError **error)
{
  g_autofree char *data = NULL;
  size_t got;
  if (!members_read (source->members, name, limit, &data, &got, error))
    return FALSE;
  g_autofree char *is = digest_of (data, got);
  if (size >= 0 && got != (size_t) size)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s has %zu bytes instead of %" G_GINT64_FORMAT, name, got, size);
  if (digest != NULL && strcmp (is, digest) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s has the digest %s instead of %s", name, is, digest);
  *ret_data = g_steal_pointer (&data);
  *ret_size = got;
  return TRUE;
}

gboolean
source_take_manifest (ArchiveSource *source, ArchiveImage *image, const ImageManifest *manifest, ArchiveBlobName blob_name, GError **error)
{
  g_autofree char *config = blob_name (manifest->config->digest);
  if (!source_read_blob (source, config, manifest->config->digest, manifest->config->size, IMAGE_CONFIG_LIMIT, &image->config_data, &image->config_size, error))
    return coracle_prefix (error, "config");
  image->config_type = g_strdup (manifest->config->media_type);
  image->manifest_type = g_strdup (manifest->media_type);
  source_image_add_layers (image, manifest, blob_name);
  return TRUE;
}

ArchiveImage *
source_image_new (void)
{
  ArchiveImage *image = g_new0 (ArchiveImage, 1);
  image->layers = g_ptr_array_new_with_free_func (layer_free);
  return image;
}

void
source_image_add_layers (ArchiveImage *image, const ImageManifest *manifest, ArchiveBlobName blob_name)
{
  for (guint i = 0; i < manifest->parts->len; i++)
    {
      const ImageDescriptor *part = manifest->parts->pdata[i];
      ArchiveLayer *layer = g_new0 (ArchiveLayer, 1);
      layer->digest = g_strdup (part->digest);
      layer->media_type = g_strdup (part->media_type);
      layer->size = part->size;
      layer->member = blob_name != NULL ? blob_name (part->digest) : NULL;
      g_ptr_array_add (image->layers, layer);
    }
}

gboolean
source_image_finish (ArchiveImage *image, GError **error)
{
  image->config = image_config_parse (image->config_data, image->config_size, error);
  if (image->config == NULL)
    return FALSE;
  image->config_digest = digest_of (image->config_data, image->config_size);
  if (image->manifest != NULL)
    image->manifest_digest = digest_of (image->manifest, image->manifest_size);
  guint n = g_strv_length (image->config->diff_ids);
  if (n != image->layers->len)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the config names %u layers, the manifest %u", n, image->layers->len);
  for (guint i = 0; i < n; i++)
    ((ArchiveLayer *) image->layers->pdata[i])->diff_id = g_strdup (image->config->diff_ids[i]);
  return TRUE;
}

ArchiveImage *
source_image (ArchiveSource *source, guint index, const ImagePlatform *platform, GError **error)
{
  ImagePlatform host = image_platform_host ();
  const ArchiveEntry *entry = &g_array_index (source->entries, ArchiveEntry, index);
  g_autoptr (ArchiveImage) image = source_image_new ();
  if (platform == NULL)
    platform = &host;
  gboolean done = source->format == ARCHIVE_DOCKER ? source_docker_image (source, entry, image, error)
                  : source->format == ARCHIVE_OCI  ? source_oci_image (source, entry, platform, image, error)
                                                   : source_dir_image (source, platform, image, error);
  if (!done || !source_image_finish (image, error))
    return NULL;
  return g_steal_pointer (&image);
}

ByteStream *
source_layer_stream (ArchiveSource *source, const ArchiveLayer *layer, GError **error)
{
  gint64 size;
  return members_stream (source->members, layer->member, &size, error);
}
