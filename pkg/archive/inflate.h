/* inflate: undo the compression that the first bytes show: gzip (ISA-L), zstd (libzstd), xz and bzip2 (libarchive's filters), or none. */
#pragma once

#include "pkg/archive/stream.h"

typedef enum { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_XZ, COMPRESSION_BZIP2 } Compression;

/* compression_detect: by magic number; @size may be less than 6 (then perhaps NONE). Source: RFC 1952, RFC 8878, xz and bzip2 file formats. */
Compression compression_detect (const void *data, size_t size);

/* inflate_detect: the compression of *@stream, which is replaced by one that gives the same bytes from the start. */
gboolean inflate_detect (ByteStream **stream, Compression *ret_compression, GError **error);

/* What zstd frames may ask for: as much as the zstd program takes without being told. A frame that wants more is CORRUPT before anything is allocated for it. */
#define INFLATE_WINDOW_LOG_MAX 27
/* Windows above this (the least that every decoder has, RFC 8878 3.1.1.1.2) are large. */
#define INFLATE_WINDOW_LARGE ((guint64) 8 << 20)

/* inflate_open: @below, inflated. Several gzip members or zstd frames in a row are one stream (RFC 1952 2.2); anything else after the last, a missing end or a wrong
 * checksum is CORRUPT. At the end all of @below has been read. Takes @below, also on failure. @ret_compression: may be NULL. */
ByteStream *inflate_open (ByteStream *below, Compression *ret_compression, GError **error);
/* inflate_take_turns: of all streams of the process for which this was said, one at a time has a large window: the others wait, when they come to such a frame, until it is freed. So
 * that memory stays bounded however many layers there are. @stream: of inflate_open, not read yet. To be said only of streams whose reader waits for none of the others. */
void inflate_take_turns (ByteStream *stream);

/* inflate_tar: @below, inflated, if that begins as a tar does: with a member's header, or the end of one without any; else NULL. Takes @below. */
ByteStream *inflate_tar (ByteStream *below);
