/* digest: how a content digest is written. The store uses SHA-256 alone, as all registries do. */
#pragma once

#include <glib.h>

#define IMAGE_DIGEST_HEX 64

/* image_digest_is_sha256: "sha256:" and 64 lower-case hex digits, nothing else. Such a text is safe as a file's name from image_digest_hex on. */
gboolean image_digest_is_sha256 (const char *text);
/* image_digest_hex: the 64 digits of a valid digest; borrowed. */
const char *image_digest_hex (const char *digest);
