#include "pkg/engine/image_out.h"

#include <string.h>
#include <unistd.h>

#include "pkg/archive/source.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/engine/image_ready.h"
#include "pkg/image/name.h"

/* One image to go, and the names it will have there. */
typedef struct {
  StateImage *image;
  char *name;          /* by which it was found; NULL: by its id */
  GPtrArray *names;
} Going;

static void
going_free (gpointer data)
{
  Going *going = data;
  state_image_free (going->image);
  g_free (going->name);
  g_ptr_array_unref (going->names);
  g_free (going);
}

/* found_by_id: is @text the beginning of the image's id rather than a name? */
static gboolean
found_by_id (const StateImage *image, const char *text, const char *name)
{
  g_auto (GStrv) candidates = image_name_candidates (text, NULL);
  if (candidates != NULL && g_strv_contains ((const char *const *) candidates, name))
    return FALSE;
  return g_str_has_prefix (image->id, g_str_has_prefix (text, "sha256:") ? text + 7 : text);
}

static Going *
find_going (Storage *storage, const char *text, GError **error)
{
  g_autofree char *name = NULL;
  StateImage *image = image_lookup (storage->state, text, NULL, &name, error);
  if (image == NULL)
    return NULL;
  Going *going = g_new0 (Going, 1);
  going->image = image;
  going->names = g_ptr_array_new_with_free_func (g_free);
  if (!found_by_id (image, text, name) && strchr (name, '@') == NULL)
    going->name = g_steal_pointer (&name);
  return going;
}

static void
end_names (Going *going)
{
  if (going->name != NULL)
    g_ptr_array_add (going->names, g_strdup (going->name));
  g_ptr_array_add (going->names, NULL);
}

/* put: one image into @sink. */
static gboolean
put (Storage *storage, ArchiveSink *sink, const Going *going, ReadyWish wish, char **ret_digest, GError **error)
{
  g_auto (ReadyImage) ready = { 0 };
  wish.inflates = sink->inflates;
  if (!image_ready (storage, going->image, &wish, &ready, error))
    return FALSE;
  ready.sink.names = (const char *const *) going->names->pdata;
  if (!sink_put (sink, &ready.sink, error))
    return FALSE;
  if (ret_digest != NULL)
    *ret_digest = g_strdup (ready.manifest_digest);
  return TRUE;
}

/* hold: nobody removes blobs meanwhile. A store that cannot be written needs no lock. */
static gboolean
hold (Storage *storage, int *ret_lock, GError **error)
{
  *ret_lock = storage->read_only ? -1 : storage_lock_shared (storage, error);
  return storage->read_only || *ret_lock >= 0;
}

/* ---- save */

static const struct {
  const char *name, *initializing;
  ArchiveSink *(*open) (const char *path, GError **error);
  gboolean archive, oci;
} formats[] = {
  { "docker-archive", NULL, sink_docker_open, TRUE, FALSE },
  { "oci-archive", NULL, sink_oci_archive_open, TRUE, TRUE },
  { "oci-dir", "oci", sink_oci_open, FALSE, TRUE },
  { "docker-dir", "dir", sink_dir_open, FALSE, FALSE },
};

static int
find_format (const char *format)
{
  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    if (strcmp (formats[i].name, format) == 0)
      return (int) i;
  return -1;
}

gboolean
image_save_format (const char *format)
{
  return find_format (format) >= 0;
}

/* find_images: what is to be saved, before anything is written. */
static GPtrArray *
find_images (Storage *storage, const char *const *names, gboolean multi, GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (going_free);
  Going *going = NULL;
  for (const char *const *name = names; *name != NULL; name++)
    {
      if (name != names && !multi)
        {
          char *more = image_name_normalize (*name, "localhost", error);
          if (more == NULL)
            {
              coracle_prefix (error, "parsing reference \"%s\"", *name);
              return NULL;
            }
          g_ptr_array_add (going->names, more);
          continue;
        }
      going = find_going (storage, *name, error);
      if (going == NULL)
        return NULL;
      g_ptr_array_add (all, going);
    }
  for (guint i = 0; i < all->len; i++)
    end_names (all->pdata[i]);
  return g_steal_pointer (&all);
}

static ArchiveSink *
open_format (int format, const char *path, GError **error)
{
  g_autoptr (GError) problem = NULL;
  ArchiveSink *sink = formats[format].open (path, &problem);
  if (sink != NULL)
    return sink;
  gboolean file = formats[format].archive && !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_EXISTS);
  g_propagate_error (error, g_steal_pointer (&problem));
  if (file)
    coracle_prefix (error, "opening file \"%s\"", path != NULL ? path : "-");
  else if (formats[format].initializing != NULL)
    coracle_prefix (error, "initializing destination %s:%s", formats[format].initializing, path);
  return NULL;
}

