#include "pkg/signature/sigstore_sign.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/json/json.h"
#include "pkg/signature/sigstore.h"

#define FILE_LIMIT ((gsize) 64 << 10)
#define MEMORY_LIMIT ((guint64) 128 << 20)   /* of scrypt; what is written today takes 64 MiB */
#define PARALLEL_LIMIT 4

struct SigstoreSigner {
  EVP_PKEY *key;
};

/* What a key file says, apart from the passphrase. */
typedef struct {
  gint64 n, r, p;
  guchar *salt, *nonce, *box;
  gsize salt_size, nonce_size, box_size;
} Sealed;

static void
sealed_clear (Sealed *sealed)
{
  g_free (sealed->salt);
  g_free (sealed->nonce);
  g_free (sealed->box);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Sealed, sealed_clear)

/* Bytes that are wiped when they are let go. */
typedef struct {
  guchar *data;
  gsize size;
} Secret;

static void
secret_clear (Secret *secret)
{
  if (secret->data != NULL)
    OPENSSL_cleanse (secret->data, secret->size);
  g_clear_pointer (&secret->data, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Secret, secret_clear)

/* ---- the file */

static gboolean
throw_form (const char *what, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_INVALID, "no encrypted sigstore private key: %s", what);
}

/* unwrap: the JSON within the PEM. */
static char *
unwrap (const char *pem, gsize size, gsize *ret_size, GError **error)
{
  static const char *const kinds[] = { "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY", NULL };
  char *name = NULL, *header = NULL, *text = NULL;
  unsigned char *data = NULL;
  long length = 0;
  BIO *bio = size > 0 && size <= FILE_LIMIT ? BIO_new_mem_buf (pem, (int) size) : NULL;
  int got = bio != NULL ? PEM_read_bio (bio, &name, &header, &data, &length) : 0;
  BIO_free (bio);
  ERR_clear_error ();
  if (got != 1)
    (void) throw_form ("invalid pem block", error);
  else if (!g_strv_contains (kinds, name))
    (void) coracle_throw (error, CORACLE_ERROR_INVALID, "unsupported pem type: %s", name);
  else
    {
      text = g_strndup ((const char *) data, (gsize) length);
      *ret_size = (gsize) length;
    }
  OPENSSL_free (name);
  OPENSSL_free (header);
  OPENSSL_free (data);
  return text;
}

static gboolean
get_bytes (json_t *root, const char *path, guchar **ret, gsize *ret_size, GError **error)
{
  const char *text = NULL;
  if (!json_get_string (root, path, &text, error) || !json_need (text, path, error))
    return FALSE;
  *ret = sigstore_base64 (text, FILE_LIMIT, ret_size);
  return *ret != NULL || coracle_throw (error, CORACLE_ERROR_INVALID, "%s: no base64", path);
}

static gboolean
is_word (json_t *root, const char *path, const char *word, GError **error)
{
  const char *text = NULL;
  if (!json_get_string (root, path, &text, error))
    return FALSE;
  return g_strcmp0 (text, word) == 0 || coracle_throw (error, CORACLE_ERROR_INVALID, "%s is not %s", path, word);
}

static gboolean
read_sealed (const char *text, gsize size, Sealed *ret, GError **error)
{
  json_auto_t *root = json_parse_bounded (text, size, FILE_LIMIT, JSON_PARSE_UNIQUE_KEYS, error);
  if (root == NULL || !is_word (root, "kdf.name", "scrypt", error) || !is_word (root, "cipher.name", "nacl/secretbox", error)
      || !json_get_int (root, "kdf.params.N", 2, G_MAXINT32, &ret->n, error) || !json_get_int (root, "kdf.params.r", 1, 1024, &ret->r, error)
      || !json_get_int (root, "kdf.params.p", 1, PARALLEL_LIMIT, &ret->p, error) || !get_bytes (root, "kdf.salt", &ret->salt, &ret->salt_size, error)
      || !get_bytes (root, "cipher.nonce", &ret->nonce, &ret->nonce_size, error) || !get_bytes (root, "ciphertext", &ret->box, &ret->box_size, error))
    return FALSE;
  if (ret->n < 2 || (ret->n & (ret->n - 1)) != 0 || ret->r == 0 || ret->p == 0 || (guint64) ret->n * (guint64) ret->r * 128 > MEMORY_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "kdf.params are none that are taken: N %" G_GINT64_FORMAT ", r %" G_GINT64_FORMAT ", p %" G_GINT64_FORMAT, ret->n, ret->r, ret->p);
  if (ret->nonce_size != crypto_secretbox_NONCEBYTES || ret->box_size <= crypto_secretbox_MACBYTES)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cipher.nonce or ciphertext has the wrong length");
  return TRUE;
}

