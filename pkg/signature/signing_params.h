/* signing_params: the file of --sign-by-sigstore. Source: containers-sigstore-signing-params.yaml(5). */
#pragma once

#include <glib.h>

typedef struct {
  char *key_file;          /* privateKeyFile */
  char *passphrase_file;   /* privateKeyPassphraseFile; NULL: to be asked for */
} SigningParams;
void signing_params_clear (SigningParams *params);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SigningParams, signing_params_clear)

/* signing_params_parse: Errors: INVALID what the format has not, or no privateKeyFile; UNSUPPORTED fulcio (signing without a key) and rekorURL (a transparency log). */
gboolean signing_params_parse (const char *text, SigningParams *ret_params, GError **error);
