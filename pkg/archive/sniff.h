/* sniff: what kind of file some first bytes are. Source: WHATWG "MIME Sniffing", as far as Go's http.DetectContentType goes. */
#pragma once

#include <glib.h>

#define SNIFF_SIZE 512   /* so many bytes are enough */

/* sniff_type: its media type: "application/octet-stream" where nothing better is known. Static. */
const char *sniff_type (const void *data, gsize size);
