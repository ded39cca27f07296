#include "pkg/engine/manifest_list.h"

#include <string.h>
#include <time.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"
#include "storage/content.h"

void
manifest_list_free (ManifestList *list)
{
  if (list == NULL)
    return;
  state_image_free (list->image);
  json_decref (list->index);
  json_decref (list->from);
  g_free (list);
}

/* ---- in the store */

/* new_id: 64 random hex digits: a list changes, so its id cannot be a digest. */
static char *
new_id (void)
{
  GString *id = g_string_new (NULL);
  while (id->len < IMAGE_DIGEST_HEX)
    g_string_append_printf (id, "%08x", g_random_int ());
  return g_string_free (id, FALSE);
}

ManifestList *
manifest_list_new (void)
{
  ManifestList *list = g_new0 (ManifestList, 1);
  list->index = json_pack ("{s:[]}", "manifests");
  list->from = json_object ();
  return list;
}

ManifestList *
manifest_list_find (Storage *storage, const char *name, GError **error)
{
  g_autofree char *full = NULL;
  g_autoptr (ManifestList) list = g_new0 (ManifestList, 1);
  list->image = image_lookup (storage->state, name, NULL, &full, error);
  if (list->image == NULL)
    return NULL;
  if (!list->image->list)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: image is not a manifest list", full), NULL;
  json_auto_t *kept = json_parse_bounded (list->image->config, strlen (list->image->config), 64 << 20, JSON_PARSE_DEFAULT, error);
  if (kept == NULL)
    return coracle_prefix (error, "manifest list %s", list->image->id), NULL;
  list->index = json_incref (json_object_get (kept, "index"));
  list->from = json_incref (json_object_get (kept, "from"));
  return g_steal_pointer (&list);
}

/* put_row: @config and the rest are filled in. */
static gboolean
put_row (Storage *storage, ManifestList *list, const char *name, GError **error)
{
  StateImage *image = list->image;
  if (image->id != NULL)
    return state_image_change (storage->state, image, error);
  char *names[] = { (char *) name, NULL }, *layers[] = { NULL };
  StateImage row = *image;
  image->id = row.id = new_id ();
  image->created = row.created = time (NULL);
  image->list = row.list = TRUE;
  row.names = names;
  row.layers = layers;
  return state_image_put (storage->state, &row, error);
}

gboolean
manifest_list_store (Storage *storage, ManifestList *list, const char *name, GError **error)
{
  cleanup_fd int lock = storage_lock_shared (storage, error);
  StorageWork work = STORAGE_WORK_INIT;
  const char *type;
  g_autofree char *text = manifest_list_text (list, NULL, &type), *digest = NULL;
  json_auto_t *kept = json_pack ("{s:O, s:O}", "index", list->index, "from", list->from);
  if (list->image == NULL)
    list->image = g_new0 (StateImage, 1);
  StateImage *image = list->image;
  gboolean ok = lock >= 0 && storage_work_begin (storage, &work, error) && content_put_data (storage, &work, text, strlen (text), &digest, error) && content_sync (storage, error);
  storage_work_end (storage, &work);
  if (!ok)
    return FALSE;
  g_free (image->manifest_digest);
  image->manifest_digest = g_steal_pointer (&digest);
  g_free (image->config);
  image->config = json_to_text (kept, 0, JSON_TEXT_DEFAULT);
  image->size = (gint64) (strlen (text) + json_object_size (list->from) * (2 * IMAGE_DIGEST_HEX));
  return put_row (storage, list, name, error) && content_index_update (storage, error);
}

/* ---- as a document */

/* copy: those of @keys that @object has, in this order, after what @to has. */
static void
copy (json_t *to, json_t *object, const char *const *keys)
{
  for (; *keys != NULL; keys++)
    {
      json_t *value = json_object_get (object, *keys);
      if (value != NULL)
        (void) json_object_set (to, *keys, value);
    }
}

