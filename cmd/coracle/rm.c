#include <stdio.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/container_stop.h"

static const CliOption options[] = {
  SELECT_OPTION_ALL ("All containers"),
  SELECT_OPTION_CIDFILE,
  SELECT_OPTION_FILTER (0),
  { "force", 'f', CLI_BOOL, .help = "Also running and paused ones: end them first; and do not mind those that do not exist" },
  SELECT_OPTION_IGNORE,
  SELECT_OPTION_LATEST,
  { "time", 't', CLI_INT, .help = "With --force: seconds between the stop signal and SIGKILL; -1: wait for ever", .value = "10" },
  { "volumes", 'v', CLI_BOOL, .help = "Also the anonymous volumes made for them" },
  CLI_END
};

/* remove_one: prints the name as given. Returns the exit status that its failure asks for. */
static int
remove_one (Session *session, const CliArgs *args, const Selected *selected)
{
  g_autoptr (GError) problem = NULL;
  gboolean force = cli_args_bool (args, "force");
  if (container_remove (session->storage, selected->id, force, cli_args_is_set (args, "time") ? cli_args_int (args, "time") : CONTAINER_OWN_TIMEOUT, cli_args_bool (args, "volumes"), &problem)
      || g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))   /* somebody was quicker */
    {
      printf ("%s\n", selected->given);
      return 0;
    }
  dispatch_print_error (problem);
  return g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_IN_USE) ? 2 : 125;
}

static int
rm_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean force = cli_args_bool (args, "force");
  SelectRequest request = { .flags = SELECT_ID_OR_NAME | (force || cli_args_bool (args, "ignore") ? SELECT_IGNORE : 0) };
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) chosen = NULL;
  if (!force && cli_args_is_set (args, "time"))
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "--force option must be specified to use the --time option");
      return CLI_FAILED;
    }
  if (!select_check (context, args, &request, error) || !session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  if (!select_containers (session.storage, context, args, &request, &chosen, error))
    return error != NULL && g_error_matches (*error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND) ? 1 : CLI_FAILED;
  int worst = 0;
  for (guint i = 0; i < chosen->len; i++)
    {
      int status = remove_one (&session, args, chosen->pdata[i]);
      worst = MAX (worst, status);
    }
  return worst;
}

const CliCommand cmd_rm = {
  .names = "rm, container rm",
  .usage = "CONTAINER [CONTAINER...]",
  .summary = "Remove containers",
  .description = "Remove containers, by name or id. A running one is refused, or with --force stopped first. The exit status is 1 when a container does not exist, and then "
                 "nothing is removed; and 2 when one is running.",
  .examples = "rm web\nrm -f web db\nrm -a\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = rm_run,
};
