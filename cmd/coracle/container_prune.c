#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/confirm.h"
#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/engine/container_prune.h"

static const CliOption options[] = {
  { "filter", 0, CLI_LIST, .help = "Only those that fit (label=KEY[=VALUE], label!=KEY[=VALUE], until=TIME)",
    .man = "Remove only containers that fit: *label*=KEY[=VALUE], *label!*=KEY[=VALUE], *until*=TIME (made before then: a time, or how long ago)." },
  { "force", 'f', CLI_BOOL, .help = "Do not ask" },
  CLI_END
};

static int
container_prune_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean yes = cli_args_bool (args, "force");
  if (!yes && !confirm_answer ("WARNING! This will remove all non running containers.", &yes, error))
    return CLI_FAILED;
  if (!yes)
    return 0;
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) pruned = NULL;
  if (!session_open (&session, context, TRUE, error) || !container_prune (session.storage, cli_args_list (args, "filter"), &pruned, error))
    return CLI_FAILED;
  int status = 0;
  for (guint i = 0; i < pruned->len; i++)
    {
      const ContainerPruned *one = pruned->pdata[i];
      if (one->error == NULL)
        printf ("%s\n", one->id);
      else
        {
          dispatch_print_error (one->error);
          status = cli_exit_status (one->error);
        }
    }
  return status;
}

const CliCommand cmd_container_prune = {
  .names = "container prune",
  .summary = "Remove all containers that do not run",
  .description = "Remove every container that does not run, those that were never started as well, and print their IDs. It asks first.",
  .examples = "container prune\ncontainer prune -f --filter until=24h\n",
  .options = { options },
  .run = container_prune_run,
};
