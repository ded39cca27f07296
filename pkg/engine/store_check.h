/* store_check: is what the store lists there, and as it was put there? Linked by coracle-image only: it computes digests, and unpacks.
 *
 * Repair saves what can be saved: of a layer whose blob is whole the folder is made anew; what is lost (images whose blobs are broken) is removed, and named. */
#pragma once

#include "storage/storage.h"

typedef struct {
  gboolean quick;      /* do not read the blobs */
  gboolean deep;   /* compare every layer's folder with its blob */
  gboolean repair; /* mend layers; remove damaged images that no container uses, and what belongs to nothing */
  gboolean force;      /* with @repair: also damaged images' containers */
  gint64 max_age;      /* microseconds: younger folders and blobs of nothing are somebody's at work */
} StoreCheckRequest;

typedef struct {
  char *id;        /* of the image, container or layer; the name of a folder or blob */
  char *problem;
} StoreDamage;

typedef struct {
  GPtrArray *layers, *images, *containers;                /* of StoreDamage */
  GPtrArray *mended_layers, *removed_images, *removed_containers; /* of char*; what was mended is in @layers, too */
  gboolean collected;                                     /* what belongs to nothing was removed */
} StoreCheck;
void store_check_free (StoreCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StoreCheck, store_check_free)

/* store_check: Runs in: the user namespace. NULL with @error when the check itself cannot be made. */
StoreCheck *store_check (Storage *storage, const StoreCheckRequest *request, GError **error);
gboolean store_check_is_clean (const StoreCheck *check);
