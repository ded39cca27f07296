/* image_ready: an image of the store, made ready for a sink: its blobs open, in the compression wanted, and a manifest that names them. */
#pragma once

#include "pkg/archive/inflate.h"
#include "pkg/archive/sink.h"
#include "storage/storage.h"

typedef enum { READY_KEEP, READY_OCI, READY_DOCKER } ReadyForm;

struct ReadyImage;

typedef struct {
  ArchiveSink *sink;          /* who gets it: one that inflates gets blobs as they are, and no manifest; one that wants layers early gets them. Borrowed */
  ReadyForm form;             /* of the manifest; KEEP: as it is, but OCI where Docker's has no word for a layer's compression */
  Compression compression;    /* what plain layers become; NONE: they stay */
  gboolean force;             /* other compressed ones too */
  gboolean chunked;           /* with ZSTD: as zstd:chunked */
  gboolean inflate;           /* compressed ones become plain */
  int level;                  /* -1: the compressor's default */
  void (*opened) (const struct ReadyImage *ready, void *data);   /* when it is known which blobs there are, before anything is done with them; NULL: not told */
  void *data;
} ReadyWish;

typedef struct ReadyImage {
  SinkImage sink;             /* borrows all that follows; its names are the caller's */
  SinkLayer *layers;          /* their descriptors belong to it */
  Compression *compressions;  /* of the layers, as they are now */
  json_t **annotations;       /* of their descriptors; each may be NULL */
  char *config, *config_digest, *manifest, *manifest_digest;
} ReadyImage;
void image_ready_clear (ReadyImage *ready);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ReadyImage, image_ready_clear)

/* image_ready: *@ret to be cleared in any case. The caller holds storage_lock_shared, or does without. Recompressing runs in threads, into files without names in ROOT/tmp;
 * what the sink knows to be there, in the compression that is wanted, is not made again. Errors: also the sink's; NOT_FOUND a blob that is not kept; CORRUPT; UNSUPPORTED zstd in a Docker manifest; NO_SPACE. */
gboolean image_ready (Storage *storage, const StateImage *image, const ReadyWish *wish, ReadyImage *ret, GError **error);
/* image_ready_turn: the same blobs with a manifest of the other kind, OCI for Docker and the reverse, for a registry that does not take the one. FALSE: there is none, for Docker's has no
 * word for zstd. */
gboolean image_ready_turn (ReadyImage *ready);
