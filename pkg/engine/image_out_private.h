/* What save and push share. */
#pragma once

#include "pkg/engine/image_out.h"
#include "pkg/engine/image_ready.h"

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
