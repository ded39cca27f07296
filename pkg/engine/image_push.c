/* push, of image_out.h. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image_out_private.h"
#include "pkg/image/name.h"
#include "pkg/registry/sink_registry.h"

/* The local places. */
typedef struct {
  const char *transport;
  ArchiveSink *(*open) (const char *path, GError **error);
  gboolean reference;   /* a name may follow the path */
} Transport;

static const Transport transports[] = {
  { "docker-archive:", sink_docker_open, TRUE },
  { "oci-archive:", sink_oci_archive_open, TRUE },
  { "oci:", sink_oci_open, TRUE },
  { "dir:", sink_dir_open, FALSE },
};

typedef struct {
  const Transport *transport;   /* NULL: a registry */
  char *path;
  const char *reference;        /* borrowed; NULL: none */
  ImageName *name;              /* in a registry; with a tag or a digest */
} Destination;

static void
destination_clear (Destination *destination)
{
  g_free (destination->path);
  image_name_free (destination->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Destination, destination_clear)

static void
say (const ImagePush *request, const char *format, const char *what)
{
  g_autofree char *line = g_strconcat (format, what, NULL);
  if (request->say != NULL)
    request->say (line, request->data);
}

/* ---- where to */

static gboolean
throw_elsewhere (const char *text, GError **error)
{
  static const char *const others[] = { "docker-daemon:", "containers-storage:", "ostree:", "sif:", "tarball:" };
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    if (g_str_has_prefix (text, others[i]))
      return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s: pushing to %.*s is not supported", text, (int) strlen (others[i]) - 1, others[i]);
  return TRUE;
}

/* parse_name: of an image in a registry. */
static gboolean
parse_name (const char *text, Destination *ret, GError **error)
{
  g_autoptr (ImageName) given = image_name_parse (text, error);
  if (given == NULL)
    return FALSE;
  if (given->digest != NULL && given->tag != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "docker references with both a tag and digest are currently not supported");
  g_autofree char *full = image_name_normalize (text, "docker.io", error);
  ret->name = full != NULL ? image_name_parse (full, error) : NULL;
  return ret->name != NULL;
}

static gboolean
parse_destination (const char *text, Destination *ret, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (transports); i++)
    if (g_str_has_prefix (text, transports[i].transport))
      {
        const char *path = text + strlen (transports[i].transport), *colon = transports[i].reference ? strchr (path, ':') : NULL;
        ret->transport = &transports[i];
        ret->path = colon != NULL ? g_strndup (path, (size_t) (colon - path)) : g_strdup (path);
        ret->reference = colon != NULL && colon[1] != '\0' ? colon + 1 : NULL;
        return ret->path[0] != '\0' || coracle_throw (error, CORACLE_ERROR_INVALID, "Invalid image name \"%s\": no path", text);
      }
  if (!throw_elsewhere (text, error))
    return FALSE;
  gboolean said = g_str_has_prefix (text, "docker://");
  if (parse_name (said ? text + strlen ("docker://") : text, ret, said ? error : NULL) || said)
    return ret->name != NULL;
  const char *colon = strchr (text, ':');
  if (colon == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "Invalid image name \"%s\", expected colon-separated transport:reference", text);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "Invalid image name \"%s\", unknown transport \"%.*s\"", text, (int) (colon - text), text);
}

/* local_names: what the image will be called there. */
static gboolean
local_names (const Destination *destination, Going *going, GError **error)
{
  gboolean docker = destination->transport->open == sink_docker_open;
  if (docker && destination->reference != NULL)
    {
      char *full = image_name_normalize (destination->reference, "docker.io", error);
      if (full == NULL)
        return coracle_prefix (error, "docker-archive parsing reference");
      g_ptr_array_add (going->names, full);
    }
  else if (destination->reference != NULL)
    g_ptr_array_add (going->names, g_strdup (destination->reference));
  if (docker)
    going_end_names (going);
  else
    g_ptr_array_add (going->names, NULL);
  return TRUE;
}

/* ---- one image to one place */

static void
say_layers (const ReadyImage *ready, void *data)
{
  for (guint i = 0; i < ready->sink.n_layers; i++)
    say (data, "Copying blob ", ready->layers[i].source);
}

/* put: @after: of each layer as it is there; NULL: nothing. */
static gboolean
put (Storage *storage, ArchiveSink *sink, const Going *going, const ImagePush *request, void (*after) (const ReadyImage *ready, void *data), void *data, char **ret_digest, GError **error)
{
  g_auto (ReadyImage) ready = { 0 };
  gboolean compress = sink->compresses || request->compress || request->force;
  /* an OCI layout takes OCI manifests; the others any */
  gboolean oci_only = sink->compresses && sink->layer == NULL;
  ReadyWish wish = {
    .sink = sink, .form = g_strcmp0 (request->form, "v2s2") == 0 ? READY_DOCKER : request->form != NULL || oci_only ? READY_OCI : READY_KEEP,
    .compression = compress ? request->compression : COMPRESSION_NONE, .force = request->force, .level = request->level,
    .opened = say_layers, .data = (void *) request,
  };
  if (wish.form == READY_DOCKER && oci_only)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "an OCI layout holds no manifests of format v2s2");
  sink->progress = request->progress;
  sink->progress_data = request->data;
  say (request, "Getting image source signatures", "");
  if (!image_ready (storage, going->image, &wish, &ready, error))
    return FALSE;
  say (request, "Copying config ", ready.config_digest);
  ready.sink.names = (const char *const *) going->names->pdata;
  say (request, "Writing manifest to image destination", "");
  if (!sink_put (sink, &ready.sink, error) || !sink_end (sink, error))
    return FALSE;
  if (after != NULL)
    after (&ready, data);
  *ret_digest = g_strdup (sink->digest != NULL ? sink->digest : ready.manifest_digest);
  return TRUE;
}

