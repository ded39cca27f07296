/* dir: a folder with "version", "manifest.json", and blobs under their hex digits. Source: containers-transports(5). */
#include <string.h>

#include "pkg/archive/source_private.h"
#include "pkg/base/error.h"
#include "pkg/image/digest.h"

static char *
blob_name (const char *digest)
{
  return g_strdup (image_digest_hex (digest));
}

gboolean
source_dir_open (ArchiveSource *source, GError **error)
{
  g_autofree char *data = NULL;
  size_t size;
  if (members_has (source->members, "version"))
    {
      if (!members_read (source->members, "version", 1024, &data, &size, error))
        return FALSE;
      if (!g_str_has_prefix (data, "Directory Transport Version: 1."))
        return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "version: not a dir: folder of version 1");
    }
  source_entries_add (source, (ArchiveEntry){ 0 });
  return TRUE;
}

/* read_manifest: "manifest.json", or of an index copied whole the "HEX.manifest.json" of @platform. */
static ImageManifest *
read_manifest (ArchiveSource *source, const ImagePlatform *platform, ArchiveImage *image, GError **error)
{
  if (!source_read_blob (source, "manifest.json", NULL, -1, IMAGE_MANIFEST_LIMIT, &image->manifest, &image->manifest_size, error))
    return NULL;
  g_autoptr (ImageManifest) manifest = image_manifest_parse (image->manifest, image->manifest_size, NULL, error);
  if (manifest == NULL || !manifest->is_index)
    return g_steal_pointer (&manifest);
  const ImageDescriptor *chosen = image_index_choose (manifest, platform, error);
  if (chosen == NULL)
    return NULL;
  g_autofree char *name = g_strconcat (image_digest_hex (chosen->digest), ".manifest.json", NULL);
  g_clear_pointer (&image->manifest, g_free);
  if (!source_read_blob (source, name, chosen->digest, chosen->size, IMAGE_MANIFEST_LIMIT, &image->manifest, &image->manifest_size, error))
    return NULL;
  g_autoptr (ImageManifest) inner = image_manifest_parse (image->manifest, image->manifest_size, chosen->media_type, error);
  if (inner != NULL && inner->is_index)
    {
      coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s: an index in an index", name);
      return NULL;
    }
  return g_steal_pointer (&inner);
}

gboolean
source_dir_image (ArchiveSource *source, const ImagePlatform *platform, ArchiveImage *image, GError **error)
{
  g_autoptr (ImageManifest) manifest = read_manifest (source, platform, image, error);
  return manifest != NULL && source_take_manifest (source, image, manifest, blob_name, error);
}
