/* sigstore_sign: signatures by a private key that a passphrase protects. Linked by coracle-image only (libcrypto, libsodium).
 * Source: cosign's and `skopeo generate-sigstore-key`'s key files: PEM "ENCRYPTED SIGSTORE PRIVATE KEY" (once: COSIGN) around the JSON of go-tuf's package "encrypted":
 * a PKCS #8 key in NaCl's secretbox, by a key that scrypt makes of the passphrase. */
#pragma once

#include <glib.h>

typedef struct SigstoreSigner SigstoreSigner;
/* sigstore_signer_new: @pem: foreign bytes; what they would have scrypt do is bounded (128 MiB, a second or so).
 * Errors: INVALID no such key file; DENIED the passphrase does not fit. */
SigstoreSigner *sigstore_signer_new (const char *pem, gsize size, const char *passphrase, GError **error);
/* sigstore_file_check: is that a key file, whatever its passphrase? Exposed for tests, which do not wait for scrypt. */
gboolean sigstore_file_check (const char *pem, gsize size, GError **error);
void sigstore_signer_free (SigstoreSigner *signer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SigstoreSigner, sigstore_signer_free)

/* sigstore_sign: of @data, base64; free with g_free. Errors: SYSTEM. */
char *sigstore_sign (const SigstoreSigner *signer, const void *data, gsize size, GError **error);
