/* transcode: a layer's blob in another compression, in a file without a name.
 * The same bytes at the same level give the same blob. */
#pragma once

#include <glib.h>

#include <jansson.h>

#include "pkg/archive/inflate.h"

typedef struct {
  int fd;              /* the caller's to close */
  char *digest;
  gint64 size;
  json_t *annotations; /* what its descriptor must say: of zstd:chunked; NULL: nothing */
} Transcoded;

typedef struct {
  Compression to;      /* NONE, GZIP or ZSTD */
  gboolean chunked;    /* ZSTD: as zstd:chunked, where the layer can be that */
  int level;           /* of the compressor; -1: its default */
} TranscodeHow;

/* transcode: @fd: a blob of @size bytes, compressed or not; borrowed. @spool_fd: the folder to make the file in; borrowed. Any thread. Errors: CORRUPT; NO_SPACE; SYSTEM. */
gboolean transcode (int fd, gint64 size, const TranscodeHow *how, int spool_fd, Transcoded *ret, GError **error);
