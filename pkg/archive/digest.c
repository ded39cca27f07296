#include "pkg/archive/digest.h"

#include <openssl/evp.h>

struct Digest {
  EVP_MD_CTX *context;
};

Digest *
digest_new (void)
{
  Digest *digest = g_new0 (Digest, 1);
  digest->context = EVP_MD_CTX_new ();
  /* libcrypto fails here only without memory or without SHA-256: neither can be lived with, as with GLib's own allocations */
  if (digest->context == NULL || EVP_DigestInit_ex (digest->context, EVP_sha256 (), NULL) != 1)
    g_error ("libcrypto gives no SHA-256");
  return digest;
}

void
digest_update (Digest *digest, const void *data, size_t size)
{
  if (EVP_DigestUpdate (digest->context, data, size) != 1)
    g_error ("libcrypto: SHA-256 failed");
}

char *
digest_end (Digest *digest)
{
  static const char hex[] = "0123456789abcdef";
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_DigestFinal_ex (digest->context, raw, &size) != 1)
    g_error ("libcrypto: SHA-256 failed");
  GString *text = g_string_sized_new (7 + 2 * (gsize) size);
  g_string_append (text, "sha256:");
  for (unsigned i = 0; i < size; i++)
    {
      g_string_append_c (text, hex[raw[i] >> 4]);
      g_string_append_c (text, hex[raw[i] & 15]);
    }
  return g_string_free (text, FALSE);
}

void
digest_free (Digest *digest)
{
  if (digest == NULL)
    return;
  EVP_MD_CTX_free (digest->context);
  g_free (digest);
}

char *
digest_of (const void *data, size_t size)
{
  g_autoptr (Digest) digest = digest_new ();
  digest_update (digest, data, size);
  return digest_end (digest);
}
