/* What is added to lists: manifest_list.h. */
#include <fcntl.h>
#include <string.h>

#include "pkg/archive/digest.h"
#include "pkg/archive/source.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/engine/image_pull.h"
#include "pkg/engine/manifest_list.h"
#include "pkg/image/digest.h"
#include "pkg/image/name.h"
#include "pkg/json/json.h"
#include "storage/content.h"

#define STORAGE "containers-storage:"

/* A document that was found, and where. */
typedef struct {
  char *text, *type, *digest;
  size_t size;
  char *from;                       /* without digest for a registry: "docker://NAME" */
  char *os, *architecture, *variant;   /* of an image; NULL where it says nothing, or for a list */
} Found;

static void
found_clear (Found *found)
{
  g_free (found->text);
  g_free (found->type);
  g_free (found->digest);
  g_free (found->from);
  g_free (found->os);
  g_free (found->architecture);
  g_free (found->variant);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Found, found_clear)

/* ---- in the store */

static gboolean
find_local (Storage *storage, const char *name, Found *ret, GError **error)
{
  g_autoptr (StateImage) image = image_lookup (storage->state, name, NULL, NULL, error);
  if (image == NULL || !content_read (storage, image->manifest_digest, IMAGE_MANIFEST_LIMIT, &ret->text, &ret->size, error))
    return FALSE;
  g_autoptr (ImageManifest) manifest = image_manifest_parse (ret->text, ret->size, NULL, error);
  if (manifest == NULL)
    return FALSE;
  ret->type = g_strdup (manifest->media_type);
  ret->digest = g_strdup (image->manifest_digest);
  ret->from = g_strconcat (STORAGE, image->id, NULL);
  if (!image->list)
    {
      ret->os = g_strdup (image->os);
      ret->architecture = g_strdup (image->architecture);
      ret->variant = g_strdup (image->variant);
    }
  return TRUE;
}

/* ---- in a registry */

typedef struct {
  RegistriesConf *conf;
  RegistriesPlace *place;
  Registry *registry;
  ImageName *name;
} Remote;

