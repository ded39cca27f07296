/* push, of image_out.h. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/destination.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image_out_private.h"
#include "pkg/engine/manifest_list.h"

void
image_push_say (const ImagePush *request, const char *format, ...)
{
  if (request->say == NULL)
    return;
  va_list args;
  va_start (args, format);
  g_autofree char *line = g_strdup_vprintf (format, args);
  va_end (args);
  request->say (line, request->data);
}

static void
say_layers (const ReadyImage *ready, void *data)
{
  for (guint i = 0; i < ready->sink.n_layers; i++)
    image_push_say (data, "Copying blob %s", ready->layers[i].source);
}

gboolean
image_push_may_turn (const Destination *destination, const ImagePush *request, const GError *problem)
{
  return g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_UNSUPPORTED) && request->form == NULL && destination->place != NULL && destination->name->digest == NULL;
}

/* throw_both: takes the problems. */
static gboolean
throw_both (const char *one_type, GError *one, const char *other_type, GError *other, GError **error)
{
  g_autoptr (GError) first = one, second = other;
  return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "uploading manifest failed, attempted the following formats: %s(%s), %s(%s)", one_type, first->message, other_type, second->message);
}

/* put_ready: where the registry takes no manifest of this kind, with one of the other. */
static gboolean
put_ready (const Destination *destination, ReadyImage *ready, const ImagePush *request, GError **error)
{
  GError *one = NULL, *other = NULL;
  if (sink_put (destination->sink, &ready->sink, &one))
    return TRUE;
  const char *type = ready->sink.manifest_type;
  if (!image_push_may_turn (destination, request, one) || !image_ready_turn (ready))
    {
      g_propagate_error (error, one);
      return FALSE;
    }
  image_push_say (request, "Writing manifest of the other format, for the registry refuses %s", type);
  if (!sink_put (destination->sink, &ready->sink, &other))
    return throw_both (type, one, ready->sink.manifest_type, other, error);
  g_error_free (one);
  return TRUE;
}

gboolean
image_push_put (Storage *storage, const Destination *destination, const StateImage *image, const char *const *names, gboolean instance, const ImagePush *request, PushedImage *ret_pushed,
                GError **error)
{
  g_auto (ReadyImage) ready = { 0 };
  ReadyWish wish;
  ArchiveSink *sink = destination->sink;
  if (!destination_wish (destination, request, &wish, error))
    return FALSE;
  wish.opened = say_layers;
  wish.data = (void *) request;
  sink->progress = request->progress;
  sink->progress_data = request->data;
  image_push_say (request, "Getting image source signatures");
  destination_know (destination, storage, image);
  if (!image_ready (storage, image, &wish, &ready, error))
    return FALSE;
  image_push_say (request, "Copying config %s", ready.config_digest);
  ready.sink.names = names;
  ready.sink.instance = instance;
  image_push_say (request, "Writing manifest to image destination");
  if (!put_ready (destination, &ready, request, error))
    return FALSE;
  destination_remember (destination, storage, &ready);
  *ret_pushed = (PushedImage){ g_strdup (sink->digest != NULL ? sink->digest : ready.manifest_digest), ready.sink.manifest_type, (gint64) ready.sink.manifest_size };
  return TRUE;
}

/* ---- signing */

static SignTarget
target_of (const Destination *destination)
{
  return (SignTarget){ .name = destination->name, .registry = destination->registry, .repository = destination->place != NULL ? destination->place->repository : NULL };
}

gboolean
image_push_sign_ready (const Destination *destination, const char *text, const ImagePush *request, GError **error)
{
  const SignTarget target = target_of (destination);
  return request->signers == NULL || image_sign_ready (request->signers, &target, text, error);
}

gboolean
image_push_sign (const Destination *destination, const char *digest, gboolean list, const ImagePush *request, GError **error)
{
  SignTarget target = target_of (destination);
  target.list = list;
  return request->signers == NULL || !image_signers_any (request->signers) || image_sign (request->signers, &target, digest, request->say, request->data, error);
}

gboolean
image_push (Storage *storage, const char *name, const char *text, const ImagePush *request, char **ret_digest, GError **error)
{
  cleanup_fd int lock = -1;
  const char *to = text != NULL ? text : name;
  if (!image_out_hold (storage, &lock, error))
    return FALSE;
  g_autoptr (Going) going = going_find (storage, name, error);
  if (going == NULL)
    return FALSE;
  if (going->image->list)
    {
      const ManifestPush list = { .push = *request, .all = TRUE };
      return manifest_list_push (storage, name, to, &list, ret_digest, error);
    }
  g_auto (Destination) destination = { 0 };
  PushedImage pushed = { 0 };
  if (!destination_parse (to, &destination, error) || !image_push_sign_ready (&destination, to, request, error) || !destination_names (&destination, going->name, going->names, error)
      || !destination_open (&destination, to, &request->access, error)
      || !image_push_put (storage, &destination, going->image, (const char *const *) going->names->pdata, FALSE, request, &pushed, error))
    return FALSE;
  g_autofree char *digest = pushed.digest;
  if (!sink_end (destination.sink, error) || !image_push_sign (&destination, digest, FALSE, request, error))
    return FALSE;
  event_image (storage, "push", going->image->id, to);
  *ret_digest = g_steal_pointer (&digest);
  return TRUE;
}
