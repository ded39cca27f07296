#include "storage/artifact.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"
#include "storage/artifact_private.h"

#define INDEX_LIMIT ((gsize) 64 << 20)

void
artifact_free (Artifact *artifact)
{
  if (artifact == NULL)
    return;
  g_free (artifact->name);
  g_free (artifact->digest);
  json_decref (artifact->manifest);
  g_free (artifact);
}

/* ---- manifests */

static gboolean
check_descriptor (json_t *descriptor, const char *what, GError **error)
{
  const char *type = NULL, *digest = NULL;
  gint64 size = -1;
  json_t *annotations = NULL;
  if (!json_get_string (descriptor, "mediaType", &type, error) || !json_get_string (descriptor, "digest", &digest, error) || !json_get_int (descriptor, "size", 0, G_MAXINT64, &size, error)
      || !json_get_object (descriptor, "annotations", &annotations, error))
    return coracle_prefix (error, "%s", what);
  if (type == NULL || digest == NULL || size < 0 || !image_digest_is_sha256 (digest))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: no descriptor with media type, size and SHA-256 digest", what);
  const char *key;
  json_t *value;
  json_object_foreach (annotations, key, value)
    if (!json_is_string (value))
      return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: an annotation that is no text", what);
  return TRUE;
}

json_t *
artifact_manifest_parse (const char *data, gsize size, GError **error)
{
  json_auto_t *manifest = json_parse_bounded (data, size, IMAGE_MANIFEST_LIMIT, JSON_PARSE_UNIQUE_KEYS, error);
  json_t *config = NULL, *layers = NULL, *annotations = NULL, *layer;
  const char *type = NULL, *artifact_type = NULL;
  gint64 version = 0;
  size_t i;
  if (manifest == NULL || !json_get_object (manifest, "config", &config, error) || !json_get_array (manifest, "layers", &layers, error)
      || !json_get_string (manifest, "mediaType", &type, error) || !json_get_string (manifest, "artifactType", &artifact_type, error)
      || !json_get_object (manifest, "annotations", &annotations, error) || !json_get_int (manifest, "schemaVersion", 0, 9, &version, error))
    return NULL;
  if (config == NULL || layers == NULL || version != 2)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "no manifest of an artifact: it has no config or no layers"), NULL;
  if (json_array_size (layers) > IMAGE_LAYERS_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "more than %d layers", IMAGE_LAYERS_LIMIT), NULL;
  if (!check_descriptor (config, "config", error))
    return NULL;
  json_array_foreach (layers, i, layer)
    if (!check_descriptor (layer, "layer", error))
      return NULL;
  return g_steal_pointer (&manifest);
}

const char *
artifact_layer_title (json_t *layer)
{
  return json_string_value (json_object_get (json_object_get (layer, "annotations"), ARTIFACT_TITLE));
}

gint64
artifact_size (const Artifact *artifact)
{
  gint64 size = 0;
  size_t i;
  json_t *layer;
  json_array_foreach (json_object_get (artifact->manifest, "layers"), i, layer)
    {
      gint64 one = json_integer_value (json_object_get (layer, "size"));
      size = one > G_MAXINT64 - size ? G_MAXINT64 : size + one;
    }
  return size;
}

/* ---- looking */

static char *
blob_path (const char *digest)
{
  return g_strconcat (ARTIFACT_BLOBS "/", image_digest_hex (digest), NULL);
}

int
artifact_open (Storage *storage, const char *digest, gint64 *ret_size, GError **error)
{
  g_autofree char *path = blob_path (digest);
  cleanup_fd int fd = openat (storage->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "opening blob %s", digest), -1;
    }
  if (ret_size != NULL)
    *ret_size = st.st_size;
  return fd_steal (&fd);
}

