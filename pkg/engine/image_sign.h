/* image_sign: simple signing of what was pushed, by the user's own gpg, into the lookaside folder that registries.d names. Source: containers-registries.d(5), containers-signature(5). */
#pragma once

#include <glib.h>

typedef struct {
  const char *registry, *path, *tag, *digest;   /* what it is called there: a tag or a digest */
} SignName;

/* image_sign_ready: is there a folder for signatures? To be asked before anything is pushed. Errors: INVALID registries.d names none that can be written. */
gboolean image_sign_ready (const SignName *name, GError **error);
/* image_sign: @manifest: the digest that the manifest has there. @key: as gpg --local-user takes it. @passphrase_file: NULL: gpg asks.
 * Errors: DENIED gpg does not sign; SYSTEM. */
gboolean image_sign (const SignName *name, const char *manifest, const char *key, const char *passphrase_file, GError **error);
