/* download: what is behind a URL, as a stream: http and https, through at most ten redirects, never from https to http. Certificates are the system's. Linked by coracle-image only. */
#pragma once

#include "pkg/archive/stream.h"

gboolean download_is_url (const char *text);

/* download_open: Errors: SYSTEM the network, or a status that is not 200; NOT_FOUND no such host; DENIED TLS; CORRUPT a loop. */
ByteStream *download_open (const char *url, GError **error);
