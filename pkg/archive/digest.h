/* digest: SHA-256 of what passes by, written "sha256:HEX" as OCI does.
 * Source: OCI image-spec descriptor.md, "Digests". libcrypto's code uses the processor's SHA extensions. */
#pragma once

#include <glib.h>

typedef struct Digest Digest;

Digest *digest_new (void);
void digest_update (Digest *digest, const void *data, size_t size);
/* digest_end: the digest of all that was given; @digest cannot be updated after it. Free with g_free. */
char *digest_end (Digest *digest);
void digest_free (Digest *digest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Digest, digest_free)

/* digest_of: of bytes in memory; free with g_free. */
char *digest_of (const void *data, size_t size);