static json_t *
platform_of (json_t *entry, gboolean docker)
{
  static const char *const keys[] = { "architecture", "os", "os.version", "os.features", "variant", NULL }, *const features[] = { "features", NULL };
  json_t *platform = json_object (), *given = json_object_get (entry, "platform");
  copy (platform, given, keys);
  if (docker)
    copy (platform, given, features);
  return platform;
}

/* needs_oci: is there anything that Docker's list has no place for? */
static gboolean
needs_oci (const ManifestList *list)
{
  json_t *entry;
  size_t i;
  if (json_object_get (list->index, "annotations") != NULL || json_object_get (list->index, "subject") != NULL || json_object_get (list->index, "artifactType") != NULL)
    return TRUE;
  json_array_foreach (json_object_get (list->index, "manifests"), i, entry)
    {
      const char *type = json_string_value (json_object_get (entry, "mediaType"));
      if (json_object_get (entry, "annotations") != NULL || json_object_get (entry, "artifactType") != NULL || (strcmp (type, MEDIA_DOCKER_MANIFEST) != 0 && strcmp (type, MEDIA_DOCKER_LIST) != 0))
        return TRUE;
    }
  return FALSE;
}

static gboolean
as_docker (const ManifestList *list, const char *form)
{
  return form != NULL ? strcmp (form, "v2s2") == 0 : !needs_oci (list);
}

/* document: @shown: for people: with what is no part of the document, in the order in which Podman shows it. */
static json_t *
document (const ManifestList *list, gboolean docker, gboolean shown)
{
  static const char *const oci_keys[] = { "mediaType", "digest", "size", "annotations", NULL }, *const docker_keys[] = { "mediaType", "size", "digest", NULL },
                           *const rest[] = { "annotations", "artifactType", "files", NULL }, *const oci_rest[] = { "artifactType", NULL }, *const top[] = { "subject", "annotations", NULL },
                           *const type[] = { "artifactType", NULL };
  json_t *root = json_pack ("{s:i, s:s}", "schemaVersion", 2, "mediaType", docker ? MEDIA_DOCKER_LIST : MEDIA_OCI_INDEX), *entries = json_array (), *entry;
  size_t i;
  copy (root, list->index, type);
  json_array_foreach (json_object_get (list->index, "manifests"), i, entry)
    {
      json_t *object = json_object ();
      copy (object, entry, docker || shown ? docker_keys : oci_keys);
      json_t *platform = platform_of (entry, docker || shown);
      if (shown || json_object_size (platform) > 0)
        {
          if (json_object_size (platform) == 0)
            (void) json_object_update_new (platform, json_pack ("{s:s, s:s}", "architecture", "", "os", ""));
          (void) json_object_set (object, "platform", platform);
        }
      json_decref (platform);
      if (!docker)
        copy (object, entry, shown ? rest : oci_rest);
      (void) json_array_append_new (entries, object);
    }
  (void) json_object_set_new (root, "manifests", entries);
  if (!docker)
    copy (root, list->index, top);
  return root;
}

char *
manifest_list_text (const ManifestList *list, const char *form, const char **ret_type)
{
  gboolean docker = as_docker (list, form);
  json_auto_t *root = document (list, docker, FALSE);
  *ret_type = docker ? MEDIA_DOCKER_LIST : MEDIA_OCI_INDEX;
  return json_to_text (root, 0, JSON_TEXT_DEFAULT);
}

char *
manifest_list_show (const ManifestList *list)
{
  json_auto_t *root = document (list, as_docker (list, NULL), TRUE);
  json_t *entry;
  size_t i;
  /* an artifact's files: what is noted about where it is */
  json_array_foreach (json_object_get (root, "manifests"), i, entry)
    {
      json_t *from = json_object_get (list->from, json_string_value (json_object_get (entry, "digest")));
      json_t *files = json_is_array (from) ? json_array () : NULL, *file;
      size_t n;
      json_array_foreach (from, n, file)
        if (json_is_string (file))
          (void) json_array_append (files, file);
      if (files != NULL)
        (void) json_object_set_new (entry, "files", files);
    }
  return json_to_text (root, 4, JSON_TEXT_DEFAULT);
}

/* ---- entries */

