#include "cmd/coracle-image/access.h"

#include <string.h>
#include <unistd.h>

#include "cmd/common/authfile.h"
#include "cmd/coracle-image/prompt.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"

void
access_args_clear (AccessArgs *args)
{
  g_clear_pointer (&args->creds, g_free);
}

/* read_creds: "USER" alone, or nothing before the colon: the rest is asked for. */
static gboolean
read_creds (const char *given, AccessArgs *access, GError **error)
{
  if (strchr (given, ':') > given || *given == '\0' || !isatty (STDIN_FILENO))
    access->creds = g_strdup (given);
  else
    {
      g_autofree char *password = prompt ("Password: ", TRUE);
      if (password == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "could not read password from terminal");
      access->creds = g_strconcat (given, ":", password, NULL);
    }
  access->access.creds = access->creds;
  return TRUE;
}

static gboolean
has (const CliCommand *command, const char *name)
{
  return cli_option_find (command, name) != NULL;
}

gboolean
access_read (const CliArgs *args, const CliCommand *command, AccessArgs *ret_access, GError **error)
{
  gint64 nsec = 0;
  RegistryAccess *access = &ret_access->access;
  *ret_access = (AccessArgs){ .access = { .tls_verify = TRUE, .retries = 3 } };
  if (has (command, "decryption-key") && cli_args_list (args, "decryption-key")[0] != NULL)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "--decryption-key: encrypted images are not supported: decrypt it with skopeo copy --decryption-key first");
  if (has (command, "disable-content-trust") && !cli_args_bool (args, "disable-content-trust"))
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "--disable-content-trust=false: Docker's content trust is not supported: policy.json says which signatures are asked for");
  if (has (command, "authfile"))
    {
      if (!authfile_check (args, error))
        return FALSE;
      access->authfile = cli_args_string (args, "authfile");
    }
  if (has (command, "cert-dir"))
    access->cert_dir = cli_args_string (args, "cert-dir");
  if (has (command, "tls-verify"))
    {
      access->tls_given = cli_args_is_set (args, "tls-verify");
      access->tls_verify = cli_args_bool (args, "tls-verify");
    }
  if (has (command, "retry"))
    access->retries = (guint) MIN (cli_args_int (args, "retry"), 1000);
  if (has (command, "retry-delay") && cli_args_is_set (args, "retry-delay") && !text_seconds_parse (cli_args_string (args, "retry-delay"), &nsec, error))
    return FALSE;
  access->delay = MAX (nsec, 0) / 1000;
  return !has (command, "creds") || !cli_args_is_set (args, "creds") || read_creds (cli_args_string (args, "creds"), ret_access, error);
}
