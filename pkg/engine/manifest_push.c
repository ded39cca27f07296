/* Lists to somewhere else: manifest_list.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/archive/digest.h"
#include "pkg/archive/source.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image_out_private.h"
#include "pkg/engine/manifest_list.h"
#include "pkg/image/digest.h"
#include "pkg/json/json.h"
#include "storage/content.h"

#define STORAGE_PREFIX "containers-storage:"
#define PIECE (256 * 1024)
#define ANNOTATION_ZSTD "io.github.containers.compression.zstd"

typedef struct {
  Storage *storage;
  ManifestList *list;        /* as it will be there: digests change with compression */
  const ManifestPush *request;
  Destination *destination;
} Push;

/* One instance that is copied as it is: its blobs come from elsewhere. */
typedef struct {
  ArchiveSource *source;     /* one of these three */
  ArchiveImage *image;
  Registry *registry;
  RegistriesConf *conf;
  RegistriesPlace *place;
  json_t *files;             /* of an artifact; borrowed */
} Elsewhere;

static void
elsewhere_clear (Elsewhere *from)
{
  source_image_free (from->image);
  source_close (from->source);
  registry_free (from->registry);
  registries_place_free (from->place);
  registries_conf_free (from->conf);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Elsewhere, elsewhere_clear)

/* ---- blobs from elsewhere */