static size_t
find_entry (const ManifestList *list, const char *digest)
{
  json_t *entries = json_object_get (list->index, "manifests"), *entry;
  size_t i;
  json_array_foreach (entries, i, entry)
    if (g_strcmp0 (json_string_value (json_object_get (entry, "digest")), digest) == 0)
      return i;
  return json_array_size (entries);
}

json_t *
manifest_list_entry (const ManifestList *list, const char *digest)
{
  return json_array_get (json_object_get (list->index, "manifests"), find_entry (list, digest));
}

void
manifest_list_put (ManifestList *list, json_t *entry, json_t *from)
{
  json_t *entries = json_object_get (list->index, "manifests");
  g_autofree char *digest = g_strdup (json_string_value (json_object_get (entry, "digest")));
  size_t at = find_entry (list, digest);
  if (at < json_array_size (entries))
    (void) json_array_set_new (entries, at, entry);
  else
    (void) json_array_append_new (entries, entry);
  (void) json_object_set_new (list->from, digest, from);
}

gboolean
manifest_list_remove (ManifestList *list, const char *digest, GError **error)
{
  json_t *entries = json_object_get (list->index, "manifests");
  size_t at = find_entry (list, digest);
  if (!image_digest_is_sha256 (digest))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid image digest \"%s\": invalid checksum digest format", digest);
  if (at == json_array_size (entries))
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no instance matching digest \"%s\" found in manifest list: file does not exist", digest);
  (void) json_array_remove (entries, at);
  (void) json_object_del (list->from, digest);
  return TRUE;
}

/* ---- notes */

gboolean
manifest_notes_check (const ManifestNotes *notes, GError **error)
{
  for (const char *const *pair = notes->annotations; pair != NULL && *pair != NULL; pair++)
    if (strchr (*pair, '=') == NULL)
      return coracle_throw (error, CORACLE_ERROR_INVALID, "no value given for annotation \"%s\"", *pair);
  return TRUE;
}

/* annotate: in the order of their keys, as Go writes maps. */
static void
annotate (json_t *object, const char *const *annotations)
{
  json_auto_t *all = json_object ();
  json_t *before = json_object_get (object, "annotations");
  if (before != NULL)
    (void) json_object_update (all, before);
  for (const char *const *pair = annotations; pair != NULL && *pair != NULL; pair++)
    {
      g_autofree char *key = g_strndup (*pair, strcspn (*pair, "="));
      (void) json_object_set_new (all, key, json_string (strchr (*pair, '=') + 1));
    }
  if (json_object_size (all) == 0)
    return;
  g_autofree char *sorted = json_to_text (all, 0, JSON_TEXT_SORT);
  (void) json_object_set_new (object, "annotations", json_loads (sorted, 0, NULL));
}

void
manifest_list_annotate (ManifestList *list, const char *const *annotations)
{
  annotate (list->index, annotations);
}

static void
set_text (json_t *object, const char *key, const char *value)
{
  if (value != NULL && *value != '\0')
    (void) json_object_set_new (object, key, json_string (value));
  else if (value != NULL)
    (void) json_object_del (object, key);
}

void
manifest_entry_note (json_t *entry, const ManifestNotes *notes)
{
  json_t *platform = json_object_get (entry, "platform");
  if (platform == NULL)
    {
      platform = json_object ();
      (void) json_object_set_new (entry, "platform", platform);
    }
  /* a variant is one of its architecture */
  if (notes->arch != NULL && notes->variant == NULL)
    (void) json_object_del (platform, "variant");
  set_text (platform, "architecture", notes->arch);
  set_text (platform, "os", notes->os);
  set_text (platform, "variant", notes->variant);
  set_text (platform, "os.version", notes->os_version);
  if (notes->features != NULL && notes->features[0] != NULL)
    (void) json_object_set_new (platform, "features", json_strv (notes->features));
  if (notes->os_features != NULL && notes->os_features[0] != NULL)
    (void) json_object_set_new (platform, "os.features", json_strv (notes->os_features));
  if (json_object_size (platform) == 0)
    (void) json_object_del (entry, "platform");
  annotate (entry, notes->annotations);
}
