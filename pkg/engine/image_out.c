#include "pkg/engine/image_out_private.h"

#include <string.h>
#include <unistd.h>

#include "pkg/archive/source.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/image/name.h"

void
going_free (Going *going)
{
  if (going == NULL)
    return;
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

Going *
going_find (Storage *storage, const char *text, GError **error)
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

void
going_end_names (Going *going)
{
  if (going->name != NULL)
    g_ptr_array_add (going->names, g_strdup (going->name));
  g_ptr_array_add (going->names, NULL);
}

/* put: one image into @sink. */
static gboolean
put (Storage *storage, ArchiveSink *sink, const Going *going, const ReadyWish *wish, GError **error)
{
  g_auto (ReadyImage) ready = { 0 };
  if (!image_ready (storage, going->image, wish, &ready, error))
    return FALSE;
  ready.sink.names = (const char *const *) going->names->pdata;
  return sink_put (sink, &ready.sink, error);
}

gboolean
image_out_hold (Storage *storage, int *ret_lock, GError **error)
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

/* take_instance: of a list its image for this machine is saved. */
static gboolean
take_instance (Storage *storage, Going *going, const char *name, GError **error)
{
  StateImage *image = going->image->list ? image_lookup_instance (storage->state, name, NULL, NULL, error) : NULL;
  if (image == NULL)
    return !going->image->list;
  state_image_free (going->image);
  going->image = image;
  return TRUE;
}

/* find_images: what is to be saved, before anything is written. */
static GPtrArray *
find_images (Storage *storage, const char *const *names, gboolean multi, GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) going_free);
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
      going = going_find (storage, *name, error);
      if (going == NULL || !take_instance (storage, going, *name, error))
        {
          going_free (going);
          return NULL;
        }
      g_ptr_array_add (all, going);
    }
  for (guint i = 0; i < all->len; i++)
    going_end_names (all->pdata[i]);
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
  if (!image_out_hold (storage, &lock, error))
    return FALSE;
  g_autoptr (GPtrArray) images = find_images (storage, names, request->multi, error);
  g_autoptr (ArchiveSink) sink = images != NULL ? open_format (format, request->output, error) : NULL;
  if (sink == NULL)
    return FALSE;
  gboolean compress = formats[format].oci ? !request->uncompressed : request->compress;
  ReadyWish wish = { .sink = sink, .form = formats[format].oci ? READY_OCI : READY_DOCKER, .compression = compress ? COMPRESSION_GZIP : COMPRESSION_NONE, .level = -1,
                     .inflate = formats[format].oci && request->uncompressed };
  sink->progress = request->progress;
  sink->progress_data = request->progress_data;
  for (guint i = 0; i < images->len; i++)
    {
      Going *going = images->pdata[i];
      /* OCI has room for one reference: the name it was found by */
      if (formats[format].oci && going->name != NULL && going->names->len > 2)
        g_ptr_array_remove_range (going->names, 0, going->names->len - 2);
      if (!put (storage, sink, going, &wish, error))
        return FALSE;
    }
  if (!sink_end (sink, error))
    return FALSE;
  for (guint i = 0; i < images->len; i++)
    event_image (storage, "save", ((Going *) images->pdata[i])->image->id, request->output);
  return TRUE;
}
