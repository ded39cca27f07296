/* image_inspect and image_history of image.h. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/json/json.h"
#include "storage/content.h"

#define MANIFEST_LIMIT ((size_t) 4 << 20)

static json_t *
parse_config (const StateImage *image, GError **error)
{
  json_t *config = json_parse_bounded (image->config, strlen (image->config), 64 << 20, JSON_PARSE_DEFAULT, error);
  if (config == NULL)
    coracle_prefix (error, "image %.12s: its config", image->id);
  return config;
}

static const char *
text_at (json_t *root, const char *path)
{
  const char *text = json_string_value (json_lookup (root, path));
  return text != NULL ? text : "";
}

/* value_at: a new reference to what is there, or the empty value @fallback (taken). */
static json_t *
value_at (json_t *root, const char *path, json_t *fallback)
{
  json_t *value = json_lookup (root, path);
  if (value == NULL)
    return fallback;
  json_decref (fallback);
  return json_incref (value);
}

/* The fields of an OCI image's "config", in the order of its specification. */
static const struct { const char *name; char type; } config_fields[] = {
  { "User", 's' }, { "ExposedPorts", 'o' }, { "Env", 'a' }, { "Entrypoint", 'a' }, { "Cmd", 'a' }, { "Volumes", 'o' }, { "WorkingDir", 's' }, { "Labels", 'o' },
  { "StopSignal", 's' }, { "OnBuild", 'a' },
};

static json_t *
inspect_config (json_t *config)
{
  json_t *object = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (config_fields); i++)
    {
      g_autofree char *path = g_strconcat ("config.", config_fields[i].name, NULL);
      json_t *empty = config_fields[i].type == 's' ? json_string ("") : config_fields[i].type == 'a' ? json_array () : json_object ();
      (void) json_object_set_new (object, config_fields[i].name, value_at (config, path, empty));
    }
  return object;
}

static json_t *
inspect_driver (Storage *storage, const StateImage *image)
{
  g_autoptr (GPtrArray) folders = image_layer_folders (storage->paths, image);
  json_t *data = json_object ();
  if (folders->pdata[0] != NULL)
    {
      g_autofree char *lower = g_strjoinv (":", (char **) folders->pdata + 1);
      if (*lower != '\0')
        (void) json_object_set_new (data, "LowerDir", json_string (lower));
      (void) json_object_set_new (data, "UpperDir", json_string (folders->pdata[0]));
    }
  return json_pack ("{s:s, s:o}", "Name", "overlay", "Data", data);
}

/* read_manifest: what we hold; an empty object if it cannot be read: the rest is still worth showing. */
static json_t *
read_manifest (Storage *storage, const StateImage *image)
{
  g_autofree char *text = NULL;
  size_t size;
  json_t *manifest = NULL;
  if (image->manifest_digest != NULL && content_read (storage, image->manifest_digest, MANIFEST_LIMIT, &text, &size, NULL))
    manifest = json_parse_bounded (text, size, MANIFEST_LIMIT, JSON_PARSE_DEFAULT, NULL);
  return manifest != NULL ? manifest : json_object ();
}

static const char *
manifest_type (json_t *manifest)
{
  const char *type = text_at (manifest, "mediaType");
  return *type != '\0' ? type : "application/vnd.oci.image.manifest.v1+json";
}

