#include "cmd/common/session.h"
#include "pkg/engine/network_connect.h"

static const CliOption options[] = {
  { "force", 'f', CLI_BOOL, .help = "Do not mind if it is not on it" },
  CLI_END
};

static int
network_disconnect_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  return session_open (&session, context, TRUE, error)
                 && network_disconnect (session.storage, session.map, cli_args_arg (args, 0), cli_args_arg (args, 1), cli_args_bool (args, "force"), error)
             ? 0
             : CLI_FAILED;
}

const CliCommand cmd_network_disconnect = {
  .names = "network disconnect",
  .usage = "NETWORK CONTAINER",
  .summary = "Take a container off a network",
  .description = "Take a container off a network. If it runs its interface there goes at once.",
  .examples = "network disconnect back web\n",
  .options = { options },
  .min_args = 2,
  .max_args = 2,
  .complete = CLI_COMPLETE_NETWORK,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = network_disconnect_run,
};
