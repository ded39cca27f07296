/* docker-archive of sink.h, as Podman and Docker write it: layers by diff id, the config by its own digest, manifest.json; and for readers of the
 * oldest kind a folder per layer and image ("VERSION", "json", "layer.tar") and "repositories". */
#include <jansson.h>
#include <string.h>

#include "pkg/archive/digest.h"
#include "pkg/archive/output.h"
#include "pkg/archive/sink.h"
#include "pkg/base/error.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"

#define MODE 0444

typedef struct {
  ArchiveSink base;
  Output *output;
  GHashTable *members;    /* names written: layers, configs, folders */
  json_t *images;         /* manifest.json: one object per config */
  json_t *repositories;
  GHashTable *sizes;      /* of layers, inflated: diff id → gint64 */
} DockerSink;

/* ---- the oldest format's folders */

/* layer_document: the "json" of one layer, still without id. @top: the image's config, or NULL below its top layer. */
static json_t *
layer_document (json_t *top, const char *parent)
{
  static const char *const keys[] = { "architecture", "config", "container", "container_config", "created", "docker_version", "os" };
  json_t *document = json_object ();
  for (gsize i = 0; top != NULL && i < G_N_ELEMENTS (keys); i++)
    {
      json_t *value = json_object_get (top, keys[i]);
      (void) json_object_set_new (document, keys[i], value != NULL ? json_incref (value) : json_null ());
    }
  if (parent != NULL)
    (void) json_object_set_new (document, "parent", json_string (parent));
  return document;
}

/* layer_text: its members in order, as Docker's own have them. */
static char *
layer_text (json_t *document, const char *key, const char *value)
{
  static const char *const order[] = { "architecture", "config", "container", "container_config", "created", "docker_version", "id", "layer_id", "os", "parent" };
  json_auto_t *sorted = json_object ();
  for (gsize i = 0; i < G_N_ELEMENTS (order); i++)
    {
      json_t *member = json_object_get (document, order[i]);
      if (strcmp (order[i], key) == 0)
        (void) json_object_set_new (sorted, key, json_string (value));
      else if (member != NULL)
        (void) json_object_set (sorted, order[i], member);
    }
  return json_to_text (sorted, 0, JSON_TEXT_DEFAULT);
}

static gboolean
put_folder (DockerSink *self, const char *id, const char *diff_id, const char *text, GError **error)
{
  g_autofree char *link = g_strconcat (id, "/layer.tar", NULL), *version = g_strconcat (id, "/VERSION", NULL), *document = g_strconcat (id, "/json", NULL),
                  *target = g_strconcat ("../", image_digest_hex (diff_id), ".tar", NULL);
  if (!g_hash_table_add (self->members, g_strdup (id)))
    return TRUE;
  return tar_add_link (self->output, link, target, error) && tar_add_data (self->output, version, MODE, "1.0", 3, error) &&
         tar_add_data (self->output, document, MODE, text, strlen (text), error);
}

/* put_folders: @ret_top: the id of the image's own, NULL for an image without layers. */
static gboolean
put_folders (DockerSink *self, const SinkImage *image, json_t *config, char **ret_top, GError **error)
{
  g_autofree char *parent = NULL, *chain = NULL;
  for (guint i = 0; i < image->n_layers; i++)
    {
      const char *diff_id = image->layers[i].diff_id;
      g_autofree char *both = chain != NULL ? g_strconcat (chain, " ", diff_id, NULL) : NULL;
      g_free (chain);
      chain = both != NULL ? digest_of (both, strlen (both)) : g_strdup (diff_id);
      json_auto_t *document = layer_document (i + 1 == image->n_layers ? config : NULL, parent);
      g_autofree char *named = layer_text (document, "layer_id", chain), *digest = digest_of (named, strlen (named));
      const char *id = image_digest_hex (digest);
      g_autofree char *text = layer_text (document, "id", id);
      if (!put_folder (self, id, diff_id, text, error))
        return FALSE;
      g_free (parent);
      parent = g_strdup (id);
    }
  *ret_top = g_steal_pointer (&parent);
  return TRUE;
}

/* ---- manifest.json and repositories */

/* add_repository: @name's tag leads to the image's top layer. */
static void
add_repository (DockerSink *self, const char *name, const char *top)
{
  const char *colon = strrchr (name, ':'), *slash = strrchr (name, '/');
  if (colon == NULL || (slash != NULL && colon < slash) || strchr (name, '@') != NULL || top == NULL)
    return;
  g_autofree char *repository = g_strndup (name, (size_t) (colon - name));
  json_t *tags = json_object_get (self->repositories, repository);
  if (tags == NULL)
    {
      tags = json_object ();
      (void) json_object_set_new (self->repositories, repository, tags);
    }
  (void) json_object_set_new (tags, colon + 1, json_string (top));
}

static json_t *
image_object (DockerSink *self, const SinkImage *image, const char *config)
{
  json_t *object;
  size_t i;
  json_array_foreach (self->images, i, object)
    if (strcmp (json_string_value (json_object_get (object, "Config")), config) == 0)
      return object;
  json_t *layers = json_array ();
  for (guint j = 0; j < image->n_layers; j++)
    {
      g_autofree char *layer = g_strconcat (image_digest_hex (image->layers[j].diff_id), ".tar", NULL);
      (void) json_array_append_new (layers, json_string (layer));
    }
  object = json_pack ("{s:s, s:[], s:o}", "Config", config, "RepoTags", "Layers", layers);
  (void) json_array_append_new (self->images, object);
  return object;
}

static gboolean
has_text (json_t *array, const char *text)
{
  json_t *item;
  size_t i;
  json_array_foreach (array, i, item)
    if (strcmp (json_string_value (item), text) == 0)
      return TRUE;
  return FALSE;
}

