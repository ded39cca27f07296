#include <stdio.h>

#include "cmd/common/confirm.h"
#include "cmd/common/session.h"
#include "pkg/engine/network.h"

static const CliOption options[] = {
  { "filter", 0, CLI_LIST, .help = "Only networks that fit (label=KEY[=VALUE], label!=KEY[=VALUE], until=TIME)",
    .man = "Remove only networks that fit: *label*=KEY[=VALUE], *label!*=KEY[=VALUE], *until*=TIME (made before then: a time, or how long ago)." },
  { "force", 'f', CLI_BOOL, .help = "Do not ask" },
  CLI_END
};

static int
network_prune_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean yes = cli_args_bool (args, "force");
  if (!yes && !confirm_answer ("WARNING! This will remove all networks not used by at least one container.", &yes, error))
    return CLI_FAILED;
  if (!yes)
    return 0;
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) names = NULL;
  if (!session_open (&session, context, FALSE, error) || !network_prune (session.storage, cli_args_list (args, "filter"), &names, error))
    return CLI_FAILED;
  for (guint i = 0; i < names->len; i++)
    puts (names->pdata[i]);
  return 0;
}

const CliCommand cmd_network_prune = {
  .names = "network prune",
  .summary = "Remove all networks that no container is on",
  .description = "Remove every network that no container is on, whether it runs or not, but the default one, and print their names. It asks first.",
  .examples = "network prune\nnetwork prune -f --filter until=24h\n",
  .options = { options },
  .run = network_prune_run,
};
