#include "cmd/coracle/remove_each.h"
#include "pkg/base/error.h"
#include "pkg/engine/volume.h"

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "All volumes" },
  { "force", 'f', CLI_BOOL, .help = "Also the containers that have them, ended first; and do not mind volumes that do not exist" },
  { "time", 't', CLI_INT, .help = "With --force: seconds between the stop signal and SIGKILL; -1: wait for ever", .value = "10" },
  CLI_END
};

static int
volume_rm_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean all = cli_args_bool (args, "all");
  if (!remove_check (args, error))
    return CLI_FAILED;
  if (all == (cli_args_arg (args, 0) != NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "choose either one or more volumes or all"), CLI_FAILED;
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) volumes = NULL, names = g_ptr_array_new ();
  if (!session_open (&session, context, TRUE, error) || (all && !volume_list (session.storage, NULL, &volumes, error)))
    return CLI_FAILED;
  for (guint i = 0; all && i < volumes->len; i++)
    g_ptr_array_add (names, ((Volume *) volumes->pdata[i])->name);
  g_ptr_array_add (names, NULL);
  return remove_each (&session, args, all ? (const char *const *) names->pdata : cli_args_argv (args), volume_delete);
}

const CliCommand cmd_volume_rm = {
  .names = "volume rm|remove",
  .usage = "VOLUME [VOLUME...]",
  .summary = "Remove volumes",
  .description = "Remove volumes that no container has, with all they hold, and print their names. The exit status is 1 when a volume does not exist, and 2 when a container has one.",
  .examples = "volume rm data\nvolume rm --force data\nvolume rm --all\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_VOLUME,
  .complete_rest = CLI_COMPLETE_VOLUME,
  .run = volume_rm_run,
};
