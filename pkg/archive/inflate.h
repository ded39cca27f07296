/* inflate: undo the compression that the first bytes show: gzip (ISA-L), zstd (libzstd), xz and bzip2 (libarchive's filters), or none. */
#pragma once

#include "pkg/archive/stream.h"

typedef enum { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_XZ, COMPRESSION_BZIP2 } Compression;

/* compression_detect: by magic number; @size may be less than 6 (then perhaps NONE). Source: RFC 1952, RFC 8878, xz and bzip2 file formats. */
Compression compression_detect (const void *data, size_t size);

/* inflate_detect: the compression of *@stream, which is replaced by one that gives the same bytes from the start. */
gboolean inflate_detect (ByteStream **stream, Compression *ret_compression, GError **error);

/* inflate_open: @below, inflated. Several gzip members or zstd frames in a row are one stream (RFC 1952 2.2); anything else after the last, a missing end or a wrong
 * checksum is CORRUPT. At the end all of @below has been read. Takes @below, also on failure. @ret_compression: may be NULL. */
ByteStream *inflate_open (ByteStream *below, Compression *ret_compression, GError **error);
