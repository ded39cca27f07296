#include "cmd/common/session.h"
#include "pkg/engine/container.h"

static int
rename_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  return session_open (&session, context, FALSE, error) && container_rename (session.storage, cli_args_arg (args, 0), cli_args_arg (args, 1), error) ? 0 : CLI_FAILED;
}

const CliCommand cmd_rename = {
  .names = "rename, container rename",
  .usage = "CONTAINER NAME",
  .summary = "Give a container another name",
  .description = "Give a container another name, whether it runs or not. What it was told at its start, its host name and the entry in /etc/hosts, stays as it is until it is started again.",
  .examples = "rename web web-old\n",
  .min_args = 2,
  .max_args = 2,
  .complete = CLI_COMPLETE_CONTAINER,
  .run = rename_run,
};
