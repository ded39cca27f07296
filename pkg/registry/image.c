#include <string.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/registry/registry.h"

#define INDEX_DEPTH 4

/* read_known: as it is here, if that is whole. */
static gboolean
read_known (const RegistryKnown *known, const char *digest, size_t limit, char **ret_data, size_t *ret_size)
{
  g_autofree char *data = known != NULL ? known->read (digest, limit, ret_size, known->data) : NULL;
  g_autofree char *is = data != NULL ? digest_of (data, *ret_size) : NULL;
  if (g_strcmp0 (is, digest) != 0)
    return FALSE;
  *ret_data = g_steal_pointer (&data);
  return TRUE;
}

/* read_manifest: the one that a user's word means is always asked for; one that an index names may be here. */
static gboolean
read_manifest (Registry *registry, const char *repository, const char *reference, const ImageDescriptor *named, const RegistryKnown *known, RegistryDocument *document, GError **error)
{
  registry_document_clear (document);
  if (named == NULL || !read_known (known, reference, IMAGE_MANIFEST_LIMIT, &document->data, &document->size))
    return registry_manifest (registry, repository, reference, document, error);
  document->media_type = g_strdup (named->media_type);
  document->digest = g_strdup (reference);
  return TRUE;
}

/* find_manifest: through indexes, to the document of an image. */
static ImageManifest *
find_manifest (Registry *registry, const char *repository, const char *reference, const ImagePlatform *platform, const RegistryKnown *known, RegistryDocument *document, char **ret_digest,
               GError **error)
{
  g_autoptr (ImageManifest) index = NULL;
  const ImageDescriptor *chosen = NULL;
  for (int depth = 0; depth < INDEX_DEPTH; depth++)
    {
      if (!read_manifest (registry, repository, chosen != NULL ? chosen->digest : reference, chosen, known, document, error))
        return NULL;
      if (depth == 0 && ret_digest != NULL)
        *ret_digest = g_strdup (document->digest);
      g_autoptr (ImageManifest) manifest = image_manifest_parse (document->data, document->size, document->media_type, error);
      if (manifest == NULL || !manifest->is_index)
        return g_steal_pointer (&manifest);
      chosen = image_index_choose (manifest, platform, error);
      if (chosen == NULL)
        return NULL;
      image_manifest_free (index);
      index = g_steal_pointer (&manifest);
    }
  return coracle_throw (error, CORACLE_ERROR_CORRUPT, "more than %d indexes in one another", INDEX_DEPTH), NULL;
}

static gboolean
read_config (Registry *registry, const char *repository, const ImageDescriptor *config, const RegistryKnown *known, ArchiveImage *image, GError **error)
{
  if (config->size > (gint64) IMAGE_CONFIG_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "its config has %" G_GINT64_FORMAT " bytes; at most %zu are taken", config->size, IMAGE_CONFIG_LIMIT);
  image->config_type = g_strdup (config->media_type);
  if (read_known (known, config->digest, IMAGE_CONFIG_LIMIT, &image->config_data, &image->config_size))
    return TRUE;
  g_autoptr (ByteStream) stream = registry_blob (registry, repository, config->digest, config->size);
  if (!byte_stream_read_all (stream, IMAGE_CONFIG_LIMIT, &image->config_data, &image->config_size, error))
    return FALSE;
  g_autofree char *digest = digest_of (image->config_data, image->config_size);
  if (strcmp (digest, config->digest) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "its config has the digest %s instead of %s", digest, config->digest);
  return TRUE;
}

ArchiveImage *
registry_image (Registry *registry, const char *repository, const char *reference, const ImagePlatform *platform, const RegistryKnown *known, char **ret_digest, GError **error)
{
  ImagePlatform host = image_platform_host ();
  g_auto (RegistryDocument) document = { 0 };
  g_autofree char *top = NULL;
  g_autoptr (ImageManifest) manifest = find_manifest (registry, repository, reference, platform != NULL ? platform : &host, known, &document, &top, error);
  if (manifest == NULL)
    return NULL;
  g_autoptr (ArchiveImage) image = source_image_new ();
  if (!read_config (registry, repository, manifest->config, known, image, error))
    return NULL;
  image->manifest = g_steal_pointer (&document.data);
  image->manifest_size = document.size;
  image->manifest_type = g_strdup (manifest->media_type);
  source_image_add_layers (image, manifest, NULL);
  if (!source_image_finish (image, error))
    return NULL;
  if (ret_digest != NULL)
    *ret_digest = g_steal_pointer (&top);
  return g_steal_pointer (&image);
}
