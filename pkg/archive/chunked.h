/* chunked: a layer as zstd:chunked has it: a zstd stream with a frame for each piece of each file, and behind it, in frames that are skipped, a table of what is where and the tar without its
 * files' contents (tar-split), by which a reader that has some of the files fetches but the others, and makes the same tar again. To every other reader it is zstd.
 *
 * Pieces end where their content says so (a rolling hash; 64 KiB on the average), so that what two versions of a file share is the same pieces. What the table cannot tell truly (tar_header.h's
 * strange members, one path twice, tables too large for readers) gives the layer as plain zstd, without a table.
 * Source: containers-storage-zstd-chunked(5) and its implementation, which is what the format is; RFC 8878 3.1.2. */
#pragma once

#include <jansson.h>

#include "pkg/archive/stream.h"

#define CHUNKED_ANNOTATION "io.github.containers.zstd-chunked."
#define CHUNKED_ANNOTATION_CHECKSUM CHUNKED_ANNOTATION "manifest-checksum"
#define CHUNKED_ANNOTATION_POSITION CHUNKED_ANNOTATION "manifest-position"
#define CHUNKED_ANNOTATION_TARSPLIT CHUNKED_ANNOTATION "tarsplit-position"

/* chunked_stream: all of @in (a tar; borrowed) to @write, as compress_stream does, with @level for its pieces. *@ret_annotations: what the layer's descriptor must say, for who
 * reads the table; NULL: there is none. Memory: that of compress_stream, and the tables, compressed (at most 64 MB). Any thread. Errors: those of @in and @write; SYSTEM. */
gboolean chunked_stream (ByteStream *in, int level, gboolean (*write) (const void *data, size_t size, void *user, GError **error), void *user, json_t **ret_annotations, GError **error);
