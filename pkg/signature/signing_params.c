#include "pkg/signature/signing_params.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/json/json.h"
#include "pkg/signature/registries_d.h"

void
signing_params_clear (SigningParams *params)
{
  g_free (params->key_file);
  g_free (params->passphrase_file);
  *params = (SigningParams){ NULL, NULL };
}

gboolean
signing_params_parse (const char *text, SigningParams *ret_params, GError **error)
{
  json_auto_t *root = registries_d_parse (text, error);
  const char *key, *key_file = NULL, *passphrase_file = NULL;
  json_t *value;
  json_object_foreach (root, key, value)
    if (strcmp (key, "fulcio") == 0 || strcmp (key, "rekorURL") == 0)
      return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s is not supported: images are signed by a privateKeyFile", key);
    else if (strcmp (key, "privateKeyFile") != 0 && strcmp (key, "privateKeyPassphraseFile") != 0)
      return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown key \"%s\"", key);
  if (root == NULL || !json_get_string (root, "privateKeyFile", &key_file, error) || !json_get_string (root, "privateKeyPassphraseFile", &passphrase_file, error))
    return FALSE;
  if (key_file == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "no private key source provided: there is no privateKeyFile");
  *ret_params = (SigningParams){ g_strdup (key_file), g_strdup (passphrase_file) };
  return TRUE;
}
