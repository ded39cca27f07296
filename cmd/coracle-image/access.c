#include "cmd/coracle-image/access.h"

#include <string.h>
#include <unistd.h>

#include "cmd/common/authfile.h"
#include "cmd/coracle-image/prompt.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/config/containers_conf.h"
#include "pkg/json/json.h"

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

/* read_retries: as given, else as containers.conf says, else three. */
static gboolean
read_retries (const CliArgs *args, RegistryAccess *access, GError **error)
{
  gint64 retries = 3, nsec = 0;
  const char *delay = NULL;
  json_auto_t *conf = containers_conf_read (error);
  if (conf == NULL)
    return FALSE;
  if (!json_get_int (conf, "engine.retry", 0, G_MAXINT32, &retries, error) || !json_get_string (conf, "engine.retry_delay", &delay, error))
    return coracle_prefix (error, "containers.conf");
  if (cli_args_is_set (args, "retry"))
    retries = cli_args_int (args, "retry");
  if (cli_args_is_set (args, "retry-delay"))
    delay = cli_args_string (args, "retry-delay");
  if (delay != NULL && *delay != '\0' && !text_seconds_parse (delay, &nsec, error))
    return FALSE;
  access->retries = (guint) MIN (retries, 1000);
  access->delay = MAX (nsec, 0) / 1000;
  return TRUE;
}

gboolean
access_read (const CliArgs *args, const CliCommand *command, AccessArgs *ret_access, GError **error)
{
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
  if (has (command, "retry") && !read_retries (args, access, error))
    return FALSE;
  return !has (command, "creds") || !cli_args_is_set (args, "creds") || read_creds (cli_args_string (args, "creds"), ret_access, error);
}
