/* stream: bytes that are pulled through a pipeline, a piece at a time. A stream owns the stream below it; nothing here is shared, so several
 * pipelines may run in several threads. */
#pragma once

#include <glib.h>

#include "pkg/archive/digest.h"

typedef struct ByteStream ByteStream;
struct ByteStream {
  /* up to @size bytes (at least one); 0 at the end; -1 with @error set */
  gssize (*read) (ByteStream *stream, void *buffer, size_t size, GError **error);
  void (*free) (ByteStream *stream);
};

/* byte_stream_read: as the member above; after an end or an error it must not be called again. */
gssize byte_stream_read (ByteStream *stream, void *buffer, size_t size, GError **error);
/* byte_stream_read_full: until @size bytes or the end. */
gssize byte_stream_read_full (ByteStream *stream, void *buffer, size_t size, GError **error);
/* byte_stream_read_all: everything, at most @limit bytes (more is CORRUPT), NUL added; free with g_free. */
gboolean byte_stream_read_all (ByteStream *stream, size_t limit, char **ret_data, size_t *ret_size, GError **error);
void byte_stream_free (ByteStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ByteStream, byte_stream_free)

/* byte_stream_from_fd: read(2) until end of file; takes @fd. */
ByteStream *byte_stream_from_fd (int fd);
/* byte_stream_from_range: @size bytes at @offset by pread(2); @fd is borrowed. A file that is shorter is CORRUPT ("cut short"). */
ByteStream *byte_stream_from_range (int fd, gint64 offset, gint64 size);
/* byte_stream_from_data: bytes in memory, borrowed. */
ByteStream *byte_stream_from_data (const void *data, size_t size);

/* byte_stream_prefixed: @size bytes of @data, copied, and then @below. Takes @below. */
ByteStream *byte_stream_prefixed (const void *data, size_t size, ByteStream *below);

/* byte_stream_tee: what passes is digested by @digest (NULL: not), written to @fd (-1: not) and counted in *@count (NULL: not); these are borrowed. Takes @below.
 * @limit: more bytes than this are CORRUPT; -1 for none. */
ByteStream *byte_stream_tee (ByteStream *below, Digest *digest, int fd, gint64 *count, gint64 limit);

/* byte_stream_observe: tell @observer how many bytes have passed, at every read. Takes @below. */
typedef void (*ByteObserver) (gint64 bytes, void *data);
ByteStream *byte_stream_observe (ByteStream *below, ByteObserver observer, void *data);
