#include <stdio.h>

#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "cmd/coracle/limit_options.h"
#include "pkg/engine/container_update.h"

static const CliOption options[] = { SELECT_OPTION_LATEST, CLI_END };

static gboolean
change (ContainerOptions *words, const void *data, GError **error)
{
  return limit_options_read (words, data, error);
}

static int
update_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest request = { .none = "update must be called with a container or --latest" };
  g_auto (Session) session = { 0 };
  const char *const *rest;
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  g_autoptr (ContainerView) view = select_first (session.storage, context, args, &request, &rest, error);
  g_autofree char *id = NULL;
  if (view == NULL || !container_update (session.storage, view->row->id, change, args, &id, error))
    return CLI_FAILED;
  printf ("%s\n", id);
  return 0;
}

const CliCommand cmd_update = {
  .names = "update, container update",
  .usage = "CONTAINER",
  .summary = "Change the limits of a container",
  .description = "Change what a container may use. One that runs gets the new limits at once, one that does not when it is started.",
  .examples = "update --memory 512m --cpus 2 web\n",
  .options = { options, limit_options },
  .max_args = 1,
  .complete = CLI_COMPLETE_CONTAINER,
  .run = update_run,
};
