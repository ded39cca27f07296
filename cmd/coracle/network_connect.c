#include "pkg/engine/network_connect.h"

#include "cmd/common/session.h"

static const CliOption options[] = {
  { "alias", 0, CLI_CSV, .help = "One more name by which the containers on the network find it" },
  { "ip", 0, CLI_STRING, .help = "The IPv4 address it is to have" },
  { "ip6", 0, CLI_STRING, .help = "The IPv6 address it is to have" },
  { "mac-address", 0, CLI_STRING, .help = "The hardware address it is to have" },
  CLI_END
};

static int
network_connect_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const NetworkConnect request = { .network = cli_args_arg (args, 0), .container = cli_args_arg (args, 1), .aliases = cli_args_list (args, "alias"), .ip = cli_args_string (args, "ip"),
                                   .ip6 = cli_args_string (args, "ip6"), .mac = cli_args_string (args, "mac-address") };
  g_auto (Session) session = { 0 };
  return session_open (&session, context, TRUE, error) && network_connect (session.storage, session.map, &request, error) ? 0 : CLI_FAILED;
}

const CliCommand cmd_network_connect = {
  .names = "network connect",
  .usage = "NETWORK CONTAINER",
  .summary = "Put a container on one more network",
  .description = "Put a container that is on named networks on one more. If it runs it has a new interface at once, and is found by name there.",
  .examples = "network connect back web\nnetwork connect --ip 10.99.0.7 --alias db back web\n",
  .options = { options },
  .min_args = 2,
  .max_args = 2,
  .complete = CLI_COMPLETE_NETWORK,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = network_connect_run,
};
