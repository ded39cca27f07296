#include <stdio.h>

#include "cmd/common/image_commands.h"
#include "cmd/common/authfile.h"
#include "cmd/coracle-image/auth_path.h"
#include "pkg/base/error.h"
#include "pkg/registry/credentials.h"
#include "pkg/registry/registries_conf.h"

int logout_run (const CliContext *context, const CliArgs *args, GError **error);

int
logout_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_autofree char *path = NULL, *key = NULL;
  gboolean all = cli_args_bool (args, "all");
  if (all && cli_args_count (args) > 0)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "--all takes no arguments");
      return CLI_FAILED;
    }
  if (!authfile_check (args, error))
    return CLI_FAILED;
  g_autoptr (RegistriesConf) conf = registries_conf_read (error);
  if (conf == NULL || !auth_path_read (args, &path, error) || (!all && (key = auth_key_read (args, error)) == NULL) || !credentials_remove (path, key, conf->helpers, error))
    return CLI_FAILED;
  if (all)
    puts ("Removed login credentials for all registries");
  else
    printf ("Removed login credentials for %s\n", key);
  return 0;
}
