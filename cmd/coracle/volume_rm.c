#include <stdio.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/container_stop.h"
#include "pkg/engine/volume.h"

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "All volumes" },
  { "force", 'f', CLI_BOOL, .help = "Also the containers that have them, ended first; and do not mind volumes that do not exist" },
  { "time", 't', CLI_INT, .help = "With --force: seconds between the stop signal and SIGKILL; -1: wait for ever", .value = "10" },
  CLI_END
};

/* Exit statuses of podman-volume-rm(1) */
enum { RM_MISSING = 1, RM_USED = 2 };

/* remove_one: the exit status. */
static int
remove_one (Session *session, const char *name, gboolean force, gint64 timeout)
{
  g_autoptr (GError) problem = NULL;
  if (volume_delete (session->storage, name, force, timeout, &problem))
    {
      puts (name);
      return 0;
    }
  gboolean missing = g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  if (missing && force)
    return 0;
  (void) fflush (stdout);
  dispatch_print_error (problem);
  return missing ? RM_MISSING : g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_IN_USE) ? RM_USED : cli_exit_status (problem);
}

static int
volume_rm_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean force = cli_args_bool (args, "force"), all = cli_args_bool (args, "all");
  if (cli_args_is_set (args, "time") && !force)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--force option must be specified to use the --time option"), CLI_FAILED;
  if (all == (cli_args_arg (args, 0) != NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "choose either one or more volumes or all"), CLI_FAILED;
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) volumes = NULL;
  if (!session_open (&session, context, TRUE, error) || (all && !volume_list (session.storage, NULL, &volumes, error)))
    return CLI_FAILED;
  gint64 timeout = cli_args_is_set (args, "time") ? cli_args_int (args, "time") : CONTAINER_OWN_TIMEOUT;
  int worst = 0;
  for (guint i = 0; all && i < volumes->len; i++)
    {
      int status = remove_one (&session, ((const Volume *) volumes->pdata[i])->name, force, timeout);
      worst = MAX (worst, status);
    }
  for (const char *const *name = cli_args_argv (args); !all && *name != NULL; name++)
    {
      int status = remove_one (&session, *name, force, timeout);
      worst = MAX (worst, status);
    }
  return worst;
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
