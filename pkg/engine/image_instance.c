/* image_lookup_instance of image_lookup.h: the image that a manifest list of the store stands for. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"

#define STORAGE "containers-storage:"

/* find_digest: the image of the store whose manifest is @digest. */
static StateImage *
find_digest (State *state, const char *digest)
{
  g_autoptr (GPtrArray) images = NULL;
  if (!state_image_list (state, &images, NULL))
    return NULL;
  for (guint i = 0; i < images->len; i++)
    {
      const StateImage *image = images->pdata[i];
      if (!image->list && g_strcmp0 (image->manifest_digest, digest) == 0)
        return state_image_find (state, image->id, NULL);
    }
  return NULL;
}

/* choose: the digest of the entry for @platform; NULL with @error. */
static char *
choose (json_t *index, const ImagePlatform *platform, GError **error)
{
  json_auto_t *whole = json_pack ("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType", MEDIA_OCI_INDEX, "manifests", json_object_get (index, "manifests"));
  g_autofree char *text = json_to_text (whole, 0, JSON_TEXT_DEFAULT);
  g_autoptr (ImageManifest) manifest = image_manifest_parse (text, strlen (text), NULL, error);
  const ImageDescriptor *entry = manifest != NULL ? image_index_choose (manifest, platform, NULL) : NULL;
  if (entry != NULL)
    return g_strdup (entry->digest);
  if (manifest != NULL)
    coracle_throw (error, CORACLE_ERROR_INVALID, "no image found in manifest list for architecture \"%s\", variant \"%s\", OS \"%s\": image not known", platform->architecture,
                   platform->variant != NULL ? platform->variant : "", platform->os);
  return NULL;
}

static StateImage *
find_instance (State *state, const StateImage *list, const ImagePlatform *platform, GError **error)
{
  json_auto_t *kept = json_loads (list->config, 0, NULL);
  g_autofree char *digest = choose (json_object_get (kept, "index"), platform, error);
  if (digest == NULL)
    return NULL;
  const char *from = json_string_value (json_object_get (json_object_get (kept, "from"), digest));
  StateImage *image = from != NULL && g_str_has_prefix (from, STORAGE) ? state_image_find (state, from + strlen (STORAGE), NULL) : NULL;
  image = image != NULL ? image : find_digest (state, digest);
  if (image == NULL)
    coracle_throw (error, CORACLE_ERROR_INVALID, "could not find image instance %s of manifest list %s in local containers storage: image not known", digest, list->id);
  return image;
}

StateImage *
image_lookup_instance (State *state, const char *text, const char *platform, char **ret_name, GError **error)
{
  g_autofree char *name = NULL;
  g_auto (GStrv) storage = NULL;
  ImagePlatform wanted = image_platform_host ();
  g_autoptr (StateImage) image = image_lookup (state, text, NULL, &name, error);
  if (image == NULL || !image->list)
    return image != NULL ? image_lookup (state, text, platform, ret_name, error) : NULL;
  if (platform != NULL && *platform != '\0' && !image_platform_parse (platform, &storage, &wanted, error))
    return NULL;
  StateImage *instance = find_instance (state, image, &wanted, error);
  if (instance != NULL && ret_name != NULL)
    *ret_name = g_steal_pointer (&name);
  return instance;
}

char *
image_platform_warning (const StateImage *image, const char *platform)
{
  g_auto (GStrv) storage = NULL;
  const ImagePlatform is = { image->os, image->architecture, image->variant };
  ImagePlatform wanted = image_platform_host ();
  if (image->list || (platform != NULL && *platform != '\0' && !image_platform_parse (platform, &storage, &wanted, NULL)))
    return NULL;
  return image_platform_mismatch (&is, &wanted);
}
