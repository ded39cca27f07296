#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/image_commands.h"
#include "cmd/coracle-image/auth_path.h"
#include "cmd/coracle-image/prompt.h"
#include "pkg/base/error.h"
#include "pkg/registry/registries_conf.h"
#include "pkg/registry/registry.h"

int login_run (const CliContext *context, const CliArgs *args, GError **error);

gboolean
auth_path_read (const CliArgs *args, char **ret_path, GError **error)
{
  if (cli_args_is_set (args, "authfile") && cli_args_is_set (args, "compat-auth-file"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "options for paths to the credential file and to the Docker-compatible credential file can not be set simultaneously");
  const char *compat = cli_args_string (args, "compat-auth-file");
  *ret_path = credentials_path (compat != NULL ? compat : cli_args_string (args, "authfile"));
  return TRUE;
}

char *
auth_key_read (const CliArgs *args, GError **error)
{
  const char *given = cli_args_arg (args, 0);
  if (given != NULL)
    {
      const char *scheme = strstr (given, "://");
      gsize length = 0;
      if (scheme != NULL && (g_str_has_prefix (given, "http://") || g_str_has_prefix (given, "https://")))
        given = scheme + 3;
      for (length = strlen (given); length > 0 && given[length - 1] == '/'; length--)
        continue;
      if (length > 0)
        return g_strndup (given, length);
      return coracle_throw (error, CORACLE_ERROR_INVALID, "please provide a registry"), NULL;
    }
  g_autoptr (RegistriesConf) conf = registries_conf_read (error);
  if (conf == NULL)
    return NULL;
  if (conf->search != NULL && conf->search[0] != NULL)
    return g_strdup (conf->search[0]);
  if (!conf->any)
    return g_strdup ("docker.io");
  return coracle_throw (error, CORACLE_ERROR_INVALID, "no registries found in registries.conf, a registry must be provided"), NULL;
}

static gboolean
check (const CliArgs *args, const RegistriesConf *conf, const char *key, const Credentials *who, GError **error)
{
  g_autofree char *host = g_strndup (key, strcspn (key, "/"));
  const char *slash = strchr (key, '/');
  g_autoptr (GPtrArray) places = registries_places (conf, host, slash != NULL ? slash + 1 : "x", FALSE, NULL);
  gboolean known_insecure = places != NULL && places->len > 0 && ((const RegistriesPlace *) places->pdata[places->len - 1])->insecure;
  RegistryOptions options = { .insecure = cli_args_is_set (args, "tls-verify") ? !cli_args_bool (args, "tls-verify") : known_insecure, .cert_dir = cli_args_string (args, "cert-dir"),
                              .credentials = who };
  g_autoptr (Registry) registry = registry_new (host, &options, error);
  if (registry == NULL)
    return FALSE;
  g_autoptr (GError) problem = NULL;
  if (registry_check_login (registry, &problem))
    return TRUE;
  gboolean wrong = g_str_has_suffix (problem->message, "invalid username/password");
  g_propagate_error (error, g_steal_pointer (&problem));
  return coracle_prefix (error, wrong ? "logging into \"%s\"" : "authenticating creds for \"%s\"", key);
}

static int
get_login (const CliArgs *args, const RegistriesConf *conf, const char *key, GError **error)
{
  g_auto (Credentials) who = { 0 };
  if (!credentials_find (cli_args_string (args, "authfile"), key, conf->helpers, &who, error))
    return CLI_FAILED;
  if (who.username == NULL)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "not logged into %s", key), CLI_FAILED;
  puts (who.username);
  return 0;
}

/* still_good: what is kept already will do. */
static gboolean
still_good (const CliArgs *args, const RegistriesConf *conf, const char *key)
{
  g_auto (Credentials) who = { 0 };
  if (!credentials_find (cli_args_string (args, "authfile"), key, conf->helpers, &who, NULL) || (who.username == NULL && who.identity_token == NULL))
    return FALSE;
  fprintf (stderr, "Authenticating with existing credentials for %s\n", key);
  if (check (args, conf, key, &who, NULL))
    {
      printf ("Existing credentials are valid. Already logged in to %s\n", key);
      return TRUE;
    }
  fprintf (stderr, "Existing credentials are invalid, please enter valid username and password\n");
  return FALSE;
}

static gboolean
read_who (const CliArgs *args, Credentials *who, GError **error)
{
  gboolean from_stdin = cli_args_bool (args, "password-stdin");
  who->username = g_strdup (cli_args_string (args, "username"));
  who->password = g_strdup (cli_args_string (args, "password"));
  if (from_stdin && who->password != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "Can't specify both --password-stdin and --password");
  if (from_stdin && who->username == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "Must provide --username with --password-stdin");
  if (from_stdin)
    who->password = prompt_line ();
  if (who->username == NULL)
    who->username = prompt ("Username: ", FALSE);
  if (who->password == NULL && !from_stdin && who->username != NULL)
    who->password = prompt ("Password: ", TRUE);
  if (who->username == NULL || *who->username == '\0' || who->password == NULL || *who->password == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "getting username and password: a name and a password are needed; --username and --password-stdin give them without a terminal");
  return TRUE;
}

int
login_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Credentials) who = { 0 };
  g_autofree char *path = NULL, *key = auth_key_read (args, error);
  g_autoptr (RegistriesConf) conf = key != NULL ? registries_conf_read (error) : NULL;
  if (conf == NULL || !auth_path_read (args, &path, error))
    return CLI_FAILED;
  if (cli_args_bool (args, "get-login"))
    return get_login (args, conf, key, error);
  gboolean named = cli_args_is_set (args, "username") || cli_args_is_set (args, "password") || cli_args_bool (args, "password-stdin");
  if (!named && still_good (args, conf, key))
    return 0;
  if (!read_who (args, &who, error) || !check (args, conf, key, &who, error) || !credentials_store (path, key, conf->helpers, &who, error))
    return CLI_FAILED;
  if (cli_args_bool (args, "verbose"))
    printf ("Used:  %s\n", path);
  puts ("Login Succeeded!");
  return 0;
}
