/* content: blobs under their digests, in ROOT/oci: an OCI image layout that other tools can read (`skopeo inspect oci:ROOT/oci:NAME`).
 *
 * A blob is written in a work folder, synced, and renamed to oci/blobs/sha256/HEX: so what has such a name is whole. Blobs are never changed. Two writers of one blob do no harm.
 * Source: OCI image-spec image-layout.md. */
#pragma once

#include <glib.h>

#include "storage/storage.h"

/* ---- reading (no digest is computed: a name under blobs/ is trusted) */
gboolean content_has (Storage *storage, const char *digest);
/* content_there: the same, also in an additional store. */
gboolean content_there (Storage *storage, const char *digest);
/* content_open: for reading, also from an additional store; the caller closes it. -1 with @error: NOT_FOUND. @ret_size may be NULL. */
int content_open (Storage *storage, const char *digest, gint64 *ret_size, GError **error);
/* content_read: at most @limit bytes, NUL added; free with g_free. */
gboolean content_read (Storage *storage, const char *digest, size_t limit, char **ret_data, size_t *ret_size, GError **error);

/* content_publish: make the file @name of @work, complete and synced, the blob @digest. The folder is synced by content_sync, or by the next blob's. */
gboolean content_publish (Storage *storage, const StorageWork *work, const char *name, const char *digest, GError **error);
/* content_sync: after it the blobs published so far survive a power cut. */
gboolean content_sync (Storage *storage, GError **error);

/* ---- writing */
/* content_put_data: a small blob; there already is success. @ret_digest: free with g_free. */
gboolean content_put_data (Storage *storage, const StorageWork *work, const void *data, size_t size, char **ret_digest, GError **error);

/* ---- the layout's own files */
typedef struct {
  const char *digest;       /* of a manifest that is here */
  const char *media_type;   /* NULL: read from the document */
  const char *name;         /* becomes the annotation org.opencontainers.image.ref.name; NULL: an image without name */
} ContentIndexEntry;
/* content_index_write: replace index.json, by rename. Entries whose manifest is not here are left out. The caller holds storage_lock_shared, or has nobody beside it. */
gboolean content_index_write (Storage *storage, const ContentIndexEntry *entries, size_t n_entries, GError **error);
/* content_index_update: content_index_write with all images and names of the state. */
gboolean content_index_update (Storage *storage, GError **error);

/* content_collect: move the blobs that no image's manifest and no layer's row names into @work, to be removed with it.
 * The caller holds S exclusively (storage_collect). */
gboolean content_collect (Storage *storage, const StorageWork *work, GError **error);