static void
add_names (DockerSink *self, const SinkImage *image, const char *config, const char *top)
{
  json_t *names = json_object_get (image_object (self, image, config), "RepoTags");
  for (const char *const *name = image->names; name != NULL && *name != NULL; name++)
    {
      if (!has_text (names, *name))
        (void) json_array_append_new (names, json_string (*name));
      add_repository (self, *name, top);
    }
}

/* ---- layers */

typedef struct {
  DockerSink *sink;
  const SinkLayer **layers;
} Watch;

static void
layer_done (guint layer, gint64 size, void *data)
{
  const Watch *watch = data;
  const SinkLayer *done = watch->layers[layer];
  g_hash_table_replace (watch->sink->sizes, g_strdup (done->diff_id), g_memdup2 (&size, sizeof size));
  if (watch->sink->base.progress != NULL)
    watch->sink->base.progress (done->source, done->size, done->size, watch->sink->base.progress_data);
}

static gboolean
put_layers (DockerSink *self, const SinkImage *image, GError **error)
{
  g_autofree TarLayer *tars = g_new0 (TarLayer, image->n_layers + 1);
  g_autofree const SinkLayer **layers = g_new0 (const SinkLayer *, image->n_layers + 1);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  guint n = 0;
  for (guint i = 0; i < image->n_layers; i++)
    {
      char *name = g_strconcat (image_digest_hex (image->layers[i].diff_id), ".tar", NULL);
      g_ptr_array_add (names, name);
      if (!g_hash_table_add (self->members, g_strdup (name)))
        continue;
      layers[n] = &image->layers[i];
      tars[n++] = (TarLayer){ .name = name, .fd = image->layers[i].fd, .size = image->layers[i].size, .mode = MODE };
    }
  Watch watch = { self, layers };
  return tar_add_layers (self->output, tars, n, layer_done, &watch, error);
}

/* note_digest: of the manifest that this image would have: Docker's, of layers that are not compressed. */
static void
note_digest (DockerSink *self, const SinkImage *image)
{
  g_autoptr (GPtrArray) layers = g_ptr_array_new_with_free_func (g_free);
  ImageDescriptor config = { .digest = (char *) image->config_digest, .size = (gint64) image->config_size };
  for (guint i = 0; i < image->n_layers; i++)
    {
      const gint64 *size = g_hash_table_lookup (self->sizes, image->layers[i].diff_id);
      ImageDescriptor layer = { .media_type = (char *) MEDIA_DOCKER_LAYER, .digest = image->layers[i].diff_id, .size = size != NULL ? *size : 0 };
      g_ptr_array_add (layers, g_memdup2 (&layer, sizeof layer));
    }
  g_autofree char *text = image_manifest_text_docker (&config, layers);
  g_free (self->base.digest);
  self->base.digest = digest_of (text, strlen (text));
}

static gboolean
docker_put (ArchiveSink *sink, const SinkImage *image, GError **error)
{
  DockerSink *self = (DockerSink *) sink;
  if (image->instance || image->config == NULL)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "a docker-archive holds no manifest lists");
  g_autofree char *config_name = g_strconcat (image_digest_hex (image->config_digest), ".json", NULL), *top = NULL;
  json_auto_t *config = json_parse_bounded (image->config, image->config_size, image->config_size + 1, JSON_PARSE_DEFAULT, error);
  if (config == NULL)
    return coracle_prefix (error, "config");
  if (!put_layers (self, image, error))
    return FALSE;
  if (g_hash_table_add (self->members, g_strdup (config_name)) && !tar_add_data (self->output, config_name, MODE, image->config, image->config_size, error))
    return FALSE;
  if (!put_folders (self, image, config, &top, error))
    return FALSE;
  add_names (self, image, config_name, top);
  note_digest (self, image);
  return TRUE;
}

static gboolean
docker_end (ArchiveSink *sink, GError **error)
{
  DockerSink *self = (DockerSink *) sink;
  g_autofree char *manifest = json_to_text (self->images, 0, JSON_TEXT_DEFAULT), *repositories = json_to_text (self->repositories, 0, JSON_TEXT_DEFAULT);
  return tar_add_data (self->output, "manifest.json", MODE, manifest, strlen (manifest), error) &&
         tar_add_data (self->output, "repositories", MODE, repositories, strlen (repositories), error) && tar_end (self->output, error) && output_commit (self->output, error);
}

static void
docker_free (ArchiveSink *sink)
{
  DockerSink *self = (DockerSink *) sink;
  output_free (self->output);
  g_hash_table_unref (self->members);
  json_decref (self->images);
  json_decref (self->repositories);
  g_hash_table_unref (self->sizes);
  g_free (self->base.digest);
  g_free (self);
}

ArchiveSink *
sink_docker_open (const char *path, GError **error)
{
  Output *output = output_open (path, FALSE, error);
  if (output == NULL)
    return NULL;
  DockerSink *self = g_new0 (DockerSink, 1);
  self->base = (ArchiveSink){ .put = docker_put, .end = docker_end, .free = docker_free, .inflates = TRUE };
  self->output = output;
  self->members = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->sizes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->images = json_array ();
  self->repositories = json_object ();
  return &self->base;
}

gboolean
sink_put (ArchiveSink *sink, const SinkImage *image, GError **error)
{
  return sink->put (sink, image, error);
}

gboolean
sink_end (ArchiveSink *sink, GError **error)
{
  return sink->end (sink, error);
}

void
sink_free (ArchiveSink *sink)
{
  if (sink != NULL)
    sink->free (sink);
}
