/* What save and push share. */
#pragma once

#include "pkg/engine/destination.h"

/* One image to go, and the names it will have there. */
typedef struct {
  StateImage *image;
  char *name;          /* by which it was found; NULL: by its id */
  GPtrArray *names;
} Going;
void going_free (Going *going);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Going, going_free)

/* going_find: the image that @text means. Errors: NOT_FOUND. */
Going *going_find (Storage *storage, const char *text, GError **error);
/* going_end_names: after the names that were added, the one by which it was found, and a NULL. */
void going_end_names (Going *going);

/* image_out_hold: nobody removes blobs meanwhile. A store that cannot be written needs no lock: *@ret_lock is -1 then. */
gboolean image_out_hold (Storage *storage, int *ret_lock, GError **error);

/* image_push_say: a line for whoever listens. */
void image_push_say (const ImagePush *request, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* image_push_may_turn: has the registry only refused the kind of manifest, when the user left open which it is? Source: as containers/image does it. */
gboolean image_push_may_turn (const Destination *destination, const ImagePush *request, const GError *problem);

/* An image that is there now. */
typedef struct {
  char *digest;              /* of its manifest; free with g_free */
  const char *media_type;    /* static */
  gint64 size;
} PushedImage;
/* image_push_sign_ready: image_sign_ready for a destination that was parsed, called @text. image_push_sign: image_sign, once it is open and has the manifest @digest. Neither does anything where
 * nobody signs. */
gboolean image_push_sign_ready (const Destination *destination, const char *text, const ImagePush *request, GError **error);
gboolean image_push_sign (const Destination *destination, const char *digest, gboolean list, const ImagePush *request, GError **error);

/* image_push_put: one image to an open @destination. @instance: of a list, which comes after it. */
gboolean image_push_put (Storage *storage, const Destination *destination, const StateImage *image, const char *const *names, gboolean instance, const ImagePush *request,
                         PushedImage *ret_pushed, GError **error);