static void
remote_clear (Remote *remote)
{
  registry_free (remote->registry);
  registries_place_free (remote->place);
  registries_conf_free (remote->conf);
  image_name_free (remote->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Remote, remote_clear)

/* open_remote: the registry itself, no mirror: what is read is to be named by its digest there. */
static gboolean
open_remote (const char *name, const RegistryAccess *access, Remote *ret, GError **error)
{
  g_autofree char *full = image_name_normalize (name, "docker.io", error);
  ret->name = full != NULL ? image_name_parse (full, error) : NULL;
  ret->conf = ret->name != NULL ? registries_conf_read (error) : NULL;
  ret->place = ret->conf != NULL ? registries_destination (ret->conf, ret->name->registry, ret->name->path, error) : NULL;
  ret->registry = ret->place != NULL ? registry_place_open (ret->conf, access, ret->place, error) : NULL;
  return ret->registry != NULL;
}

static const char *
reference_of (const Remote *remote)
{
  return remote->name->digest != NULL ? remote->name->digest : remote->name->tag;
}

/* read_platform: of an image's config. */
static gboolean
read_platform (Remote *remote, const ImageManifest *manifest, Found *found, GError **error)
{
  g_autofree char *text = NULL;
  size_t size;
  if (manifest->is_index || manifest->config == NULL)
    return TRUE;
  g_autoptr (ByteStream) stream = registry_blob (remote->registry, remote->place->repository, manifest->config->digest, manifest->config->size);
  if (!byte_stream_read_all (stream, IMAGE_CONFIG_LIMIT, &text, &size, error))
    return FALSE;
  g_autoptr (ImageConfig) config = image_config_parse (text, size, error);
  if (config == NULL)
    return FALSE;
  found->os = g_strdup (config->os);
  found->architecture = g_strdup (config->architecture);
  found->variant = g_strdup (config->variant);
  return TRUE;
}

static gboolean
find_remote (const char *name, const RegistryAccess *access, Found *ret, GError **error)
{
  g_auto (Remote) remote = { 0 };
  g_auto (RegistryDocument) document = { 0 };
  if (!open_remote (name, access, &remote, error))
    return FALSE;
  if (!registry_manifest (remote.registry, remote.place->repository, reference_of (&remote), &document, error))
    return coracle_prefix (error, "reading manifest %s in %s/%s", reference_of (&remote), remote.name->registry, remote.name->path);
  g_autoptr (ImageManifest) manifest = image_manifest_parse (document.data, document.size, document.media_type, error);
  if (manifest == NULL || !read_platform (&remote, manifest, ret, error))
    return FALSE;
  ret->text = g_steal_pointer (&document.data);
  ret->size = document.size;
  ret->type = g_strdup (manifest->media_type);
  ret->digest = g_steal_pointer (&document.digest);
  ret->from = g_strdup_printf ("docker://%s/%s", remote.name->registry, remote.name->path);
  return TRUE;
}

char *
manifest_remote (const char *name, const RegistryAccess *access, GError **error)
{
  g_auto (Remote) remote = { 0 };
  g_auto (RegistryDocument) document = { 0 };
  const char *bare = g_str_has_prefix (name, "docker://") ? name + strlen ("docker://") : name;
  gboolean ok = open_remote (bare, access, &remote, error);
  if (ok && !registry_manifest (remote.registry, remote.place->repository, reference_of (&remote), &document, error))
    ok = coracle_prefix (error, "reading manifest %s in %s/%s", reference_of (&remote), remote.name->registry, remote.name->path);
  return ok ? g_steal_pointer (&document.data) : (coracle_prefix (error, "reading image \"docker://%s\"", bare), NULL);
}

/* ---- in an archive */

/* split_archive: "TRANSPORT:PATH[:NAME]". FALSE without @error: none of these. */
static gboolean
split_archive (const char *text, ArchiveFormat *ret_format, char **ret_path, const char **ret_rest)
{
  g_autofree char *transport = g_strndup (text, strcspn (text, ":"));
  if (strchr (text, ':') == NULL || !source_format_parse (transport, ret_format))
    return FALSE;
  const char *path = strchr (text, ':') + 1, *colon = *ret_format == ARCHIVE_DIR ? NULL : strchr (path, ':');
  g_autofree char *given = colon != NULL ? g_strndup (path, (size_t) (colon - path)) : g_strdup (path);
  *ret_path = g_canonicalize_filename (given, NULL);
  *ret_rest = colon != NULL ? colon + 1 : NULL;
  return TRUE;
}

char *
manifest_of_docker_archive (const ArchiveImage *image)
{
  g_autoptr (GPtrArray) layers = g_ptr_array_new_with_free_func (g_free);
  ImageDescriptor config = { .digest = image->config_digest, .size = (gint64) image->config_size };
  for (guint i = 0; i < image->layers->len; i++)
    {
      const ArchiveLayer *layer = image->layers->pdata[i];
      ImageDescriptor part = { .media_type = (char *) MEDIA_DOCKER_LAYER, .digest = layer->diff_id, .size = layer->size };
      g_ptr_array_add (layers, g_memdup2 (&part, sizeof part));
    }
  return image_manifest_text_docker (&config, layers);
}

static gboolean
find_archive (Storage *storage, const char *text, ArchiveFormat format, const char *path, const char *rest, Found *ret, GError **error)
{
  guint index;
  cleanup_fd int spool = openat (storage->root_fd, "tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
  g_autoptr (ArchiveSource) source = source_open (format, path, spool, error);
  g_autoptr (ArchiveImage) image = source != NULL && source_find (source, rest, &index, error) ? source_image (source, index, NULL, error) : NULL;
  if (image == NULL)
    return FALSE;
  g_autofree char *transport = g_strndup (text, strcspn (text, ":"));
  ret->text = image->manifest != NULL ? g_strdup (image->manifest) : manifest_of_docker_archive (image);
  ret->size = strlen (ret->text);
  ret->type = g_strdup (image->manifest != NULL ? image->manifest_type : MEDIA_DOCKER_MANIFEST);
  ret->digest = digest_of (ret->text, ret->size);
  ret->from = g_strconcat (transport, ":", path, rest != NULL ? ":" : NULL, rest, NULL);
  ret->os = g_strdup (image->config->os);
  ret->architecture = g_strdup (image->config->architecture);
  ret->variant = g_strdup (image->config->variant);
  return TRUE;
}

/* ---- any of them */

static gboolean
find_named (Storage *storage, const char *name, const RegistryAccess *access, Found *ret, GError **error)
{
  g_autoptr (GError) local = NULL;
  if (find_local (storage, name, ret, &local))
    return TRUE;
  if (!g_error_matches (local, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND) || image_digest_is_sha256 (name))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_autoptr (GError) remote = NULL;
  if (find_remote (name, access, ret, &remote))
    return TRUE;
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "\"docker://%s\": %s; \"%s\": %s", name, remote->message, name, local->message);
}

static gboolean
find (Storage *storage, const char *text, const RegistryAccess *access, Found *ret, GError **error)
{
  ArchiveFormat format;
  g_autofree char *path = NULL;
  const char *rest = NULL;
  if (split_archive (text, &format, &path, &rest))
    return find_archive (storage, text, format, path, rest, ret, error);
  if (g_str_has_prefix (text, STORAGE))
    return find_local (storage, text + strlen (STORAGE), ret, error);
  if (g_str_has_prefix (text, "docker://"))
    return find_remote (text + strlen ("docker://"), access, ret, error);
  return find_named (storage, text, access, ret, error);
}

/* ---- entries */

static json_t *
entry_of (const Found *found)
{
  json_t *entry = json_pack ("{s:s, s:I, s:s}", "mediaType", found->type, "size", (json_int_t) found->size, "digest", found->digest);
  if (found->os != NULL || found->architecture != NULL)
    {
      json_t *platform = json_pack ("{s:s, s:s}", "architecture", found->architecture != NULL ? found->architecture : "", "os", found->os != NULL ? found->os : "");
      if (found->variant != NULL)
        (void) json_object_set_new (platform, "variant", json_string (found->variant));
      (void) json_object_set_new (entry, "platform", platform);
    }
  return entry;
}

/* instance_place: where the instance @digest of the list @found is. */
static json_t *
instance_place (const Found *found, json_t *kept, const char *digest)
{
  json_t *own = json_object_get (kept, digest);
  if (own != NULL)
    return json_incref (own);
  g_autofree char *at = g_str_has_prefix (found->from, "docker://") ? g_strconcat (found->from, "@", digest, NULL) : g_strdup (found->from);
  return json_string (at);
}

static void
add_image (ManifestList *list, const Found *found, const ManifestAdd *add)
{
  json_t *entry = entry_of (found);
  manifest_entry_note (entry, &add->notes);
  g_autofree char *at = g_str_has_prefix (found->from, "docker://") ? g_strconcat (found->from, "@", found->digest, NULL) : g_strdup (found->from);
  manifest_list_put (list, entry, json_string (at));
}

/* add_index: the one for the platform that is asked for, or all. */
static gboolean
add_index (Storage *storage, ManifestList *list, const Found *found, const ImageManifest *index, const ManifestAdd *add, GError **error)
{
  ImagePlatform platform = image_platform_host ();
  platform.os = add->notes.os != NULL ? add->notes.os : platform.os;
  if (add->notes.arch != NULL)
    platform = (ImagePlatform){ platform.os, add->notes.arch, NULL };
  platform.variant = add->notes.variant != NULL ? add->notes.variant : platform.variant;
  const ImageDescriptor *chosen = add->all ? NULL : image_index_choose (index, &platform, error);
  if (!add->all && chosen == NULL)
    return FALSE;
  g_autoptr (ManifestList) local = g_str_has_prefix (found->from, STORAGE) ? manifest_list_find (storage, found->from + strlen (STORAGE), NULL) : NULL;
  json_auto_t *root = json_parse_bounded (found->text, found->size, IMAGE_MANIFEST_LIMIT, JSON_PARSE_DEFAULT, error);
  json_t *entry;
  size_t i;
  json_array_foreach (json_object_get (root, "manifests"), i, entry)
    {
      const char *digest = json_string_value (json_object_get (entry, "digest"));
      if (chosen != NULL && strcmp (digest, chosen->digest) != 0)
        continue;
      json_t *copy = json_deep_copy (entry);
      ManifestNotes notes = add->notes;
      notes.os = notes.arch = notes.variant = NULL;
      manifest_entry_note (copy, chosen != NULL ? &notes : &(ManifestNotes){ .annotations = NULL });
      manifest_list_put (list, copy, instance_place (found, local != NULL ? local->from : NULL, digest));
    }
  return root != NULL;
}

gboolean
manifest_list_add (Storage *storage, ManifestList *list, const char *name, const ManifestAdd *add, GError **error)
{
  g_auto (Found) found = { 0 };
  if (!find (storage, name, &add->access, &found, error))
    return coracle_prefix (error, "locating image to add to manifest list");
  g_autoptr (ImageManifest) manifest = image_manifest_parse (found.text, found.size, NULL, error);
  if (manifest == NULL)
    return FALSE;
  if (manifest->is_index)
    return add_index (storage, list, &found, manifest, add, error);
  add_image (list, &found, add);
  return TRUE;
}

json_t *
manifest_subject (Storage *storage, const char *name, const RegistryAccess *access, GError **error)
{
  g_auto (Found) found = { 0 };
  if (!find (storage, name, access, &found, error))
    return coracle_prefix (error, "looking up subject"), NULL;
  return json_pack ("{s:s, s:s, s:I}", "mediaType", found.type, "digest", found.digest, "size", (json_int_t) found.size);
}

/* artifact_digest: of the entry that was made of the file @text. */
static char *
artifact_digest (const ManifestList *list, const char *text)
{
  g_autofree char *path = g_canonicalize_filename (text, NULL);
  const char *digest;
  json_t *from, *file;
  size_t i;
  json_object_foreach (list->from, digest, from)
    json_array_foreach (from, i, file)
      if (json_is_string (file) && strcmp (json_string_value (file), path) == 0)
        return g_strdup (digest);
  return NULL;
}

char *
manifest_list_digest (Storage *storage, const ManifestList *list, const char *text, const RegistryAccess *access, GError **error)
{
  g_auto (Found) found = { 0 };
  char *digest = image_digest_is_sha256 (text) ? g_strdup (text) : artifact_digest (list, text);
  if (digest == NULL && !find (storage, text, access, &found, error))
    return coracle_prefix (error, "finding instance for \"%s\"", text), NULL;
  g_autofree char *wanted = digest != NULL ? digest : g_strdup (found.digest);
  if (manifest_list_entry (list, wanted) == NULL)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no instance matching digest \"%s\" found in manifest list: file does not exist", wanted), NULL;
  return g_steal_pointer (&wanted);
}
