#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/manifest_args.h"
#include "pkg/base/error.h"

int manifest_remove_run (const CliContext *context, const CliArgs *args, GError **error);

int
manifest_remove_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  const char *name = cli_args_arg (args, 0);
  if (!session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  g_autoptr (ManifestList) list = manifest_list_find (session.storage, name, error);
  if (list == NULL)
    return CLI_FAILED;
  if (manifest_list_remove (list, cli_args_arg (args, 1), error))
    return manifest_stored (session.storage, list, NULL, error);
  coracle_prefix (error, "removing from manifest list %s", name);
  return CLI_FAILED;
}