json_t *
artifact_index_read (Storage *storage, GError **error)
{
  cleanup_fd int fd = openat (storage->root_fd, "artifacts/index.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  g_autofree char *text = NULL;
  gsize size;
  if (fd < 0)
    return json_array ();
  json_auto_t *index = fd_read_file (fd, INDEX_LIMIT, &text, &size, error) ? json_parse_bounded (text, size, INDEX_LIMIT, JSON_PARSE_DEFAULT, error) : NULL;
  json_t *entries = NULL;
  if (index == NULL || !json_get_array (index, "manifests", &entries, error))
    return coracle_prefix (error, "%s/artifacts/index.json", storage->paths->root), NULL;
  return entries != NULL ? json_incref (entries) : json_array ();
}

const char *
artifact_entry_digest (json_t *entry)
{
  const char *digest = json_string_value (json_object_get (entry, "digest"));
  return digest != NULL && image_digest_is_sha256 (digest) ? digest : NULL;
}

const char *
artifact_entry_name (json_t *entry)
{
  const char *name = json_string_value (json_object_get (json_object_get (entry, "annotations"), ANNOTATION_REF_NAME));
  return name != NULL ? name : "";
}

Artifact *
artifact_read (Storage *storage, json_t *entry, GError **error)
{
  const char *digest = artifact_entry_digest (entry);
  g_autofree char *text = NULL;
  gsize size;
  cleanup_fd int fd = digest != NULL ? artifact_open (storage, digest, NULL, error) : -1;
  if (digest == NULL)
    coracle_throw (error, CORACLE_ERROR_CORRUPT, "an entry of artifacts/index.json has no digest");
  if (fd < 0 || !fd_read_file (fd, IMAGE_MANIFEST_LIMIT, &text, &size, error))
    return NULL;
  json_t *manifest = artifact_manifest_parse (text, size, error);
  if (manifest == NULL)
    return coracle_prefix (error, "artifact %s", digest), NULL;
  Artifact *artifact = g_new (Artifact, 1);
  *artifact = (Artifact){ g_strdup (artifact_entry_name (entry)), g_strdup (digest), manifest };
  return artifact;
}

gboolean
artifact_list (Storage *storage, GPtrArray **ret_artifacts, GError **error)
{
  json_auto_t *entries = artifact_index_read (storage, error);
  g_autoptr (GPtrArray) artifacts = g_ptr_array_new_with_free_func ((GDestroyNotify) artifact_free);
  size_t i;
  json_t *entry;
  if (entries == NULL)
    return FALSE;
  json_array_foreach (entries, i, entry)
    {
      Artifact *artifact = artifact_read (storage, entry, error);
      if (artifact == NULL)
        return FALSE;
      g_ptr_array_add (artifacts, artifact);
    }
  *ret_artifacts = g_steal_pointer (&artifacts);
  return TRUE;
}

static gboolean
digest_begins (const char *digest, const char *text)
{
  if (g_str_has_prefix (text, "sha256:"))
    text += strlen ("sha256:");
  return *text != '\0' && strspn (text, "0123456789abcdef") == strlen (text) && g_str_has_prefix (image_digest_hex (digest), text);
}

Artifact *
artifact_find (Storage *storage, const char *text, GError **error)
{
  json_auto_t *entries = artifact_index_read (storage, error);
  json_t *entry, *found = NULL;
  size_t i;
  if (entries == NULL)
    return NULL;
  json_array_foreach (entries, i, entry)
    if (artifact_entry_digest (entry) != NULL && *text != '\0' && strcmp (artifact_entry_name (entry), text) == 0)
      return artifact_read (storage, entry, error);
  json_array_foreach (entries, i, entry)
    {
      const char *digest = artifact_entry_digest (entry);
      if (digest == NULL || !digest_begins (digest, text))
        continue;
      if (found != NULL && strcmp (artifact_entry_digest (found), digest) != 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: more than one artifact has a digest that begins so", text), NULL;
      found = entry;
    }
  if (found == NULL)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: artifact does not exist", text), NULL;
  return artifact_read (storage, found, error);
}

/* ---- its blobs, as files */

GPtrArray *
artifact_choose (const Artifact *artifact, const char *title, const char *digest, GError **error)
{
  g_autoptr (GPtrArray) layers = g_ptr_array_new ();
  size_t i;
  json_t *layer;
  if (title != NULL && digest != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot specify both digest and title"), NULL;
  json_array_foreach (json_object_get (artifact->manifest, "layers"), i, layer)
    if ((title == NULL || g_strcmp0 (artifact_layer_title (layer), title) == 0) && (digest == NULL || g_strcmp0 (artifact_entry_digest (layer), digest) == 0))
      g_ptr_array_add (layers, layer);
  if (layers->len == 0 && title != NULL)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no blob with the title \"%s\"", title), NULL;
  if (layers->len == 0 && digest != NULL)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no blob with the digest \"%s\"", digest), NULL;
  if (layers->len == 0)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "the artifact has no blobs, nothing to extract"), NULL;
  if (layers->len > 1 && title != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "several blobs have the title \"%s\": choose one by its digest", title), NULL;
  if (digest != NULL)
    g_ptr_array_set_size (layers, 1);
  return g_steal_pointer (&layers);
}

char *
artifact_file_name (json_t *layer, gboolean by_digest, GError **error)
{
  const char *title = by_digest ? NULL : artifact_layer_title (layer);
  if (title == NULL || *title == '\0')
    return g_strdelimit (g_strdup (artifact_entry_digest (layer)), ":", '-');
  if (strchr (title, '/') == NULL && strcmp (title, ".") != 0 && strcmp (title, "..") != 0)
    return g_strdup (title);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid name: \"%s\" cannot be a file in a folder", title), NULL;
}

char *
artifact_blob_path (Storage *storage, json_t *layer)
{
  g_autofree char *path = blob_path (artifact_entry_digest (layer));
  return g_build_filename (storage->paths->root, path, NULL);
}