/* ---- the key */

static gboolean
open_box (const Sealed *sealed, const char *passphrase, Secret *ret_key, GError **error)
{
  g_auto (Secret) key = { g_malloc0 (crypto_secretbox_KEYBYTES), crypto_secretbox_KEYBYTES };
  g_auto (Secret) opened = { g_malloc0 (sealed->box_size), sealed->box_size - crypto_secretbox_MACBYTES };
  if (sodium_init () < 0
      || EVP_PBE_scrypt (passphrase, strlen (passphrase), sealed->salt, sealed->salt_size, (uint64_t) sealed->n, (uint64_t) sealed->r, (uint64_t) sealed->p, 2 * MEMORY_LIMIT, key.data, key.size)
             != 1)
    {
      ERR_clear_error ();
      return coracle_throw (error, CORACLE_ERROR_SYSTEM, "scrypt has failed");
    }
  if (crypto_secretbox_open_easy (opened.data, sealed->box, sealed->box_size, sealed->nonce, key.data) != 0)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "decrypt: encrypted: decryption failed");
  *ret_key = opened;
  opened.data = NULL;
  return TRUE;
}

static EVP_PKEY *
read_key (const Secret *der, GError **error)
{
  const unsigned char *at = der->data;
  PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO (NULL, &at, (long) der->size);
  EVP_PKEY *key = info != NULL && at == der->data + der->size ? EVP_PKCS82PKEY (info) : NULL;
  PKCS8_PRIV_KEY_INFO_free (info);
  ERR_clear_error ();
  if (key != NULL && sigstore_key_kind_good (key))
    return key;
  EVP_PKEY_free (key);
  throw_form ("what is in it is neither ECDSA, RSA nor Ed25519, as PKCS #8", error);
  return NULL;
}

gboolean
sigstore_file_check (const char *pem, gsize size, GError **error)
{
  gsize length;
  g_autofree char *text = unwrap (pem, size, &length, error);
  g_auto (Sealed) sealed = { 0 };
  return text != NULL && read_sealed (text, length, &sealed, error);
}

SigstoreSigner *
sigstore_signer_new (const char *pem, gsize size, const char *passphrase, GError **error)
{
  gsize length;
  g_autofree char *text = unwrap (pem, size, &length, error);
  g_auto (Sealed) sealed = { 0 };
  g_auto (Secret) der = { NULL, 0 };
  if (text == NULL || !read_sealed (text, length, &sealed, error) || !open_box (&sealed, passphrase, &der, error))
    return NULL;
  EVP_PKEY *key = read_key (&der, error);
  if (key == NULL)
    return NULL;
  SigstoreSigner *signer = g_new (SigstoreSigner, 1);
  signer->key = key;
  return signer;
}

void
sigstore_signer_free (SigstoreSigner *signer)
{
  if (signer == NULL)
    return;
  EVP_PKEY_free (signer->key);
  g_free (signer);
}

char *
sigstore_sign (const SigstoreSigner *signer, const void *data, gsize size, GError **error)
{
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  const EVP_MD *digest = EVP_PKEY_get_base_id (signer->key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256 ();
  g_autofree guchar *raw = NULL;
  gsize length = 0;
  gboolean good = context != NULL && EVP_DigestSignInit (context, NULL, digest, NULL, signer->key) == 1 && EVP_DigestSign (context, NULL, &length, data, size) == 1;
  if (good)
    {
      raw = g_malloc (length);
      good = EVP_DigestSign (context, raw, &length, data, size) == 1;
    }
  EVP_MD_CTX_free (context);
  ERR_clear_error ();
  if (good)
    return g_base64_encode (raw, length);
  coracle_throw (error, CORACLE_ERROR_SYSTEM, "libcrypto does not sign");
  return NULL;
}
