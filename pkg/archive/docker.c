/* docker-archive: manifest.json names a config and layers by their members' names. */
#include <string.h>

#include "pkg/archive/source_private.h"
#include "pkg/base/error.h"
#include "pkg/image/digest.h"

gboolean
source_docker_open (ArchiveSource *source, GError **error)
{
  g_autofree char *data = NULL;
  size_t size;
  if (!members_read (source->members, "manifest.json", IMAGE_MANIFEST_LIMIT, &data, &size, error) || !docker_archive_parse (data, size, &source->docker_images, error))
    return FALSE;
  for (guint i = 0; i < source->docker_images->len; i++)
    {
      DockerArchiveImage *image = source->docker_images->pdata[i];
      source_entries_add (source, (ArchiveEntry){ .names = g_strdupv (image->names), .docker = image });
    }
  return TRUE;
}

/* config_digest: the digest that the config's name tells ("HEX.json", "blobs/sha256/HEX", "sha256:HEX"); NULL if it tells none. */
static char *
config_digest (const char *name)
{
  const char *slash = strrchr (name, '/'), *base = slash != NULL ? slash + 1 : name;
  if (g_str_has_prefix (base, "sha256:"))
    base += strlen ("sha256:");
  g_autofree char *digest = g_strdup_printf ("sha256:%.*s", IMAGE_DIGEST_HEX, base);
  const char *rest = base + MIN (strlen (base), IMAGE_DIGEST_HEX);
  return image_digest_is_sha256 (digest) && (*rest == '\0' || strcmp (rest, ".json") == 0) ? g_steal_pointer (&digest) : NULL;
}

gboolean
source_docker_image (ArchiveSource *source, const ArchiveEntry *entry, ArchiveImage *image, GError **error)
{
  const DockerArchiveImage *docker = entry->docker;
  g_autofree char *digest = config_digest (docker->config);
  if (!source_read_blob (source, docker->config, digest, -1, IMAGE_CONFIG_LIMIT, &image->config_data, &image->config_size, error))
    return coracle_prefix (error, "config");
  /* Docker's own type of config differs from OCI's in nothing that either reader minds, and the manifest made for it is OCI's */
  image->config_type = g_strdup (MEDIA_OCI_CONFIG);
  for (char **name = docker->layers; *name != NULL; name++)
    {
      ArchiveLayer *layer = g_new0 (ArchiveLayer, 1);
      layer->member = g_strdup (*name);
      layer->size = -1;
      g_ptr_array_add (image->layers, layer);
      g_autoptr (ByteStream) stream = members_stream (source->members, *name, &layer->size, error);
      if (stream == NULL)
        return FALSE;
    }
  return TRUE;
}