static int
open_tmp (Storage *storage, GError **error)
{
  cleanup_fd int tmp = openat (storage->root_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int fd = tmp >= 0 ? openat (tmp, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
  int errsv = errno;
  if (fd < 0)
    coracle_throw_errno (error, errsv, "making a file for a blob");
  return fd;
}

/* spool: all of @stream, compared with what it should be, in a file without a name. -1 with @error. */
static int
spool (Storage *storage, ByteStream *stream, const char *digest, gint64 size, GError **error)
{
  cleanup_fd int fd = open_tmp (storage, error);
  g_autofree char *piece = g_malloc (PIECE);
  g_autoptr (Digest) sum = digest_new ();
  gint64 got = 0;
  gssize n = fd >= 0 ? 1 : -1;
  while (n > 0 && (n = byte_stream_read (stream, piece, PIECE, error)) > 0)
    {
      int r = got + n > size ? 0 : fd_write_all (fd, piece, (size_t) n);
      got += n;
      if (r < 0)
        return coracle_throw_errno (error, -r, "writing a blob"), -1;
      if (got > size)
        return coracle_throw (error, CORACLE_ERROR_CORRUPT, "blob %s has more than %" G_GINT64_FORMAT " bytes", digest, size), -1;
      digest_update (sum, piece, (size_t) n);
    }
  if (n < 0)
    return -1;
  g_autofree char *is = digest_end (g_steal_pointer (&sum));
  if (got != size || strcmp (is, digest) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "blob %s has the digest %s", digest, is), -1;
  return fd_steal (&fd);
}

static ByteStream *
archive_stream (const Elsewhere *from, const char *digest, GError **error)
{
  for (guint i = 0; i < from->image->layers->len; i++)
    {
      const ArchiveLayer *layer = from->image->layers->pdata[i];
      if (strcmp (layer->digest != NULL ? layer->digest : layer->diff_id, digest) == 0)
        return source_layer_stream (from->source, layer, error);
    }
  return coracle_throw (error, CORACLE_ERROR_CORRUPT, "no layer %s in the archive", digest), NULL;
}

/* open_blob: -1 with @error. */
static int
open_blob (Storage *storage, const Elsewhere *from, const ImageDescriptor *blob, GError **error)
{
  if (from->image == NULL && from->registry == NULL)
    return content_open (storage, blob->digest, NULL, error);
  g_autoptr (ByteStream) stream = from->image != NULL ? archive_stream (from, blob->digest, error) : registry_blob (from->registry, from->place->repository, blob->digest, blob->size);
  return stream != NULL ? spool (storage, stream, blob->digest, blob->size, error) : -1;
}

/* open_file: of an artifact's files the one that is @blob: it may have been changed meanwhile. */
static int
open_file (const Elsewhere *from, const ImageDescriptor *blob, GError **error)
{
  json_t *file;
  size_t i;
  json_array_foreach (from->files, i, file)
    {
      const char *path = json_is_string (file) ? json_string_value (file) : json_string_value (json_object_get (file, "config"));
      cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
      g_autoptr (ByteStream) stream = fd >= 0 ? byte_stream_from_range (fd, 0, blob->size + 1) : NULL;
      g_autoptr (Digest) sum = digest_new ();
      g_autofree char *piece = g_malloc (PIECE);
      gssize n;
      while (stream != NULL && (n = byte_stream_read (stream, piece, PIECE, NULL)) > 0)
        digest_update (sum, piece, (size_t) n);
      g_autofree char *is = digest_end (g_steal_pointer (&sum));
      if (fd >= 0 && strcmp (is, blob->digest) == 0)
        return fd_steal (&fd);
    }
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "artifact file %s: it is not there any more, or was changed", blob->digest), -1;
}

/* ---- one instance as it is */

static void
layers_free (SinkLayer *layers, guint n)
{
  for (guint i = 0; i < n; i++)
    fd_close (layers[i].fd);
  g_free (layers);
}

static gboolean
open_layers (const Push *push, const Elsewhere *from, const ImageManifest *manifest, SinkLayer *layers, GError **error)
{
  ArchiveSink *sink = push->destination->sink;
  for (guint i = 0; i < manifest->parts->len; i++)
    layers[i].fd = -1;
  for (guint i = 0; i < manifest->parts->len; i++)
    {
      const ImageDescriptor *part = manifest->parts->pdata[i];
      image_push_say (&push->request->push, "Copying blob %s", part->digest);
      layers[i] = (SinkLayer){ .fd = -1, .digest = part->digest, .source = part->digest, .size = part->size };
      if (sink->there != NULL && sink->there (sink, part->digest))
        continue;
      layers[i].fd = from->files != NULL ? open_file (from, part, error) : open_blob (push->storage, from, part, error);
      if (layers[i].fd < 0)
        return FALSE;
    }
  return TRUE;
}

/* read_config: "{}" where the descriptor says so itself. */
static gboolean
read_config (const Push *push, const Elsewhere *from, const ImageDescriptor *config, char **ret_data, GError **error)
{
  g_autofree char *empty = digest_of ("{}", 2);
  if (strcmp (config->digest, empty) == 0)
    {
      *ret_data = g_strdup ("{}");
      return TRUE;
    }
  if (config->size > (gint64) IMAGE_CONFIG_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "its config has %" G_GINT64_FORMAT " bytes", config->size);
  if (from->image != NULL)
    {
      *ret_data = g_strndup (from->image->config_data, from->image->config_size);
      return TRUE;
    }
  cleanup_fd int fd = from->files != NULL ? open_file (from, config, error) : open_blob (push->storage, from, config, error);
  size_t size;
  return fd >= 0 && lseek (fd, 0, SEEK_SET) == 0 && fd_read_file (fd, IMAGE_CONFIG_LIMIT, ret_data, &size, error);
}

static gboolean
put_as_it_is (const Push *push, const Elsewhere *from, const char *text, size_t size, const char *type, const char *digest, GError **error)
{
  g_autoptr (ImageManifest) manifest = image_manifest_parse_any (text, size, type, error);
  g_autofree char *config = NULL;
  if (manifest == NULL || manifest->is_index || !read_config (push, from, manifest->config, &config, error))
    return manifest != NULL && manifest->is_index ? coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s: a list in a list", digest) : FALSE;
  guint n = manifest->parts->len;
  SinkLayer *layers = g_new0 (SinkLayer, n + 1);
  ArchiveSink *sink = push->destination->sink;
  sink->progress = push->request->push.progress;
  sink->progress_data = push->request->push.data;
  SinkImage image = { .config = config, .config_size = (size_t) manifest->config->size, .config_digest = manifest->config->digest, .manifest = text, .manifest_size = size,
                      .manifest_digest = digest, .manifest_type = type, .layers = layers, .n_layers = n, .instance = TRUE };
  gboolean ok = open_layers (push, from, manifest, layers, error) && sink_put (sink, &image, error);
  layers_free (layers, n);
  return ok;
}

/* ---- where instances are */

static gboolean
put_remote (const Push *push, const char *reference, const char *digest, GError **error)
{
  g_auto (Elsewhere) from = { 0 };
  g_auto (RegistryDocument) document = { 0 };
  g_autoptr (ImageName) name = image_name_parse (reference, error);
  /* credentials for the destination are not the source's */
  RegistryAccess access = push->request->push.access;
  from.conf = name != NULL ? registries_conf_read (error) : NULL;
  from.place = from.conf != NULL ? registries_destination (from.conf, name->registry, name->path, error) : NULL;
  if (from.place == NULL)
    return FALSE;
  if (push->destination->place == NULL || strcmp (from.place->registry, push->destination->place->registry) != 0)
    access.creds = NULL;
  from.registry = registry_place_open (from.conf, &access, from.place, error);
  if (from.registry == NULL || !registry_manifest (from.registry, from.place->repository, digest, &document, error))
    return FALSE;
  json_t *entry = manifest_list_entry (push->list, digest);
  return put_as_it_is (push, &from, document.data, document.size, json_string_value (json_object_get (entry, "mediaType")), digest, error);
}

static gboolean
put_archived (const Push *push, const char *reference, const char *digest, GError **error)
{
  ArchiveFormat format;
  g_auto (Elsewhere) from = { 0 };
  g_autofree char *transport = g_strndup (reference, strcspn (reference, ":"));
  if (!source_format_parse (transport, &format))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: not known where it is", digest);
  const char *at = strchr (reference, ':') + 1, *colon = format == ARCHIVE_DIR ? NULL : strchr (at, ':');
  g_autofree char *path = colon != NULL ? g_strndup (at, (size_t) (colon - at)) : g_strdup (at);
  cleanup_fd int tmp = openat (push->storage->root_fd, "tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
  guint index;
  from.source = source_open (format, path, tmp, error);
  from.image = from.source != NULL && source_find (from.source, colon != NULL ? colon + 1 : NULL, &index, error) ? source_image (from.source, index, NULL, error) : NULL;
  if (from.image == NULL)
    return FALSE;
  g_autofree char *text = from.image->manifest != NULL ? g_strdup (from.image->manifest) : manifest_of_docker_archive (from.image);
  g_autofree char *is = digest_of (text, strlen (text));
  if (strcmp (is, digest) != 0)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s has another image now", reference);
  return put_as_it_is (push, &from, text, strlen (text), from.image->manifest != NULL ? from.image->manifest_type : MEDIA_DOCKER_MANIFEST, digest, error);
}

static gboolean
put_artifact (const Push *push, json_t *files, const char *digest, GError **error)
{
  Elsewhere from = { .files = files };
  g_autofree char *text = NULL;
  size_t size;
  return content_read (push->storage, digest, IMAGE_MANIFEST_LIMIT, &text, &size, error) && put_as_it_is (push, &from, text, size, MEDIA_OCI_MANIFEST, digest, error);
}

/* put_local: one of the store, made ready as any image that is pushed: its digest may become another. */
static gboolean
put_local (const Push *push, const char *id, const ImagePush *how, PushedImage *ret_pushed, GError **error)
{
  g_autoptr (StateImage) image = state_image_find (push->storage->state, id, NULL);
  if (image == NULL)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "image %.12s of the list is not in the store any more: image not known", id);
  return image_push_put (push->storage, push->destination, image, NULL, TRUE, how, ret_pushed, error);
}

/* ---- all of them */

/* note_pushed: what the list says of it, and its signatures. */
static gboolean
note_pushed (const Push *push, json_t *entry, PushedImage *pushed, GError **error)
{
  g_autofree char *digest = g_steal_pointer (&pushed->digest);
  (void) json_object_set_new (entry, "digest", json_string (digest));
  (void) json_object_set_new (entry, "mediaType", json_string (pushed->media_type));
  (void) json_object_set_new (entry, "size", json_integer (pushed->size));
  return image_push_sign (push->destination, digest, FALSE, &push->request->push, error);
}

static gboolean
put_instance (const Push *push, json_t *entry, GError **error)
{
  g_autofree char *digest = g_strdup (json_string_value (json_object_get (entry, "digest")));
  json_t *from = json_object_get (push->list->from, digest);
  const char *where = json_string_value (from);
  PushedImage pushed;
  if (where != NULL && g_str_has_prefix (where, STORAGE_PREFIX))
    return put_local (push, where + strlen (STORAGE_PREFIX), &push->request->push, &pushed, error) && note_pushed (push, entry, &pushed, error);
  gboolean done = json_is_array (from)                                          ? put_artifact (push, from, digest, error)
                  : where != NULL && g_str_has_prefix (where, "docker://") ? put_remote (push, where + strlen ("docker://"), digest, error)
                                                                           : put_archived (push, where != NULL ? where : "", digest, error);
  return done && image_push_sign (push->destination, digest, FALSE, &push->request->push, error);
}

/* add_variants: every image of the store once more in another compression, behind those that are there. */
static gboolean
add_variants (const Push *push, json_t *places, const char *compression, size_t n, GError **error)
{
  json_t *entries = json_object_get (push->list->index, "manifests");
  ImagePush how = push->request->push;
  how.compression = strcmp (compression, "gzip") == 0 ? COMPRESSION_GZIP : COMPRESSION_ZSTD;
  how.chunked = strcmp (compression, "zstd:chunked") == 0;
  how.force = TRUE;
  for (size_t i = 0; i < n; i++)
    {
      const char *where = json_string_value (json_array_get (places, i));
      PushedImage pushed;
      if (where == NULL || !g_str_has_prefix (where, STORAGE_PREFIX))
        continue;
      if (!put_local (push, where + strlen (STORAGE_PREFIX), &how, &pushed, error))
        return FALSE;
      json_auto_t *entry = json_deep_copy (json_array_get (entries, i));
      if (!note_pushed (push, entry, &pushed, error))
        return FALSE;
      if (how.compression == COMPRESSION_ZSTD)
        manifest_entry_note (entry, &(ManifestNotes){ .annotations = (const char *const[]){ ANNOTATION_ZSTD "=true", NULL } });
      (void) json_array_append (entries, entry);
    }
  return TRUE;
}

static gboolean
put_instances (const Push *push, GError **error)
{
  json_t *entries = json_object_get (push->list->index, "manifests");
  json_auto_t *places = json_array ();
  size_t n = json_array_size (entries);
  image_push_say (&push->request->push, "Copying %zu images generated from %zu images in list", n, n);
  for (size_t i = 0; i < n; i++)
    {
      json_t *entry = json_array_get (entries, i), *from = json_object_get (push->list->from, json_string_value (json_object_get (entry, "digest")));
      (void) json_array_append_new (places, from != NULL ? json_incref (from) : json_null ());
      image_push_say (&push->request->push, "Copying image %s (%zu/%zu)", json_string_value (json_object_get (entry, "digest")), i + 1, n);
      if (!put_instance (push, entry, error))
        return coracle_prefix (error, "copying image %zu/%zu from manifest list", i + 1, n);
    }
  for (const char *const *more = push->request->add_compression; more != NULL && *more != NULL; more++)
    if (!add_variants (push, places, *more, n, error))
      return coracle_prefix (error, "adding images compressed with %s", *more);
  return TRUE;
}

/* put_text: the list as @form says; @ret_type: what it was. */
static gboolean
put_text (const Push *push, const char *const *names, const char *form, const char **ret_type, char **ret_digest, GError **error)
{
  g_autofree char *text = manifest_list_text (push->list, form, ret_type), *digest = digest_of (text, strlen (text));
  SinkImage image = { .names = names, .manifest = text, .manifest_size = strlen (text), .manifest_digest = digest, .manifest_type = *ret_type };
  if (!sink_put (push->destination->sink, &image, error))
    return FALSE;
  *ret_digest = g_steal_pointer (&digest);
  return TRUE;
}

static gboolean
put_list (const Push *push, const char *const *names, char **ret_digest, GError **error)
{
  const ImagePush *request = &push->request->push;
  const char *type;
  g_autofree char *digest = NULL;
  g_autoptr (GError) problem = NULL;
  image_push_say (request, "Writing manifest list to image destination");
  gboolean done = put_text (push, names, request->form, &type, &digest, &problem);
  if (!done && image_push_may_turn (push->destination, request, problem))
    {
      g_clear_error (&problem);
      done = put_text (push, names, strcmp (type, MEDIA_DOCKER_LIST) == 0 ? "oci" : "v2s2", &type, &digest, &problem);
    }
  if (!done)
    g_propagate_error (error, g_steal_pointer (&problem));
  if (!done || !sink_end (push->destination->sink, error) || !image_push_sign (push->destination, digest, TRUE, request, error))
    return FALSE;
  *ret_digest = g_steal_pointer (&digest);
  return TRUE;
}

gboolean
manifest_list_push (Storage *storage, const char *name, const char *to, const ManifestPush *request, char **ret_digest, GError **error)
{
  cleanup_fd int lock = -1;
  g_auto (Destination) destination = { 0 };
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  if (!image_out_hold (storage, &lock, error))
    return FALSE;
  g_autoptr (ManifestList) list = manifest_list_find (storage, name, error);
  Push push = { storage, list, request, &destination };
  if (list == NULL || !destination_parse (to, &destination, error) || !image_push_sign_ready (&destination, to, &request->push, error) || !destination_names (&destination, NULL, names, error)
      || !destination_open (&destination, to, &request->push.access, error))
    return FALSE;
  image_push_say (&request->push, "Getting image list signatures");
  if ((request->all && !put_instances (&push, error)) || !put_list (&push, (const char *const *) names->pdata, ret_digest, error))
    return FALSE;
  event_image (storage, "push", list->image->id, to);
  return TRUE;
}
