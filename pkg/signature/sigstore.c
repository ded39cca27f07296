#include "pkg/signature/sigstore.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "pkg/base/error.h"

#define PEM_LIMIT ((gsize) 64 << 10)
#define RSA_BITS 2048

struct SigstoreKey {
  EVP_PKEY *key;
};

guchar *
sigstore_base64 (const char *text, gsize limit, gsize *ret_size)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  gsize length = strlen (text), body = strspn (text, alphabet);
  /* what g_base64_decode passes over would make another text the same bytes */
  if (length == 0 || length > limit || length % 4 != 0 || length - body > 2 || strspn (text + body, "=") != length - body)
    return NULL;
  return g_base64_decode (text, ret_size);
}

gboolean
sigstore_key_kind_good (const EVP_PKEY *key)
{
  int kind = EVP_PKEY_get_base_id (key);
  return kind == EVP_PKEY_EC || kind == EVP_PKEY_ED25519 || (kind == EVP_PKEY_RSA && EVP_PKEY_get_bits (key) >= RSA_BITS);
}

SigstoreKey *
sigstore_key_new (const char *pem, gsize size, GError **error)
{
  BIO *bio = size > 0 && size <= PEM_LIMIT ? BIO_new_mem_buf (pem, (int) size) : NULL;
  EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY (bio, NULL, NULL, NULL) : NULL;
  BIO_free (bio);
  ERR_clear_error ();
  if (key == NULL || !sigstore_key_kind_good (key))
    {
      EVP_PKEY_free (key);
      return coracle_throw (error, CORACLE_ERROR_INVALID, "no public key: ECDSA, RSA of at least %d bits or Ed25519, as PEM", RSA_BITS), NULL;
    }
  SigstoreKey *new = g_new (SigstoreKey, 1);
  new->key = key;
  return new;
}

void
sigstore_key_free (SigstoreKey *key)
{
  if (key == NULL)
    return;
  EVP_PKEY_free (key->key);
  g_free (key);
}

gboolean
sigstore_verify (const SigstoreKey *key, const void *data, gsize size, const char *signature)
{
  gsize raw_size = 0;
  g_autofree guchar *raw = sigstore_base64 (signature, PEM_LIMIT, &raw_size);
  if (raw == NULL)
    return FALSE;
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  const EVP_MD *digest = EVP_PKEY_get_base_id (key->key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256 ();
  gboolean good = context != NULL && raw_size > 0 && EVP_DigestVerifyInit (context, NULL, digest, NULL, key->key) == 1
                  && EVP_DigestVerify (context, raw, raw_size, data, size) == 1;
  EVP_MD_CTX_free (context);
  ERR_clear_error ();
  return good;
}
