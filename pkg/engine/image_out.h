/* image_out: images out of the store: save, and push to registries, archives and folders. Linked by coracle-image only. Runs in: any user namespace; the store is only read.
 *
 * Blobs that were pulled leave as they came, and so does the manifest that names them, if nothing had to be changed for the format: digests stay. */
#pragma once

#include <glib.h>

#include "pkg/archive/inflate.h"
#include "pkg/archive/sink.h"
#include "pkg/engine/image_sign.h"
#include "pkg/engine/registry_place.h"
#include "storage/storage.h"

typedef struct {
  const char *format;      /* docker-archive, oci-archive, oci-dir, docker-dir */
  const char *output;      /* NULL: standard output, for archives */
  gboolean compress;       /* docker-dir: layers kept as plain tars become gzip */
  gboolean uncompressed;   /* oci-…: they become, or stay, plain tars */
  gboolean multi;          /* all names are images; else those after the first are more names for it */
  SinkProgress progress;   /* NULL for none */
  void *progress_data;
} ImageSave;

/* image_save_format: is @format one of them? */
gboolean image_save_format (const char *format);

/* image_save: @names: at least one. All or nothing for an archive. Errors: NOT_FOUND "NAME: image not known"; INVALID; EXISTS; NO_SPACE; CORRUPT a damaged blob. */
gboolean image_save (Storage *storage, const char *const *names, const ImageSave *request, GError **error);

typedef struct {
  const char *form;            /* "oci", "v2s2", or NULL: as the image's own manifest */
  gboolean compress;           /* plain layers become compressed; registries, oci: and oci-archive: always have them so */
  gboolean force;              /* layers of another compression too */
  Compression compression;     /* GZIP or ZSTD */
  gboolean chunked;            /* ZSTD: as zstd:chunked */
  int level;                   /* -1: the compressor's default */
  RegistryAccess access;
  const ImageSigners *signers; /* of what goes to a registry; NULL: nobody signs */
  void (*say) (const char *line, void *data);   /* what goes on; NULL: nobody listens */
  SinkProgress progress;       /* one call at a time, but any thread */
  void *data;                  /* of both */
} ImagePush;

/* image_push: @destination: [docker://]NAME, docker-archive:PATH[:NAME], oci-archive:PATH[:NAME], oci:PATH[:NAME], dir:PATH; NULL: @name is one itself.
 * In a registry only what is missing is sent: asked for by the digests that the layers had when they were pushed or pulled before, and mounted from other repositories.
 * @ret_digest: of the manifest there; free with g_free. Errors: NOT_FOUND; INVALID a name; UNSUPPORTED another transport; DENIED, SYSTEM what the registry says. */
gboolean image_push (Storage *storage, const char *name, const char *destination, const ImagePush *request, char **ret_digest, GError **error);
