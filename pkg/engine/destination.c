#include "pkg/engine/destination.h"

#include <string.h>

#include "pkg/base/error.h"

/* The local places. */
struct Transport {
  const char *transport;
  ArchiveSink *(*open) (const char *path, GError **error);
  gboolean reference;   /* a name may follow the path */
};

static const Transport transports[] = {
  { "docker-archive:", sink_docker_open, TRUE },
  { "oci-archive:", sink_oci_archive_open, TRUE },
  { "oci:", sink_oci_open, TRUE },
  { "dir:", sink_dir_open, FALSE },
};

void
destination_clear (Destination *destination)
{
  sink_free (destination->sink);
  registry_free (destination->registry);
  registries_place_free (destination->place);
  registries_conf_free (destination->conf);
  image_name_free (destination->name);
  g_free (destination->path);
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

gboolean
destination_parse (const char *text, Destination *ret, GError **error)
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

gboolean
destination_names (const Destination *destination, const char *own, GPtrArray *names, GError **error)
{
  gboolean docker = destination->transport != NULL && destination->transport->open == sink_docker_open;
  if (docker && destination->reference != NULL)
    {
      char *full = image_name_normalize (destination->reference, "docker.io", error);
      if (full == NULL)
        return coracle_prefix (error, "docker-archive parsing reference");
      g_ptr_array_add (names, full);
    }
  else if (destination->reference != NULL)
    g_ptr_array_add (names, g_strdup (destination->reference));
  if (docker && own != NULL)
    g_ptr_array_add (names, g_strdup (own));
  g_ptr_array_add (names, NULL);
  return TRUE;
}

/* ---- opening */

static gboolean
open_registry (Destination *self, const RegistryAccess *access, GError **error)
{
  self->conf = registries_conf_read (error);
  self->place = self->conf != NULL ? registries_destination (self->conf, self->name->registry, self->name->path, error) : NULL;
  self->registry = self->place != NULL ? registry_place_open (self->conf, access, self->place, error) : NULL;
  if (self->registry == NULL)
    return FALSE;
  self->sink = sink_registry_new (self->registry, self->place->repository, self->name->digest != NULL ? self->name->digest : self->name->tag);
  return TRUE;
}

gboolean
destination_open (Destination *self, const char *text, const RegistryAccess *access, GError **error)
{
  if (self->transport == NULL)
    return open_registry (self, access, error);
  self->sink = self->transport->open (self->path, error);
  return self->sink != NULL || coracle_prefix (error, "initializing destination %s", text);
}

gboolean
destination_wish (const Destination *self, const ImagePush *request, ReadyWish *ret_wish, GError **error)
{
  ArchiveSink *sink = self->sink;
  gboolean compress = sink->compresses || request->compress || request->force;
  /* an OCI layout takes OCI manifests; the others any */
  gboolean oci_only = self->transport != NULL && sink->compresses;
  *ret_wish = (ReadyWish){
    .sink = sink, .form = g_strcmp0 (request->form, "v2s2") == 0 ? READY_DOCKER : request->form != NULL || oci_only ? READY_OCI : READY_KEEP,
    .compression = compress ? request->compression : COMPRESSION_NONE, .chunked = request->chunked, .force = request->force, .level = request->level,
  };
  return ret_wish->form != READY_DOCKER || !oci_only || coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "an OCI layout holds no manifests of format v2s2");
}

/* ---- where blobs are */

static const char *const compressions[] = { [COMPRESSION_NONE] = "", [COMPRESSION_GZIP] = "gzip", [COMPRESSION_ZSTD] = "zstd" };

void
destination_remember (const Destination *self, Storage *storage, const ReadyImage *ready)
{
  for (guint i = 0; self->place != NULL && i < ready->sink.n_layers && !storage->read_only; i++)
    {
      const SinkLayer *layer = &ready->layers[i];
      StateBlobPlace place = { layer->digest, (char *) compressions[ready->compressions[i]], self->place->repository, layer->size };
      (void) state_blob_place_add (storage->state, layer->diff_id, self->place->registry, &place, NULL);
    }
}

static Compression
compression_of (const char *word)
{
  return strcmp (word, "gzip") == 0 ? COMPRESSION_GZIP : strcmp (word, "zstd") == 0 ? COMPRESSION_ZSTD : COMPRESSION_NONE;
}

void
destination_know (const Destination *self, Storage *storage, const StateImage *image)
{
  for (char **diff_id = image->layers; self->place != NULL && *diff_id != NULL; diff_id++)
    {
      g_autoptr (GPtrArray) rows = state_blob_places (storage->state, *diff_id, self->place->registry);
      for (guint i = 0; i < rows->len; i++)
        {
          const StateBlobPlace *row = rows->pdata[i];
          sink_registry_know (self->sink, *diff_id, row->digest, row->size, compression_of (row->compression), row->repository);
        }
    }
}
