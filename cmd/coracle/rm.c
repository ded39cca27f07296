#include <stdio.h>

#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/engine/container.h"

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "All containers" },
  { "cidfile", 0, CLI_LIST, .help = "The container whose ID is in this file", .complete = CLI_COMPLETE_FILE },
  { "force", 'f', CLI_BOOL, .help = "Also running ones: end them first" },
  { "ignore", 'i', CLI_BOOL, .help = "Do not mind containers that do not exist" },
  { "time", 't', CLI_INT, .help = "With --force: seconds between the stop signal and SIGKILL", .value = "10" },
  { "volumes", 'v', CLI_BOOL, .help = "Also the anonymous volumes made for them" },
  CLI_END
};

/* remove_one: prints the name as given; counts what failed by kind: 1 missing, 2 running, 125 anything else: podman-rm(1), exit status. */
static int
remove_one (Session *session, const CliArgs *args, const char *name)
{
  g_autoptr (GError) problem = NULL;
  gboolean force = cli_args_bool (args, "force");
  if (container_remove (session->storage, name, force, cli_args_int (args, "time"), cli_args_bool (args, "volumes"), &problem))
    {
      printf ("%s\n", name);
      return 0;
    }
  if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    {
      if (force || cli_args_bool (args, "ignore"))
        return 0;
      fprintf (stderr, "Error: %s\n", problem->message);
      return 1;
    }
  fprintf (stderr, "Error: %s\n", problem->message);
  return g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_IN_USE) ? 2 : 125;
}

static gboolean
collect_names (Session *session, const CliArgs *args, GPtrArray *names, GError **error)
{
  for (const char *const *name = cli_args_argv (args); *name != NULL; name++)
    g_ptr_array_add (names, g_strdup (*name));
  for (const char *const *path = cli_args_list (args, "cidfile"); *path != NULL; path++)
    {
      char *text = NULL;
      g_autoptr (GError) problem = NULL;
      if (!path_read_file (-100, *path, 256, &text, NULL, &problem))
        {
          if (cli_args_bool (args, "ignore") && g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
            continue;
          return coracle_throw (error, CORACLE_ERROR_INVALID, "reading CIDFile: %s", problem->message);
        }
      g_ptr_array_add (names, g_strchomp (text));
    }
  if (!cli_args_bool (args, "all"))
    return TRUE;
  g_autoptr (GPtrArray) rows = NULL;
  if (!state_container_list (session->storage->state, &rows, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    g_ptr_array_add (names, g_strdup (((StateContainer *) rows->pdata[i])->id));
  return TRUE;
}

static int
rm_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean all = cli_args_bool (args, "all"), named = cli_args_count (args) > 0 || cli_args_list (args, "cidfile")[0] != NULL;
  if (all && named)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "--all and --cidfile, and names or IDs, cannot be used together");
      return CLI_FAILED;
    }
  if (!all && !named)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "you must provide at least one name or id");
      return CLI_FAILED;
    }
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  if (!session_open (&session, context, TRUE, error) || !collect_names (&session, args, names, error))
    return CLI_FAILED;
  int worst = 0;
  for (guint i = 0; i < names->len; i++)
    {
      int status = remove_one (&session, args, names->pdata[i]);
      worst = MAX (worst, status);
    }
  return worst;
}

const CliCommand cmd_rm = {
  .names = "rm, container rm",
  .usage = "CONTAINER [CONTAINER...]",
  .summary = "Remove containers",
  .description = "Remove containers, by name or id. A running one is refused, or with --force stopped first. The exit status is 1 when a container was missing and 2 when one "
                 "was running.",
  .examples = "rm web\nrm -f web db\nrm -a\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = rm_run,
};
