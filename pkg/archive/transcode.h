/* transcode: a layer's blob in another compression, in a file without a name.
 * The same bytes at the same level give the same blob. */
#pragma once

#include <glib.h>

#include "pkg/archive/inflate.h"

typedef struct {
  int fd;              /* the caller's to close */
  char *digest;
  gint64 size;
} Transcoded;

/* transcode: @fd: a blob of @size bytes, compressed or not; borrowed. @to: NONE, GZIP or ZSTD. @level: of the compressor; -1: its default.
 * @spool_fd: the folder to make the file in; borrowed. Any thread. Errors: CORRUPT; NO_SPACE; SYSTEM. */
gboolean transcode (int fd, gint64 size, Compression to, int level, int spool_fd, Transcoded *ret, GError **error);
