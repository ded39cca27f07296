#include "cmd/coracle-image/sign_args.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/coracle-image/prompt.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/outside.h"
#include "pkg/signature/signing_params.h"

#define FILE_LIMIT ((gsize) 1 << 20)

static char *
read_file (const char *path, gsize *ret_size, GError **error)
{
  char *data = NULL;
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  int errsv = errno;
  if (fd < 0)
    coracle_throw_errno (error, errsv, "open %s", path);
  else if (!fd_read_file (fd, FILE_LIMIT, &data, ret_size, error))
    coracle_prefix (error, "read %s", path);
  return data;
}

/* read_passphrase: the first line of @file, or of standard input, where a terminal is asked. */
static char *
read_passphrase (const char *file, const char *key, GError **error)
{
  gsize size;
  char *text;
  if (file != NULL)
    {
      text = read_file (file, &size, error);
      if (text != NULL)
        text[strcspn (text, "\n")] = '\0';
      return text;
    }
  g_autofree char *question = g_strdup_printf ("Passphrase for key %s: ", key);
  text = isatty (STDIN_FILENO) ? prompt (question, TRUE) : prompt_line ();
  if (text == NULL)
    coracle_throw (error, CORACLE_ERROR_INVALID, "no passphrase for key %s: give it with --sign-passphrase-file", key);
  return text;
}

static gboolean
add_key (const char *key, const char *passphrase_file, ImageSigners *signers, GError **error)
{
  gsize size;
  g_autofree char *pem = read_file (key, &size, error), *passphrase = pem != NULL ? read_passphrase (passphrase_file, key, error) : NULL;
  if (pem == NULL)
    return coracle_prefix (error, "reading private key from %s", key);
  SigstoreSigner *signer = passphrase != NULL ? sigstore_signer_new (pem, size, passphrase, error) : NULL;
  if (passphrase != NULL)
    explicit_bzero (passphrase, strlen (passphrase));
  if (passphrase != NULL && signer == NULL)
    coracle_prefix (error, "initializing private key");
  if (signer != NULL)
    image_signers_add (signers, signer);
  return signer != NULL;
}

static gboolean
add_by_params (const char *path, ImageSigners *signers, GError **error)
{
  g_auto (SigningParams) params = { NULL, NULL };
  gsize size;
  g_autofree char *text = read_file (path, &size, error);
  if (text == NULL)
    return coracle_prefix (error, "setting up signing using parameter file \"%s\"", path);
  return (signing_params_parse (text, &params, error) || coracle_prefix (error, "setting up signing using parameter file \"%s\": parsing", path))
         && add_key (params.key_file, params.passphrase_file, signers, error);
}

/* given: NULL also where it is empty, as scripts say it. */
static const char *
given (const CliArgs *args, const char *option)
{
  const char *text = cli_args_string (args, option);
  return text != NULL && *text != '\0' ? text : NULL;
}

gboolean
sign_args_read (const CliArgs *args, ImageSigners *ret, GError **error)
{
  const char *params = given (args, "sign-by-sigstore"), *key = given (args, "sign-by-sigstore-private-key"), *file = given (args, "sign-passphrase-file");
  if (given (args, "sign-by-sq-fingerprint") != NULL)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "--sign-by-sq-fingerprint is not supported: --sign-by signs with GPG");
  ret->gpg_key = given (args, "sign-by");
  if (file != NULL && ret->gpg_key == NULL && key == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--sign-passphrase-file is for --sign-by or --sign-by-sigstore-private-key");
  if (file != NULL && ret->gpg_key != NULL && key != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "only one of --sign-by, --sign-by-sq-fingerprint and --sign-by-sigstore-private-key can be used with --sign-passphrase-file");
  ret->gpg_passphrase = file;
  if ((params != NULL && !add_by_params (params, ret, error)) || (key != NULL && !add_key (key, file, ret, error)))
    return FALSE;
  return ret->gpg_key == NULL || outside_begin (error);
}
