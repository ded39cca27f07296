/* push, of image_out.h. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/destination.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image_out_private.h"
#include "pkg/engine/image_sign.h"
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
  if (!sink_put (sink, &ready.sink, error))
    return FALSE;
  destination_remember (destination, storage, &ready);
  *ret_pushed = (PushedImage){ g_strdup (sink->digest != NULL ? sink->digest : ready.manifest_digest), ready.sink.manifest_type, (gint64) ready.sink.manifest_size };
  return TRUE;
}

/* sign_name: what is signed: an image in a registry. Errors: INVALID another place. */
static gboolean
sign_name (const Destination *destination, SignName *ret_name, GError **error)
{
  const ImageName *name = destination->name;
  if (name == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "Cannot sign an image that goes to no registry");
  *ret_name = (SignName){ name->registry, name->path, name->tag, name->digest };
  return image_sign_ready (ret_name, error);
}

static gboolean
sign (const SignName *name, const char *digest, const ImagePush *request, GError **error)
{
  image_push_say (request, "Creating signature: Signing image using simple signing");
  if (!image_sign (name, digest, request->sign_by, request->passphrase_file, error))
    return coracle_prefix (error, "creating signature");
  image_push_say (request, "Storing signatures");
  return TRUE;
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
  if (going->image->list && request->sign_by != NULL)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "--sign-by: a manifest list is not signed in this version: sign its images");
  if (going->image->list)
    {
      const ManifestPush list = { .push = *request, .all = TRUE };
      return manifest_list_push (storage, name, to, &list, ret_digest, error);
    }
  g_auto (Destination) destination = { 0 };
  PushedImage pushed = { 0 };
  SignName signed_as = { NULL };
  if (!destination_parse (to, &destination, error) || (request->sign_by != NULL && !sign_name (&destination, &signed_as, error)) || !destination_names (&destination, going->name, going->names, error)
      || !destination_open (&destination, to, &request->access, error)
      || !image_push_put (storage, &destination, going->image, (const char *const *) going->names->pdata, FALSE, request, &pushed, error))
    return FALSE;
  g_autofree char *digest = pushed.digest;
  if (!sink_end (destination.sink, error) || (request->sign_by != NULL && !sign (&signed_as, digest, request, error)))
    return FALSE;
  event_image (storage, "push", going->image->id, to);
  *ret_digest = g_steal_pointer (&digest);
  return TRUE;
}
