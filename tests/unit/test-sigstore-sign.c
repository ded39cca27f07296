/* Signing by keys that a passphrase protects: one that skopeo 1.22 made, and what is none. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/signature/sigstore.h"
#include "pkg/signature/sigstore_sign.h"

/* skopeo generate-sigstore-key, passphrase "secret" */
static const char private_key[] =
    "-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n"
    "eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6\n"
    "OCwicCI6MX0sInNhbHQiOiI3MjVlTE1HRURMUUZESzF0YUJCdU9BN0srSDJDQ1lY\n"
    "WWEwVEljL2NvbWFBPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94\n"
    "Iiwibm9uY2UiOiJvaFlxOXpKRkdHMTNad0tnWXo5cXlVWEtIY244UlRndiJ9LCJj\n"
    "aXBoZXJ0ZXh0IjoiL2RiOXhScUtXWC9WcGZQTmJuL2xsUUVkaTd1MXFEcjZyV3h5\n"
    "N3lRNk0vUXNKQW0zblFSRTNERzh0ck9RdDZjeXhvVFZDSTlqOEt5bEJnTEQzRVU4\n"
    "OUthWTZQcUZsMjloazZTV25XbEpvZWZ5Yk8xT2NSOEkvaWE5am9kMlJKL3U4aG9D\n"
    "NE5FZk1CVHRHK1ppbm54cUtUTmRscWVMeS9OWUtSWkQ1TjRwbDYwRkVHRXhPT0x4\n"
    "TVdvUjZ0SXo0TjFSL2kxSDd6YUMvTWFaVGc9PSJ9\n"
    "-----END ENCRYPTED COSIGN PRIVATE KEY-----\n";

static const char public_key[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7gpQUMa9FjlOOZEVkRH6w6irSKOY\n"
    "yeCzeKE8oUZm1EaruBhXn1nAxQYOm3/IMzqKNl1257HvCRnYEhH2Lh7YHA==\n"
    "-----END PUBLIC KEY-----\n";

static void
test_sign (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SigstoreSigner) signer = sigstore_signer_new (private_key, strlen (private_key), "secret", &error);
  g_assert_no_error (error);
  g_autoptr (SigstoreKey) key = sigstore_key_new (public_key, strlen (public_key), &error);
  g_assert_no_error (error);
  g_autofree char *signature = sigstore_sign (signer, "some text", 9, &error);
  g_assert_no_error (error);
  g_assert_true (sigstore_verify (key, "some text", 9, signature));
  g_assert_false (sigstore_verify (key, "some tex", 8, signature));
}

static void
test_passphrase (void)
{
  static const char *const wrong[] = { "", "secre", "secret ", "Secret" };
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (sigstore_signer_new (private_key, strlen (private_key), wrong[i], &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_DENIED);
      g_assert_cmpstr (error->message, ==, "decrypt: encrypted: decryption failed");
    }
}

/* wrap: @json as a key file of @kind. */
static char *
wrap (const char *kind, const char *json)
{
  g_autofree char *body = g_base64_encode ((const guchar *) json, strlen (json));
  return g_strdup_printf ("-----BEGIN %s-----\n%s\n-----END %s-----\n", kind, body, kind);
}

#define NONCE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define BOX "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define FILE_OF(kdf, params, cipher, nonce, box) \
  "{\"kdf\":{\"name\":\"" kdf "\",\"params\":{" params "},\"salt\":\"AAAA\"},\"cipher\":{\"name\":\"" cipher "\",\"nonce\":\"" nonce "\"},\"ciphertext\":\"" box "\"}"
#define PARAMS "\"N\":32768,\"r\":8,\"p\":1"

static void
test_files (void)
{
  static const struct { const char *json; gboolean good; } cases[] = {
    { FILE_OF ("scrypt", PARAMS, "nacl/secretbox", NONCE, BOX), TRUE },
    { FILE_OF ("scrypt", "\"N\":131072,\"r\":8,\"p\":1", "nacl/secretbox", NONCE, BOX), TRUE },
    { FILE_OF ("scrypt", "\"N\":262144,\"r\":8,\"p\":1", "nacl/secretbox", NONCE, BOX), FALSE },
    { FILE_OF ("scrypt", "\"N\":32768,\"r\":8,\"p\":5", "nacl/secretbox", NONCE, BOX), FALSE },
    { FILE_OF ("scrypt", "\"N\":32767,\"r\":8,\"p\":1", "nacl/secretbox", NONCE, BOX), FALSE },
    { FILE_OF ("scrypt", "\"N\":0,\"r\":8,\"p\":1", "nacl/secretbox", NONCE, BOX), FALSE },
    { FILE_OF ("scrypt", "\"N\":32768,\"r\":8", "nacl/secretbox", NONCE, BOX), FALSE },
    { FILE_OF ("scrypt", "\"r\":8,\"p\":1", "nacl/secretbox", NONCE, BOX), FALSE },
    { FILE_OF ("argon2", PARAMS, "nacl/secretbox", NONCE, BOX), FALSE },
    { FILE_OF ("scrypt", PARAMS, "aes", NONCE, BOX), FALSE },
    { FILE_OF ("scrypt", PARAMS, "nacl/secretbox", "AAAA", BOX), FALSE },
    { FILE_OF ("scrypt", PARAMS, "nacl/secretbox", NONCE, "AAAAAAAAAAAAAAAAAAAAAA=="), FALSE },
    { FILE_OF ("scrypt", PARAMS, "nacl/secretbox", NONCE, "not base64!"), FALSE },
    { "[]", FALSE },
    { "{}", FALSE },
    { "", FALSE },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL, other = NULL;
      g_autofree char *file = wrap ("ENCRYPTED SIGSTORE PRIVATE KEY", cases[i].json), *foreign = wrap ("PRIVATE KEY", cases[i].json);
      if (sigstore_file_check (file, strlen (file), &error) != cases[i].good || cases[i].good != (error == NULL))
        g_error ("case %zu: %s", i, error != NULL ? error->message : "taken");
      g_assert_false (sigstore_file_check (foreign, strlen (foreign), &other));
    }
  g_assert_false (sigstore_file_check ("no PEM", 6, NULL));
  g_assert_false (sigstore_file_check ("", 0, NULL));
}

static void
test_base64 (void)
{
  static const struct { const char *text; gssize size; } cases[] = { { "AAAA", 3 }, { "AAA=", 2 }, { "AA==", 1 }, { "A===", -1 }, { "", -1 }, { "AA=A", -1 }, { "AAA", -1 }, { "AA A", -1 }, { "AAAA\n", -1 } };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gsize size = 0;
      g_autofree guchar *data = sigstore_base64 (cases[i].text, 100, &size);
      g_assert_cmpint (data != NULL ? (gssize) size : -1, ==, cases[i].size);
    }
  g_assert_null (sigstore_base64 ("AAAAAAAA", 4, &(gsize){ 0 }));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sigstore-sign/sign", test_sign);
  g_test_add_func ("/sigstore-sign/passphrase", test_passphrase);
  g_test_add_func ("/sigstore-sign/files", test_files);
  g_test_add_func ("/sigstore-sign/base64", test_base64);
  return g_test_run ();
}
