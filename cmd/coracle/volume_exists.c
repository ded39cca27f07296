#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "storage/volume.h"

static int
volume_exists_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  g_autoptr (GError) problem = NULL;
  g_autoptr (Volume) volume = volume_read (session.storage, cli_args_arg (args, 0), &problem);
  return volume == NULL && g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND) ? 1 : 0;
}

const CliCommand cmd_volume_exists = {
  .names = "volume exists",
  .usage = "VOLUME",
  .summary = "Tell by the exit status whether there is such a volume",
  .description = "Exit with 0 if the volume exists and with 1 if it does not.",
  .min_args = 1,
  .max_args = 1,
  .complete = CLI_COMPLETE_VOLUME,
  .run = volume_exists_run,
};
