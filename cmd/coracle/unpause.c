#include <string.h>

#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/engine/container_pause.h"

static const CliOption options[] = { SELECT_OPTION_ALL ("All that are paused"), SELECT_OPTION_CIDFILE, SELECT_OPTION_FILTER ('f'), SELECT_OPTION_LATEST, CLI_END };

static gboolean
can_unpause (Storage *storage, const ContainerView *view)
{
  return strcmp (view->status, "paused") == 0;
}

static gboolean
act (const char *id, void *data, GError **error)
{
  return container_unpause (data, id, error);
}

static int
unpause_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest request = { .suits = can_unpause };
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) chosen = NULL;
  if (!select_check (context, args, &request, error) || !session_open (&session, context, FALSE, error)
      || !select_containers (session.storage, context, args, &request, &chosen, error))
    return CLI_FAILED;
  return select_each (chosen, act, session.storage);
}

const CliCommand cmd_unpause = {
  .names = "unpause, container unpause",
  .usage = "[CONTAINER...]",
  .summary = "Let paused containers go on",
  .description = "Let the processes of paused containers go on.",
  .examples = "unpause web\nunpause --all\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = unpause_run,
};
