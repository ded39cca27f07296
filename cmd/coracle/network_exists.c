#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/network.h"

static int
network_exists_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  g_autoptr (GError) problem = NULL;
  g_autoptr (NetConfig) config = network_find (session.storage, cli_args_arg (args, 0), &problem);
  if (config == NULL && !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return CLI_FAILED;
    }
  return config != NULL ? 0 : 1;
}

const CliCommand cmd_network_exists = {
  .names = "network exists",
  .usage = "NETWORK",
  .summary = "Tell by the exit status whether there is such a network",
  .description = "Exit with 0 if the network exists and with 1 if it does not.",
  .min_args = 1,
  .max_args = 1,
  .complete = CLI_COMPLETE_NETWORK,
  .run = network_exists_run,
};
