/* Any key file is one or is refused, and asks for no more of scrypt than is allowed; any file of parameters names a key or is refused; whatever gpg prints has names or none. */
#include <stdint.h>
#include <string.h>

#include "pkg/signature/signing_params.h"
#include "pkg/signature/sigstore_sign.h"
#include "pkg/signature/simple.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size), *pem = NULL, *body = g_base64_encode (data, size);
  g_autoptr (GError) error = NULL, sealed = NULL, wrong = NULL;
  g_auto (SigningParams) params = { NULL, NULL };
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  if (sigstore_file_check ((const char *) data, size, &error) == (error != NULL))
    g_error ("neither a key nor an error, or both");
  /* the JSON within, too */
  pem = g_strconcat ("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n", body, "\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n", NULL);
  if (sigstore_file_check (pem, strlen (pem), &sealed) == (sealed != NULL))
    g_error ("neither a key nor an error, or both");
  if (signing_params_parse (text, &params, &wrong) != (params.key_file != NULL))
    g_error ("parameters without a key");
  simple_names_read (text, names);
  return 0;
}
