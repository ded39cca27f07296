#include <string.h>

#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/engine/container_pause.h"

static const CliOption options[] = { SELECT_OPTION_ALL ("All that run"), SELECT_OPTION_CIDFILE, SELECT_OPTION_FILTER ('f'), SELECT_OPTION_LATEST, CLI_END };

static gboolean
can_pause (Storage *storage, const ContainerView *view)
{
  return strcmp (view->status, "running") == 0;
}

static gboolean
act (const char *id, void *data, GError **error)
{
  return container_pause (data, id, error);
}

static int
pause_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest request = { .suits = can_pause };
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) chosen = NULL;
  if (!select_check (context, args, &request, error) || !session_open (&session, context, FALSE, error)
      || !select_containers (session.storage, context, args, &request, &chosen, error))
    return CLI_FAILED;
  return select_each (chosen, act, session.storage);
}

const CliCommand cmd_pause = {
  .names = "pause, container pause",
  .usage = "[CONTAINER...]",
  .summary = "Let containers stand still",
  .description = "Let all processes of containers stand still, until unpause lets them go on. This takes the freezer of the container's cgroup: a container that was started where none could be made cannot be paused.",
  .examples = "pause web\npause --all\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_RUNNING,
  .complete_rest = CLI_COMPLETE_RUNNING,
  .run = pause_run,
};