json_t *
image_inspect (Storage *storage, const StateImage *image, GError **error)
{
  json_t *config = parse_config (image, error);
  if (config == NULL)
    return NULL;
  json_t *manifest = read_manifest (storage, image), *history = value_at (config, "history", json_array ());
  json_t *last = json_array_get (history, json_array_size (history) - 1);
  json_t *names = image_names_json (image);
  g_auto (GStrv) ever = image_names_ever (storage->state, image);
  const struct { const char *name; json_t *value; } fields[] = {
    { "Id", json_string (image->id) },
    { "Digest", json_string (image->manifest_digest != NULL ? image->manifest_digest : "") },
    { "RepoTags", names },
    { "RepoDigests", image_repo_digests (image) },
    { "Parent", json_string ("") },
    { "Comment", json_string (*text_at (config, "comment") != '\0' ? text_at (config, "comment") : text_at (last, "comment")) },
    { "Created", value_at (config, "created", json_null ()) },
    { "Config", inspect_config (config) },
    { "Version", json_string (text_at (config, "docker_version")) },
    { "Author", json_string (text_at (config, "author")) },
    { "Architecture", json_string (image->architecture != NULL ? image->architecture : "") },
    { "Os", json_string (image->os != NULL ? image->os : "") },
    { "Variant", json_string (image->variant != NULL ? image->variant : "") },
    { "Size", json_integer (image->size) },
    { "VirtualSize", json_integer (image->size) },
    { "GraphDriver", inspect_driver (storage, image) },
    { "RootFS", json_pack ("{s:s, s:o}", "Type", "layers", "Layers", json_strv ((const char *const *) image->layers)) },
    { "Labels", value_at (config, "config.Labels", json_null ()) },
    { "Annotations", value_at (manifest, "annotations", json_object ()) },
    { "ManifestType", json_string (manifest_type (manifest)) },
    { "User", json_string (text_at (config, "config.User")) },
    { "History", history },
    { "NamesHistory", json_strv ((const char *const *) ever) },
    { "Healthcheck", value_at (config, "config.Healthcheck", json_null ()) },
  };
  json_t *object = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    (void) json_object_set_new (object, fields[i].name, fields[i].value);
  json_decref (manifest);
  json_decref (config);
  return object;
}

static gboolean
is_empty (const json_t *value)
{
  return json_is_null (value) || (json_is_string (value) && json_string_length (value) == 0) || (json_is_array (value) && json_array_size (value) == 0)
         || (json_is_object (value) && json_object_size (value) == 0);
}

void
image_inspect_prune (json_t *inspected)
{
  json_t *config = json_object_get (inspected, "Config");
  for (size_t i = 0; i < G_N_ELEMENTS (config_fields); i++)
    if (is_empty (json_object_get (config, config_fields[i].name)))
      (void) json_object_del (config, config_fields[i].name);
  static const char *const optional[] = { "Variant", "Healthcheck" };
  for (size_t i = 0; i < G_N_ELEMENTS (optional); i++)
    if (is_empty (json_object_get (inspected, optional[i])))
      (void) json_object_del (inspected, optional[i]);
}

static void
image_step_free (ImageStep *step)
{
  g_free (step->id);
  g_free (step->created);
  g_free (step->created_by);
  g_free (step->comment);
  g_strfreev (step->tags);
  g_free (step);
}

/* step_new: @entry: of the config's history; NULL for a layer it says nothing about. @diff_id: NULL for a step without layer. */
static ImageStep *
step_new (Storage *storage, json_t *entry, const char *diff_id)
{
  ImageStep *step = g_new0 (ImageStep, 1);
  step->id = g_strdup ("<missing>");
  step->created = g_strdup (text_at (entry, "created"));
  struct timespec now = { 0 }, when;
  if (*step->created != '\0' && text_time_parse (step->created, now, &when, NULL))
    step->created_usec = text_time_to_usec (when);
  step->created_by = g_strdup (text_at (entry, "created_by"));
  step->comment = g_strdup (text_at (entry, "comment"));
  step->tags = g_new0 (char *, 1);
  g_autoptr (StateLayer) layer = diff_id != NULL ? state_layer_find (storage->state, diff_id, NULL) : NULL;
  step->size = layer != NULL ? layer->size : 0;
  return step;
}

gboolean
image_history (Storage *storage, const StateImage *image, GPtrArray **ret_steps, GError **error)
{
  json_t *config = parse_config (image, error);
  if (config == NULL)
    return FALSE;
  json_t *history = json_lookup (config, "history");
  GPtrArray *steps = g_ptr_array_new_with_free_func ((GDestroyNotify) image_step_free);
  guint next = 0, n_layers = g_strv_length (image->layers);
  for (size_t i = 0; i < json_array_size (history); i++)
    {
      json_t *entry = json_array_get (history, i);
      gboolean has_layer = !json_is_true (json_object_get (entry, "empty_layer")) && next < n_layers;
      g_ptr_array_insert (steps, 0, step_new (storage, entry, has_layer ? image->layers[next] : NULL));
      next += has_layer;
    }
  for (; next < n_layers; next++)
    g_ptr_array_insert (steps, 0, step_new (storage, NULL, image->layers[next]));
  if (steps->len > 0)
    {
      ImageStep *newest = steps->pdata[0];
      g_free (newest->id);
      newest->id = g_strdup (image->id);
      g_strfreev (newest->tags);
      newest->tags = g_strdupv (image->names);
    }
  json_decref (config);
  *ret_steps = steps;
  return TRUE;
}
