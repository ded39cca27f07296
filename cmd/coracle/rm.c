#include <stdio.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/container_depend.h"
#include "pkg/engine/container_stop.h"

static const CliOption options[] = {
  SELECT_OPTION_ALL ("All containers"),
  SELECT_OPTION_CIDFILE,
  SELECT_OPTION_FILTER (0),
  { "depend", 0, CLI_BOOL, .help = "Before each, those that need it" },
  { "force", 'f', CLI_BOOL, .help = "Also running and paused ones: end them first; and do not mind those that do not exist" },
  SELECT_OPTION_IGNORE,
  SELECT_OPTION_LATEST,
  { "time", 't', CLI_INT, .help = "With --force: seconds between the stop signal and SIGKILL; -1: wait for ever", .value = "10" },
  { "volumes", 'v', CLI_BOOL, .help = "Also the anonymous volumes made for them" },
  CLI_END
};

/* Exit statuses of podman-rm(1) */
enum { RM_MISSING = 1, RM_RUNNING = 2, RM_FAILED = 125 };

/* report: prints the names as given. Returns the exit status that the failures ask for. */
static int
report (const GPtrArray *chosen, const ContainerRemove *items)
{
  int worst = 0;
  for (guint i = 0; i < chosen->len; i++)
    {
      /* gone meanwhile: somebody was quicker */
      if (items[i].error == NULL || g_error_matches (items[i].error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        {
          printf ("%s\n", ((const Selected *) chosen->pdata[i])->given);
          continue;
        }
      dispatch_print_error (items[i].error);
      int status = g_error_matches (items[i].error, CORACLE_ERROR, CORACLE_ERROR_IN_USE) ? RM_RUNNING : RM_FAILED;
      worst = MAX (worst, status);
    }
  return worst;
}

/* choose: those asked for, each once, and with --depend before it those that need it. */
static gboolean
choose (Storage *storage, const CliContext *context, const CliArgs *args, const SelectRequest *request, GPtrArray **ret_chosen, GError **error)
{
  g_autoptr (GPtrArray) named = NULL, ids = g_ptr_array_new_with_free_func (g_free), chosen = select_list_new ();
  g_autoptr (GHashTable) dependents = NULL;
  if (!select_containers (storage, context, args, request, &named, error))
    return FALSE;
  if (cli_args_bool (args, "depend") && (dependents = container_dependents (storage, error)) == NULL)
    return FALSE;
  for (guint i = 0; i < named->len; i++)
    {
      const Selected *selected = named->pdata[i];
      if (dependents != NULL)
        container_dependents_add (dependents, selected->id, ids);
      for (guint k = 0; k < ids->len; k++)
        select_list_add (chosen, ids->pdata[k], ids->pdata[k]);
      select_list_add (chosen, selected->given, selected->id);
      g_ptr_array_set_size (ids, 0);
    }
  *ret_chosen = g_steal_pointer (&chosen);
  return TRUE;
}

static int
remove_chosen (Session *session, const CliArgs *args, const GPtrArray *chosen, GError **error)
{
  g_autofree ContainerRemove *items = g_new0 (ContainerRemove, chosen->len + 1);
  for (guint i = 0; i < chosen->len; i++)
    items[i].id = ((const Selected *) chosen->pdata[i])->id;
  gint64 timeout = cli_args_is_set (args, "time") ? cli_args_int (args, "time") : CONTAINER_OWN_TIMEOUT;
  if (!container_remove_all (session->storage, items, chosen->len, cli_args_bool (args, "force"), timeout, cli_args_bool (args, "volumes"), error))
    return CLI_FAILED;
  int status = report (chosen, items);
  for (guint i = 0; i < chosen->len; i++)
    g_clear_error (&items[i].error);
  return status;
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
  if (!choose (session.storage, context, args, &request, &chosen, error))
    return error != NULL && g_error_matches (*error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND) ? RM_MISSING : CLI_FAILED;
  return remove_chosen (&session, args, chosen, error);
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
