/* artifact_push and artifact_pull of artifact.h. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/artifact.h"
#include "pkg/engine/image_policy.h"
#include "pkg/engine/image_signatures.h"
#include "pkg/image/manifest.h"
#include "pkg/image/name.h"

typedef struct {
  ImageName *name;
  RegistriesConf *conf;
  RegistriesPlace *place;
  Registry *registry;
  json_t *requirements;   /* borrowed; NULL: no signature is asked for */
  gboolean simple, sigstore;
} There;

static void
there_clear (There *there)
{
  registry_free (there->registry);
  registries_place_free (there->place);
  registries_conf_free (there->conf);
  image_name_free (there->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (There, there_clear)

static void
say (const ArtifactTransfer *transfer, const char *format, const char *what)
{
  g_autofree char *line = g_strconcat (format, what, NULL);
  if (transfer->say != NULL)
    transfer->say (line, transfer->data);
}

static gboolean
parse (There *there, const char *name, GError **error)
{
  g_autofree char *full = image_name_normalize (name, "docker.io", error);
  there->name = full != NULL ? image_name_parse (full, error) : NULL;
  return there->name != NULL || coracle_prefix (error, "%s", name);
}

static const char *
reference_of (const There *there)
{
  return there->name->digest != NULL ? there->name->digest : there->name->tag;
}

/* ---- push */

/* put_blob: what is there is not sent. */
static gboolean
put_blob (Storage *storage, const There *there, json_t *descriptor, GError **error)
{
  const char *digest = json_string_value (json_object_get (descriptor, "digest"));
  gboolean has = FALSE;
  HttpBody body = { 0 };
  cleanup_fd int fd = artifact_open (storage, digest, &body.size, error);
  if (fd < 0 || !registry_has_blob (there->registry, there->place->repository, digest, &has, error))
    return FALSE;
  body.fd = fd;
  return has || registry_put_blob (there->registry, there->place->repository, digest, &body, error);
}

static gboolean
put_all (Storage *storage, const Artifact *artifact, const There *there, const ArtifactTransfer *transfer, GError **error)
{
  size_t i;
  json_t *layer, *config = json_object_get (artifact->manifest, "config");
  g_autofree char *text = NULL;
  gsize size;
  say (transfer, "Getting image source signatures", "");
  json_array_foreach (json_object_get (artifact->manifest, "layers"), i, layer)
    {
      say (transfer, "Copying blob ", json_string_value (json_object_get (layer, "digest")));
      if (!put_blob (storage, there, layer, error))
        return FALSE;
    }
  say (transfer, "Copying config ", json_string_value (json_object_get (config, "digest")));
  cleanup_fd int manifest = put_blob (storage, there, config, error) ? artifact_open (storage, artifact->digest, NULL, error) : -1;
  say (transfer, "Writing manifest to image destination", "");
  const char *type = json_string_value (json_object_get (artifact->manifest, "mediaType"));
  return manifest >= 0 && fd_read_file (manifest, IMAGE_MANIFEST_LIMIT, &text, &size, error)
         && registry_put_manifest (there->registry, there->place->repository, reference_of (there), type != NULL ? type : MEDIA_OCI_MANIFEST, text, size, error);
}

gboolean
artifact_push (Storage *storage, const char *name, const ArtifactTransfer *transfer, char **ret_digest, GError **error)
{
  g_auto (There) there = { NULL };
  g_autoptr (Artifact) artifact = artifact_find (storage, name, error);
  const char *to = artifact != NULL && *artifact->name != '\0' ? artifact->name : name;
  if (artifact == NULL || !parse (&there, to, error))
    return FALSE;
  SignTarget target = { .name = there.name };
  gboolean signing = transfer->signers != NULL && image_signers_any (transfer->signers);
  if (signing && !image_sign_ready (transfer->signers, &target, to, error))
    return FALSE;
  there.conf = registries_conf_read (error);
  there.place = there.conf != NULL ? registries_destination (there.conf, there.name->registry, there.name->path, error) : NULL;
  there.registry = there.place != NULL ? registry_place_open (there.conf, &transfer->access, there.place, error) : NULL;
  if (there.registry == NULL || !put_all (storage, artifact, &there, transfer, error))
    return coracle_prefix (error, "pushing %s", to);
  target.registry = there.registry;
  target.repository = there.place->repository;
  if (signing && !image_sign (transfer->signers, &target, artifact->digest, transfer->say, transfer->data, error))
    return coracle_prefix (error, "pushing %s", to);
  *ret_digest = g_strdup (artifact->digest);
  return TRUE;
}

/* ---- pull */

/* get_manifest: of an index the entry for this machine. */
static json_t *
get_manifest (const There *there, RegistryDocument *document, GError **error)
{
  if (!registry_manifest (there->registry, there->place->repository, reference_of (there), document, error))
    return NULL;
  gboolean index = g_strcmp0 (document->media_type, MEDIA_OCI_INDEX) == 0 || g_strcmp0 (document->media_type, MEDIA_DOCKER_LIST) == 0;
  if (index)
    {
      ImagePlatform host = image_platform_host ();
      g_autoptr (ImageManifest) all = image_manifest_parse (document->data, document->size, document->media_type, error);
      const ImageDescriptor *chosen = all != NULL && all->is_index ? image_index_choose (all, &host, error) : NULL;
      g_autofree char *digest = chosen != NULL ? g_strdup (chosen->digest) : NULL;
      if (digest == NULL)
        return NULL;
      registry_document_clear (document);
      if (!registry_manifest (there->registry, there->place->repository, digest, document, error))
        return NULL;
    }
  return artifact_manifest_parse (document->data, document->size, error);
}

static gboolean
get_blob (ArtifactWriter *writer, const There *there, json_t *descriptor, GError **error)
{
  const char *digest = json_string_value (json_object_get (descriptor, "digest"));
  gint64 wanted = json_integer_value (json_object_get (descriptor, "size")), size;
  g_autofree char *got = NULL;
  if (!artifact_writer_add (writer, registry_blob (there->registry, there->place->repository, digest, wanted), wanted, &got, &size, error))
    return FALSE;
  if (size != wanted || strcmp (got, digest) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "blob %s came as %s, with %" G_GINT64_FORMAT " bytes instead of %" G_GINT64_FORMAT, digest, got, size, wanted);
  return TRUE;
}

static gboolean
check_signatures (const There *there, const char *digest, GError **error)
{
  if (there->requirements == NULL)
    return TRUE;
  const ImageName *name = there->name;
  const PolicyImage image = { .transport = "docker", .registry = name->registry, .path = name->path, .tag = name->tag, .digest = name->digest };
  g_autofree char *reference = name->digest != NULL ? g_strconcat ("@", name->digest, NULL) : g_strconcat (":", name->tag, NULL);
  g_autoptr (GPtrArray) signatures = image_signatures_get (there->registry, there->place->repository, name->registry, name->path, reference, digest, there->simple, there->sigstore, error);
  return signatures != NULL && image_policy_verify (there->requirements, &image, digest, signatures, error);
}

static gboolean
get_all (Storage *storage, const char *name, const There *there, const ArtifactTransfer *transfer, char **ret_digest, GError **error)
{
  g_auto (RegistryDocument) document = { 0 };
  say (transfer, "Getting image source signatures", "");
  json_auto_t *manifest = get_manifest (there, &document, error);
  if (manifest == NULL)
    return coracle_prefix (error, "initializing source docker://%s: reading manifest %s in %s/%s", name, reference_of (there), there->place->registry, there->place->repository);
  g_autoptr (ArtifactWriter) writer = check_signatures (there, document.digest, error) ? artifact_writer_new (storage, error) : NULL;
  size_t i;
  json_t *layer, *config = json_object_get (manifest, "config");
  if (writer == NULL)
    return FALSE;
  json_array_foreach (json_object_get (manifest, "layers"), i, layer)
    {
      say (transfer, "Copying blob ", json_string_value (json_object_get (layer, "digest")));
      if (!get_blob (writer, there, layer, error))
        return FALSE;
    }
  say (transfer, "Copying config ", json_string_value (json_object_get (config, "digest")));
  if (!get_blob (writer, there, config, error))
    return FALSE;
  say (transfer, "Writing manifest to image destination", "");
  return artifact_writer_commit (writer, name, NULL, document.data, document.size, ret_digest, error);
}

gboolean
artifact_pull (Storage *storage, const char *name, const ArtifactTransfer *transfer, char **ret_digest, GError **error)
{
  g_auto (There) there = { NULL };
  if (!parse (&there, name, error))
    return FALSE;
  there.conf = registries_conf_read (error);
  g_autoptr (GPtrArray) places = there.conf != NULL ? registries_places (there.conf, there.name->registry, there.name->path, there.name->digest != NULL, error) : NULL;
  const PolicyImage image = { .transport = "docker", .registry = there.name->registry, .path = there.name->path, .tag = there.name->tag, .digest = there.name->digest };
  gboolean simple, sigstore;
  json_auto_t *requirements = places != NULL ? image_policy_find (&image, &simple, &sigstore, error) : NULL;
  if (requirements == NULL)
    return coracle_prefix (error, "initializing source docker://%s", name);
  there.requirements = simple || sigstore ? requirements : NULL;
  there.simple = simple;
  there.sigstore = sigstore;
  g_autoptr (GError) problem = NULL;
  for (guint i = 0; i < places->len; i++)
    {
      g_clear_error (&problem);
      g_clear_pointer (&there.registry, registry_free);
      g_clear_pointer (&there.place, registries_place_free);
      const RegistriesPlace *place = places->pdata[i];
      there.place = g_new0 (RegistriesPlace, 1);
      *there.place = (RegistriesPlace){ g_strdup (place->registry), g_strdup (place->repository), place->insecure, place->mirror };
      there.registry = registry_place_open (there.conf, &transfer->access, place, &problem);
      if (there.registry == NULL)
        coracle_prefix (&problem, "initializing source docker://%s", name);
      else if (get_all (storage, name, &there, transfer, ret_digest, &problem))
        return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}