gboolean
image_save (Storage *storage, const char *const *names, const ImageSave *request, GError **error)
{
  int format = find_format (request->format);
  if (request->multi && names[0] != NULL && names[1] != NULL && format != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unsupported format \"%s\" for saving multiple images (only docker-archive)", request->format);
  if (request->output == NULL && !formats[format].archive)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "format %s is a folder: name it with --output", request->format);
  cleanup_fd int lock = -1;
  if (!hold (storage, &lock, error))
    return FALSE;
  g_autoptr (GPtrArray) images = find_images (storage, names, request->multi, error);
  g_autoptr (ArchiveSink) sink = images != NULL ? open_format (format, request->output, error) : NULL;
  if (sink == NULL)
    return FALSE;
  gboolean compress = formats[format].oci ? !request->uncompressed : request->compress;
  ReadyWish wish = { .form = formats[format].oci ? READY_OCI : READY_DOCKER, .compression = compress ? COMPRESSION_GZIP : COMPRESSION_NONE, .level = -1 };
  sink->progress = request->progress;
  sink->progress_data = request->progress_data;
  for (guint i = 0; i < images->len; i++)
    {
      Going *going = images->pdata[i];
      /* OCI has room for one reference: the name it was found by */
      if (formats[format].oci && going->name != NULL && going->names->len > 2)
        g_ptr_array_remove_range (going->names, 0, going->names->len - 2);
      if (!put (storage, sink, going, wish, NULL, error))
        return FALSE;
    }
  if (!sink_end (sink, error))
    return FALSE;
  for (guint i = 0; i < images->len; i++)
    event_image (storage, "save", ((Going *) images->pdata[i])->image->id, request->output);
  return TRUE;
}

/* ---- push */

typedef struct {
  int format;              /* an index of formats */
  char *path;
  const char *reference;   /* borrowed; NULL: none */
} Destination;

static void
destination_clear (Destination *destination)
{
  g_free (destination->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Destination, destination_clear)

static gboolean
throw_elsewhere (const char *text, GError **error)
{
  static const char *const others[] = { "docker-daemon:", "containers-storage:", "ostree:", "sif:", "tarball:" };
  const char *colon = strchr (text, ':');
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    if (g_str_has_prefix (text, others[i]))
      return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s: pushing to %.*s is not supported", text, (int) strlen (others[i]) - 1, others[i]);
  g_autoptr (ImageName) name = image_name_parse (text, NULL);
  if (name != NULL)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s: pushing to a registry is not supported yet: push to oci:PATH, oci-archive:PATH, docker-archive:PATH or dir:PATH", text);
  if (colon == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "Invalid image name \"%s\", expected colon-separated transport:reference", text);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "Invalid image name \"%s\", unknown transport \"%.*s\"", text, (int) (colon - text), text);
}

static gboolean
parse_destination (const char *text, Destination *ret, GError **error)
{
  static const struct { const char *transport; int format; } transports[] = { { "docker-archive:", 0 }, { "oci-archive:", 1 }, { "oci:", 2 }, { "dir:", 3 } };
  for (gsize i = 0; i < G_N_ELEMENTS (transports); i++)
    if (g_str_has_prefix (text, transports[i].transport))
      {
        const char *path = text + strlen (transports[i].transport), *colon = transports[i].format == 3 ? NULL : strchr (path, ':');
        *ret = (Destination){ transports[i].format, colon != NULL ? g_strndup (path, (size_t) (colon - path)) : g_strdup (path), colon != NULL && colon[1] != '\0' ? colon + 1 : NULL };
        return ret->path[0] != '\0' || coracle_throw (error, CORACLE_ERROR_INVALID, "Invalid image name \"%s\": no path", text);
      }
  return throw_elsewhere (text, error);
}

/* destination_names: what the image will be called there. */
static gboolean
destination_names (const Destination *destination, Going *going, GError **error)
{
  if (destination->format == 0 && destination->reference != NULL)
    {
      char *full = image_name_normalize (destination->reference, "docker.io", error);
      if (full == NULL)
        return coracle_prefix (error, "docker-archive parsing reference");
      g_ptr_array_add (going->names, full);
    }
  if (destination->format == 0)
    {
      end_names (going);
      return TRUE;
    }
  if (destination->reference != NULL)
    g_ptr_array_add (going->names, g_strdup (destination->reference));
  g_ptr_array_add (going->names, NULL);
  return TRUE;
}

gboolean
image_push (Storage *storage, const char *name, const char *text, const ImagePush *request, char **ret_digest, GError **error)
{
  cleanup_fd int lock = -1;
  g_auto (Destination) destination = { 0 };
  if (!hold (storage, &lock, error))
    return FALSE;
  Going *going = find_going (storage, name, error);
  g_autoptr (GPtrArray) keeper = g_ptr_array_new_with_free_func (going_free);
  if (going == NULL)
    return FALSE;
  g_ptr_array_add (keeper, going);
  if (!parse_destination (text != NULL ? text : going->name != NULL ? going->name : name, &destination, error) || !destination_names (&destination, going, error))
    return FALSE;
  g_autoptr (ArchiveSink) sink = formats[destination.format].open (destination.path, error);
  if (sink == NULL)
    return coracle_prefix (error, "initializing destination %s", text);
  sink->progress = request->progress;
  sink->progress_data = request->progress_data;
  gboolean compress = sink->compresses || request->compress || request->force;
  /* an OCI layout takes OCI manifests; dir: any */
  ReadyWish wish = {
    .form = g_strcmp0 (request->form, "v2s2") == 0 ? READY_DOCKER : request->form != NULL || sink->compresses ? READY_OCI : READY_KEEP,
    .compression = compress ? request->compression : COMPRESSION_NONE, .force = request->force, .level = request->level,
  };
  if (wish.form == READY_DOCKER && sink->compresses)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "an OCI layout holds no manifests of format v2s2");
  g_autofree char *digest = NULL;
  if (!put (storage, sink, going, wish, &digest, error) || !sink_end (sink, error))
    return FALSE;
  event_image (storage, "push", going->image->id, text);
  *ret_digest = g_steal_pointer (&digest);
  return TRUE;
}
