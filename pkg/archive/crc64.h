/* crc64: the checksum that tar-split notes of contents. Source: ISO 3309 with the polynomial x^64 + x^4 + x^3 + x + 1, bits reflected, as Go's hash/crc64 (ISO) has it. */
#pragma once

#include <glib.h>

/* crc64_update: of what was before (@crc; 0 at the beginning) and @size bytes of @data more. */
guint64 crc64_update (guint64 crc, const guint8 *data, size_t size);
