/* compress: a stream as gzip or zstd, made by all processors: in blocks that know nothing of one another, each worked on by one thread, written in order.
 *
 * The same bytes at the same level give the same result, however many threads there are. What is in flight is bounded for the whole process, some 70 MB.
 * Source: ISA-L's igzip_lib.h and crc.h; zstd.h; RFC 1951 (a block that was flushed ends on a whole byte), RFC 1952, RFC 8878 (frames in a row are one stream). */
#pragma once

#include <glib.h>

#include "pkg/archive/inflate.h"

/* compress_stream: all of @in (borrowed), compressed @to GZIP or ZSTD at @level (-1: the default), given to @write piece by piece, by this thread. Any thread; several at once share
 * the workers. Errors: those of @in and @write; SYSTEM. */
gboolean compress_stream (ByteStream *in, Compression to, int level, gboolean (*write) (const void *data, size_t size, void *user, GError **error), void *user, GError **error);

/* compress_frames: zstd, with frames that end where the caller says. @fill: the next bytes, up to @size (fewer: there are no more), and in @ends (of guint32) where frames end among them:
 * ascending, at most one each, the last at the number that is returned; -1 with @error. @framed: the next frame has @size bytes: said of each, in order, before it is written. */
typedef gssize (*CompressFill) (void *data, size_t size, GArray *ends, void *user, GError **error);
gboolean compress_frames (CompressFill fill, void (*framed) (size_t size, void *user), gboolean (*write) (const void *data, size_t size, void *user, GError **error), int level, void *user,
                          GError **error);
