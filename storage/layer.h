/* layer: from a blob to an unpacked folder ROOT/layers/HEX, in one pass over the bytes:
 *   receive → SHA-256 and a copy of the blob → inflate → SHA-256 of the diff → confined writes
 * The first step works in a work folder only and shares nothing, so several may run in threads; the second puts the result in place. */
#pragma once

#include <glib.h>

#include "pkg/archive/stream.h"
#include "storage/storage.h"
#include "storage/unpack.h"

typedef struct {
  const char *blob_digest;   /* what the blob must have; NULL: whatever it has */
  gint64 blob_size;          /* likewise; -1 */
  const char *diff_id;       /* likewise; NULL */
  gboolean single;           /* see UnpackOptions */
  gboolean plain;            /* a root filesystem, not an image's layer: no whiteouts, and at least one member */
} LayerExpect;

typedef struct {
  StateLayer *row;           /* media_type: what the blob kept is: a tar as it is, or with +gzip or +zstd; xz and bzip2, which images do not know, are kept inflated */
  UnpackStats stats;
  char *folder, *blob;       /* names in the work folder, until layer_commit */
} LayerUnpacked;
void layer_unpacked_free (LayerUnpacked *unpacked);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LayerUnpacked, layer_unpacked_free)

/* layer_unpack: the first step: takes @blob. On failure what it made in @work is left for storage_work_end.
 * Runs in:  the user namespace; any thread.
 * Errors:   CORRUPT wrong digest or size, broken or hostile archive; DENIED ids outside the map; NO_SPACE; SYSTEM. */
LayerUnpacked *layer_unpack (const StorageWork *work, ByteStream *blob, const LayerExpect *expect, GError **error);

/* layer_commit: sync, rename blob and folder into place, write the row. There already is success: the folder there is as complete. The caller holds
 * storage_lock_shared until the image's row is written. Runs in: any thread, one that uses @storage at a time. */
gboolean layer_commit (Storage *storage, const StorageWork *work, LayerUnpacked *unpacked, GError **error);

/* layer_there: is its folder in the store, or in an additional one? */
gboolean layer_there (Storage *storage, const char *diff_id);
/* layer_find: the row of @diff_id, if its folder is there too; NULL without error otherwise. */
StateLayer *layer_find (Storage *storage, const char *diff_id);
/* layer_path: ROOT/layers/HEX; free with g_free. */
char *layer_path (Storage *storage, const char *diff_id);
