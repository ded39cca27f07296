#include <stdio.h>
#include <string.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/engine/container_stop.h"

static const CliOption options[] = {
  SELECT_OPTION_ALL ("All that run, but for paused ones"),
  SELECT_OPTION_CIDFILE,
  SELECT_OPTION_FILTER ('f'),
  SELECT_OPTION_IGNORE,
  SELECT_OPTION_LATEST,
  { "time", 't', CLI_INT, .help = "Seconds between the stop signal and SIGKILL; -1: wait for ever", .value = "10", .alias = "timeout",
    .man = "Seconds to wait for the container to end after the stop signal, before SIGKILL ends it. 0 sends SIGKILL at once, -1 waits for ever. Without it: what the container was made "
           "with (**run --stop-timeout**)." },
  CLI_END
};

static gboolean
can_stop (Storage *storage, const ContainerView *view)
{
  return strcmp (view->status, "paused") != 0 && (view->pid > 0 || container_waits_for_restart (storage, view));
}

/* report: what has become of them, in the order they were asked for. */
static int
report (GPtrArray *chosen, ContainerStop *stops)
{
  int status = 0;
  for (guint i = 0; i < chosen->len; i++)
    {
      if (stops[i].warning != NULL)
        g_warning ("%s", stops[i].warning);
      if (stops[i].error == NULL)
        printf ("%s\n", ((const Selected *) chosen->pdata[i])->given);
      else
        {
          dispatch_print_error (stops[i].error);
          status = cli_exit_status (stops[i].error);
        }
      container_stop_clear (&stops[i]);
    }
  return status;
}

static int
stop_run (const CliContext *context, const CliArgs *args, GError **error)
{
  SelectRequest request = { .flags = cli_args_bool (args, "ignore") ? SELECT_IGNORE : SELECT_DEFAULT, .suits = can_stop };
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) chosen = NULL;
  if (!select_check (context, args, &request, error) || !session_open (&session, context, FALSE, error)
      || !select_containers (session.storage, context, args, &request, &chosen, error))
    return CLI_FAILED;
  g_autofree ContainerStop *stops = g_new0 (ContainerStop, chosen->len + 1);
  for (guint i = 0; i < chosen->len; i++)
    stops[i].id = ((const Selected *) chosen->pdata[i])->id;
  container_stop (session.storage, stops, chosen->len, cli_args_is_set (args, "time") ? cli_args_int (args, "time") : CONTAINER_OWN_TIMEOUT);
  return report (chosen, stops);
}

const CliCommand cmd_stop = {
  .names = "stop, container stop",
  .usage = "[CONTAINER...]",
  .summary = "Stop containers",
  .description = "Send containers their stop signal, SIGTERM unless the image or **run --stop-signal** says otherwise, and SIGKILL when they have not ended after some seconds. "
                 "Several are stopped at once. A container that does not run is left as it is; one that a restart policy would start again is not started.",
  .examples = "stop web\nstop -t 2 web db\nstop --all\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_RUNNING,
  .complete_rest = CLI_COMPLETE_RUNNING,
  .run = stop_run,
};
