/* ingest: a whole image from an archive, or a root filesystem's tar, into the store. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/archive/source.h"
#include "storage/storage.h"

/* @what: a layer's digest or number; @done, @total: bytes of its blob (@total -1: unknown); @done == @total once for a layer that is complete or was there already. */
typedef void (*IngestProgress) (const char *what, gint64 done, gint64 total, void *data);

typedef struct {
  gboolean single;                  /* one id is mapped only: owners are not kept, and the layers' rows say so */
  const char *const *names;         /* normalised; the image gets them (and whatever had them loses them); NULL for none */
  gboolean docker;                  /* of an image made here: its manifest is a Docker one */
  const char *const *digests;       /* "registry/path@sha256:…"; NULL for none */
  IngestProgress progress;          /* NULL for none */
  void *progress_data;
  guint64 skipped_devices;          /* out: device nodes that were left out, for a notice */
} IngestOptions;

/* ingest_image: image @index of @source for @platform (NULL: the host's): its blobs, layers, and row; then index.json. What is there already is not read again.
 * @ret_image: the row as it was written; free with state_image_free; may be NULL. On failure, or when killed, nothing is listed and what was put in place is collected.
 * Runs in:  the user namespace. Errors: those of source_image, layer_unpack; UNSUPPORTED more than 500 layers. */
gboolean ingest_image (Storage *storage, ArchiveSource *source, guint index, const ImagePlatform *platform, IngestOptions *options, StateImage **ret_image, GError **error);

/* Where the layers of an image come from whose documents are known. */
typedef struct {
  ByteStream *(*open) (const ArchiveLayer *layer, void *data, GError **error);   /* the blob; in any thread, several at once */
  void *data;
  guint parallel;   /* at most so many layers at once */
} IngestFetch;

/* ingest_fetched: as ingest_image, the layers in parallel, each received, digested, inflated and unpacked as it comes. One that is there is not fetched, and one that
 * another process is fetching is waited for. @options' progress is called by several threads, one at a time.
 * Runs in: the user namespace; starts threads, which are gone when it returns. */
gboolean ingest_fetched (Storage *storage, const ArchiveImage *image, const IngestFetch *fetch, IngestOptions *options, StateImage **ret_image, GError **error);

/* ingest_rootfs: `import`: one layer from a tar (takes @tar; compressed or not). @config: what image_config_make starts from, or NULL;
 * @history: the history entry's other fields ("comment", "created_by"), or NULL; both borrowed. */
gboolean ingest_rootfs (Storage *storage, ByteStream *tar, const json_t *config, const json_t *history, IngestOptions *options, StateImage **ret_image, GError **error);

/* ingest_above: `commit`: an image of the layers @below (diff ids, lowest first; NULL for none), which are in the store, and above them one from the tar @layer (takes it), whose ".wh."
 * members are whiteouts if there is anything below. @config, @history: as for ingest_rootfs. Errors: also NOT_FOUND a layer below is gone; UNSUPPORTED too many layers. */
gboolean ingest_above (Storage *storage, const char *const *below, ByteStream *layer, const json_t *config, const json_t *history, IngestOptions *options, StateImage **ret_image, GError **error);
