/* sigstore: signatures by a key pair, as cosign makes them. Linked by coracle-image only (libcrypto). */
#pragma once

#include <glib.h>
#include <openssl/types.h>

/* sigstore_base64: @text strictly: no character that g_base64_decode would pass over; NULL: none, or over @limit characters. Free with g_free. */
guchar *sigstore_base64 (const char *text, gsize limit, gsize *ret_size);
/* sigstore_key_kind_good: ECDSA, Ed25519, RSA of at least 2048 bits? */
gboolean sigstore_key_kind_good (const EVP_PKEY *key);

typedef struct SigstoreKey SigstoreKey;
/* sigstore_key_new: a public key, PEM: ECDSA, RSA of at least 2048 bits, Ed25519. Errors: INVALID. */
SigstoreKey *sigstore_key_new (const char *pem, gsize size, GError **error);
void sigstore_key_free (SigstoreKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SigstoreKey, sigstore_key_free)

/* sigstore_verify: is @signature (base64) one of @data by @key? */
gboolean sigstore_verify (const SigstoreKey *key, const void *data, gsize size, const char *signature);