static gboolean
push_local (Storage *storage, const Destination *destination, const char *text, Going *going, const ImagePush *request, char **ret_digest, GError **error)
{
  if (!local_names (destination, going, error))
    return FALSE;
  g_autoptr (ArchiveSink) sink = destination->transport->open (destination->path, error);
  return sink != NULL ? put (storage, sink, going, request, NULL, NULL, ret_digest, error) : coracle_prefix (error, "initializing destination %s", text);
}

/* ---- to a registry */

typedef struct {
  Storage *storage;
  const RegistriesPlace *place;
} Remember;

static const char *const compressions[] = { [COMPRESSION_NONE] = "", [COMPRESSION_GZIP] = "gzip", [COMPRESSION_ZSTD] = "zstd" };

/* remember: where the layers are now, for the next push. */
static void
remember (const ReadyImage *ready, void *data)
{
  const Remember *where = data;
  for (guint i = 0; i < ready->sink.n_layers && !where->storage->read_only; i++)
    {
      const SinkLayer *layer = &ready->layers[i];
      StateBlobPlace place = { layer->digest, (char *) compressions[ready->compressions[i]], where->place->repository, layer->size };
      (void) state_blob_place_add (where->storage->state, layer->diff_id, where->place->registry, &place, NULL);
    }
}

static void
places_unref (gpointer data)
{
  g_ptr_array_unref (data);
}

/* known_places: where the image's layers may be at @registry. */
static GHashTable *
known_places (Storage *storage, const StateImage *image, const char *registry)
{
  GHashTable *all = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, places_unref);
  for (char **diff_id = image->layers; *diff_id != NULL; diff_id++)
    {
      g_autoptr (GPtrArray) rows = state_blob_places (storage->state, *diff_id, registry);
      GPtrArray *places = g_ptr_array_new_with_free_func ((GDestroyNotify) sink_place_free);
      for (guint i = 0; i < rows->len; i++)
        {
          const StateBlobPlace *row = rows->pdata[i];
          SinkPlace *place = g_new0 (SinkPlace, 1);
          place->digest = g_strdup (row->digest);
          place->repository = g_strdup (row->repository);
          place->size = row->size;
          place->compression = strcmp (row->compression, "gzip") == 0 ? COMPRESSION_GZIP : strcmp (row->compression, "zstd") == 0 ? COMPRESSION_ZSTD : COMPRESSION_NONE;
          g_ptr_array_add (places, place);
        }
      g_hash_table_replace (all, g_strdup (*diff_id), places);
    }
  return all;
}

static gboolean
push_registry (Storage *storage, const ImageName *name, Going *going, const ImagePush *request, char **ret_digest, GError **error)
{
  g_autoptr (RegistriesConf) conf = registries_conf_read (error);
  g_autoptr (RegistriesPlace) place = conf != NULL ? registries_destination (conf, name->registry, name->path, error) : NULL;
  g_autoptr (Registry) registry = place != NULL ? registry_place_open (conf, &request->access, place, error) : NULL;
  if (registry == NULL)
    return FALSE;
  const char *reference = name->digest != NULL ? name->digest : name->tag;
  g_autoptr (ArchiveSink) sink = sink_registry_new (registry, place->repository, reference, known_places (storage, going->image, place->registry));
  Remember where = { storage, place };
  g_ptr_array_add (going->names, NULL);
  return put (storage, sink, going, request, remember, &where, ret_digest, error);
}

gboolean
image_push (Storage *storage, const char *name, const char *text, const ImagePush *request, char **ret_digest, GError **error)
{
  cleanup_fd int lock = -1;
  g_auto (Destination) destination = { 0 };
  if (!image_out_hold (storage, &lock, error))
    return FALSE;
  g_autoptr (Going) going = going_find (storage, name, error);
  if (going == NULL)
    return FALSE;
  const char *to = text != NULL ? text : name;
  g_autofree char *digest = NULL;
  if (!parse_destination (to, &destination, error))
    return FALSE;
  gboolean ok = destination.transport != NULL ? push_local (storage, &destination, to, going, request, &digest, error)
                                              : push_registry (storage, destination.name, going, request, &digest, error);
  if (!ok)
    return FALSE;
  event_image (storage, "push", going->image->id, to);
  *ret_digest = g_steal_pointer (&digest);
  return TRUE;
}
