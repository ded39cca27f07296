#include <stdio.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/container_stop.h"
#include "pkg/engine/network.h"

static const CliOption options[] = {
  { "force", 'f', CLI_BOOL, .help = "Also the containers that are on it, ended first; and do not mind networks that do not exist" },
  { "time", 't', CLI_INT, .help = "With --force: seconds between the stop signal and SIGKILL; -1: wait for ever", .value = "10" },
  CLI_END
};

/* Exit statuses of podman-network-rm(1) */
enum { RM_MISSING = 1, RM_USED = 2 };

/* remove_one: the exit status. */
static int
remove_one (Session *session, const char *name, gboolean force, gint64 timeout)
{
  g_autoptr (GError) problem = NULL;
  if (network_remove (session->storage, name, force, timeout, &problem))
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
network_rm_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean force = cli_args_bool (args, "force");
  if (cli_args_is_set (args, "time") && !force)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--force option must be specified to use the --time option"), CLI_FAILED;
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, force, error))
    return CLI_FAILED;
  gint64 timeout = cli_args_is_set (args, "time") ? cli_args_int (args, "time") : CONTAINER_OWN_TIMEOUT;
  int worst = 0;
  for (const char *const *name = cli_args_argv (args); *name != NULL; name++)
    {
      int status = remove_one (&session, *name, force, timeout);
      worst = MAX (worst, status);
    }
  return worst;
}

const CliCommand cmd_network_rm = {
  .names = "network rm|remove",
  .usage = "NETWORK [NETWORK...]",
  .summary = "Remove networks",
  .description = "Remove networks that no container is on, and print their names. The default network cannot be removed.",
  .examples = "network rm back\nnetwork rm --force back\n",
  .options = { options },
  .min_args = 1,
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_NETWORK,
  .complete_rest = CLI_COMPLETE_NETWORK,
  .run = network_rm_run,
};
