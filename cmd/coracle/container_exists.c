#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/container.h"

static const CliOption options[] = {
  { "external", 0, CLI_BOOL, .help = "Look also for containers of other tools, of which this store has none" },
  CLI_END
};

static int
container_exists_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  g_autoptr (GError) problem = NULL;
  g_autoptr (ContainerView) view = container_find (session.storage, cli_args_arg (args, 0), &problem);
  if (view == NULL && !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return CLI_FAILED;
    }
  return view != NULL ? 0 : 1;
}

const CliCommand cmd_container_exists = {
  .names = "container exists",
  .usage = "CONTAINER",
  .summary = "Tell by the exit status whether there is such a container",
  .description = "Exit with 0 if the container exists and with 1 if it does not.",
  .options = { options },
  .min_args = 1,
  .max_args = 1,
  .complete = CLI_COMPLETE_CONTAINER,
  .run = container_exists_run,
};
