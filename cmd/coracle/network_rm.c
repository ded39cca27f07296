#include "cmd/coracle/remove_each.h"
#include "pkg/engine/network.h"

static const CliOption options[] = {
  { "force", 'f', CLI_BOOL, .help = "Also the containers that are on it, ended first; and do not mind networks that do not exist" },
  { "time", 't', CLI_INT, .help = "With --force: seconds between the stop signal and SIGKILL; -1: wait for ever", .value = "10" },
  CLI_END
};

static int
network_rm_run (const CliContext *context, const CliArgs *args, GError **error)
{
  if (!remove_check (args, error))
    return CLI_FAILED;
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, cli_args_bool (args, "force"), error))
    return CLI_FAILED;
  return remove_each (&session, args, cli_args_argv (args), network_remove);
}

const CliCommand cmd_network_rm = {
  .names = "network rm|remove",
  .usage = "NETWORK [NETWORK...]",
  .summary = "Remove networks",
  .description = "Remove networks that no container is on, and print their names. The default network cannot be removed.",
  .examples = "network rm back\nnetwork rm --force back\n",
  .options = { options },
  .min_args = 1,
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_NETWORK,
  .complete_rest = CLI_COMPLETE_NETWORK,
  .run = network_rm_run,
};
