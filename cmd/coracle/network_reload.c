#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/engine/network_connect.h"

static const CliOption options[] = {
  SELECT_OPTION_ALL ("Of all containers that run"),
  SELECT_OPTION_LATEST,
  CLI_END
};

static gboolean
is_running (Storage *storage, const ContainerView *view)
{
  (void) storage;
  return view->pid > 0;
}

static gboolean
reload (const char *id, void *data, GError **error)
{
  const Session *session = data;
  return network_reload (session->storage, session->map, id, error);
}

static int
network_reload_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest request = { .suits = is_running };
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) chosen = NULL;
  if (!select_check (context, args, &request, error) || !session_open (&session, context, TRUE, error) || !select_containers (session.storage, context, args, &request, &chosen, error))
    return CLI_FAILED;
  return select_each (chosen, reload, &session);
}

const CliCommand cmd_network_reload = {
  .names = "network reload",
  .usage = "[CONTAINER...]",
  .summary = "Make anew what is missing of the networks of containers",
  .description = "Make anew the interfaces, rules and name servers of the networks that containers are on, where something has taken them away. Their addresses stay.",
  .examples = "network reload web\nnetwork reload --all\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = network_reload_run,
};
