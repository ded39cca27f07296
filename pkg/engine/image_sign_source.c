/* image sign, of image_sign.h: which manifests an image has, where it is. */
#include <string.h>

#include "pkg/archive/source.h"
#include "pkg/base/error.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/engine/image_sign.h"
#include "pkg/image/manifest.h"
#include "pkg/image/name.h"
#include "storage/content.h"

#define STORAGE_PREFIX "containers-storage:"
#define DOCKER_PREFIX "docker://"

/* read_stored: the manifest of an image of the store, and what the image is called. */
static gboolean
read_stored (Storage *storage, const char *text, ImageName **ret_name, RegistryDocument *ret_document, GError **error)
{
  g_autofree char *full = NULL;
  g_autoptr (StateImage) image = image_lookup (storage->state, text, NULL, &full, error);
  if (image == NULL || !content_read (storage, image->manifest_digest, IMAGE_MANIFEST_LIMIT, &ret_document->data, &ret_document->size, error))
    return FALSE;
  ret_document->digest = g_strdup (image->manifest_digest);
  *ret_name = image_name_parse (full, NULL);
  return (*ret_name != NULL && (*ret_name)->registry != NULL) || coracle_throw (error, CORACLE_ERROR_INVALID, "%s has no name to be signed with", text);
}

static gboolean
read_remote (const char *text, const RegistryAccess *access, ImageName **ret_name, RegistryDocument *ret_document, GError **error)
{
  g_autofree char *full = image_name_normalize (text, "docker.io", error);
  ImageName *name = *ret_name = full != NULL ? image_name_parse (full, error) : NULL;
  g_autoptr (RegistriesConf) conf = name != NULL ? registries_conf_read (error) : NULL;
  g_autoptr (RegistriesPlace) place = conf != NULL ? registries_destination (conf, name->registry, name->path, error) : NULL;
  g_autoptr (Registry) registry = place != NULL ? registry_place_open (conf, access, place, error) : NULL;
  const char *reference = name != NULL && name->digest != NULL ? name->digest : name != NULL ? name->tag : NULL;
  if (registry == NULL)
    return FALSE;
  return registry_manifest (registry, place->repository, reference, ret_document, error)
         || coracle_prefix (error, "getting image source: reading manifest %s in %s/%s", reference, name->registry, name->path);
}

static gboolean
sign_all (const SignTarget *target, const char *source, const RegistryDocument *document, const ImageSignRequest *request, GError **error)
{
  g_autoptr (ImageManifest) manifest = image_manifest_parse_any (document->data, document->size, document->media_type, error);
  if (manifest == NULL)
    return FALSE;
  if (!manifest->is_index)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s is not a multi-architecture image (manifest type %s)", source, manifest->media_type);
  for (guint i = 0; i < manifest->parts->len; i++)
    if (!image_sign (&(ImageSigners){ .gpg_key = request->key }, target, ((const ImageDescriptor *) manifest->parts->pdata[i])->digest, NULL, NULL, error))
      return FALSE;
  return TRUE;
}

gboolean
image_sign_source (Storage *storage, const char *source, const ImageSignRequest *request, GError **error)
{
  g_autoptr (ImageName) name = NULL;
  g_auto (RegistryDocument) document = { 0 };
  gboolean stored = g_str_has_prefix (source, STORAGE_PREFIX), remote = g_str_has_prefix (source, DOCKER_PREFIX);
  ArchiveFormat format;
  g_autofree char *transport = g_strndup (source, strcspn (source, ":"));
  if (!stored && !remote && source_format_parse (transport, &format))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot determine canonical Docker reference for destination %s", source);
  if (!stored && !remote)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "parsing image name: Invalid image name \"%s\": what is signed is docker://NAME or containers-storage:NAME", source);
  if (stored ? !read_stored (storage, source + strlen (STORAGE_PREFIX), &name, &document, error) : !read_remote (source + strlen (DOCKER_PREFIX), &request->access, &name, &document, error))
    return FALSE;
  const SignTarget target = { .name = name, .folder = request->folder };
  const ImageSigners signers = { .gpg_key = request->key };
  gboolean ok = request->all ? sign_all (&target, source, &document, request, error) : image_sign (&signers, &target, document.digest, NULL, NULL, error);
  return ok || coracle_prefix (error, "signing %s", source);
}
