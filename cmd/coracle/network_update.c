#include <stdio.h>

#include "cmd/common/session.h"
#include "pkg/engine/network.h"

static const CliOption options[] = {
  { "dns-add", 0, CLI_CSV, .help = "One more name server that its DNS asks" },
  { "dns-drop", 0, CLI_CSV, .help = "A name server that its DNS does not ask any more" },
  CLI_END
};

static int
network_update_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  const char *name = cli_args_arg (args, 0);
  if (!session_open (&session, context, FALSE, error) || !network_update (session.storage, name, cli_args_list (args, "dns-add"), cli_args_list (args, "dns-drop"), error))
    return CLI_FAILED;
  puts (name);
  return 0;
}

const CliCommand cmd_network_update = {
  .names = "network update",
  .usage = "NETWORK",
  .summary = "Change the name servers of a network",
  .description = "Change which name servers the DNS of a network asks for names that are none of its containers'. It counts at once.",
  .examples = "network update back --dns-add 9.9.9.9 --dns-drop 8.8.8.8\n",
  .options = { options },
  .min_args = 1,
  .max_args = 1,
  .complete = CLI_COMPLETE_NETWORK,
  .run = network_update_run,
};
