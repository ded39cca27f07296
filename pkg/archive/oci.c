/* OCI image layouts: index.json, blobs/ALGORITHM/HEX; in a folder or a tar. */
#include <string.h>

#include "pkg/archive/source_private.h"
#include "pkg/base/error.h"
#include "pkg/image/digest.h"
#include "pkg/json/json.h"

#define NESTING_LIMIT 4   /* indexes in indexes */

static char *
blob_name (const char *digest)
{
  return g_strconcat ("blobs/sha256/", image_digest_hex (digest), NULL);
}

/* check_layout: the file that says which version of the layout it is; old tools left it out. */
static gboolean
check_layout (ArchiveSource *source, GError **error)
{
  g_autofree char *data = NULL;
  size_t size;
  const char *version = NULL;
  if (!members_has (source->members, "oci-layout"))
    return TRUE;
  if (!members_read (source->members, "oci-layout", 65536, &data, &size, error))
    return FALSE;
  json_auto_t *root = json_parse_bounded (data, size, 65536, JSON_PARSE_DEFAULT, error);
  if (root == NULL || !json_get_string (root, "imageLayoutVersion", &version, error))
    return coracle_prefix (error, "oci-layout");
  if (version != NULL && !g_str_has_prefix (version, "1."))
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "oci-layout: version %.20s", version);
  return TRUE;
}

gboolean
source_oci_open (ArchiveSource *source, GError **error)
{
  g_autofree char *data = NULL;
  size_t size;
  if (!check_layout (source, error) || !members_read (source->members, "index.json", IMAGE_MANIFEST_LIMIT, &data, &size, error))
    return FALSE;
  source->index = image_manifest_parse (data, size, MEDIA_OCI_INDEX, error);
  if (source->index == NULL)
    return coracle_prefix (error, "index.json");
  for (guint i = 0; i < source->index->parts->len; i++)
    {
      ImageDescriptor *descriptor = source->index->parts->pdata[i];
      char *names[] = { descriptor->ref_name, NULL };
      source_entries_add (source, (ArchiveEntry){ .names = g_strdupv (names), .descriptor = descriptor });
    }
  return TRUE;
}

gboolean
source_oci_image (ArchiveSource *source, const ArchiveEntry *entry, const ImagePlatform *platform, ArchiveImage *image, GError **error)
{
  const ImageDescriptor *descriptor = entry->descriptor;
  g_autoptr (ImageManifest) above = NULL;   /* owns @descriptor from the second turn on */
  for (int depth = 0; depth < NESTING_LIMIT; depth++)
    {
      g_autofree char *name = blob_name (descriptor->digest), *data = NULL;
      size_t size;
      if (!source_read_blob (source, name, descriptor->digest, descriptor->size, IMAGE_MANIFEST_LIMIT, &data, &size, error))
        return coracle_prefix (error, "manifest");
      ImageManifest *manifest = image_manifest_parse (data, size, descriptor->media_type, error);
      if (manifest == NULL)
        return FALSE;
      image_manifest_free (above);
      above = manifest;
      if (!manifest->is_index)
        {
          image->manifest = g_steal_pointer (&data);
          image->manifest_size = size;
          return source_take_manifest (source, image, manifest, blob_name, error);
        }
      descriptor = image_index_choose (manifest, platform, error);
      if (descriptor == NULL)
        return FALSE;
    }
  return coracle_throw (error, CORACLE_ERROR_CORRUPT, "more than %d indexes in one another", NESTING_LIMIT);
}
