#include <stdio.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/base/proc.h"
#include "pkg/engine/container_stop.h"

static const CliOption options[] = {
  SELECT_OPTION_ALL ("All that run, also paused ones"),
  SELECT_OPTION_CIDFILE,
  SELECT_OPTION_LATEST,
  { "signal", 's', CLI_STRING, .help = "The signal to send, by name or number", .value = "KILL", .complete = CLI_COMPLETE_SIGNAL,
    .man = "The signal to send: a name (*TERM*, *SIGTERM*, *RTMIN+3*) or a number. With SIGKILL, SIGTERM, SIGINT, SIGQUIT, SIGABRT or the container's stop signal the container "
           "counts as stopped by the user: no restart policy starts it again." },
  CLI_END
};

static gboolean
can_kill (Storage *storage, const ContainerView *view)
{
  return view->pid > 0 && !container_is_held (view);
}

static int
kill_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest request = { .suits = can_kill };
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) chosen = NULL;
  int number, status = 0;
  if (!select_check (context, args, &request, error) || !proc_signal_read (cli_args_string (args, "signal"), &number, error) || !session_open (&session, context, FALSE, error)
      || !select_containers (session.storage, context, args, &request, &chosen, error))
    return CLI_FAILED;
  for (guint i = 0; i < chosen->len; i++)
    {
      const Selected *selected = chosen->pdata[i];
      g_autoptr (GError) problem = NULL;
      if (container_kill (session.storage, selected->id, number, &problem))
        {
          printf ("%s\n", selected->given);
          continue;
        }
      dispatch_print_error (problem);
      status = cli_exit_status (problem);
    }
  return status;
}

const CliCommand cmd_kill = {
  .names = "kill, container kill",
  .usage = "[CONTAINER...]",
  .summary = "Send a signal to containers",
  .description = "Send a signal, SIGKILL unless another is given, to the first process of containers that run.",
  .examples = "kill web\nkill --signal HUP web\nkill -s INT --all\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_RUNNING,
  .complete_rest = CLI_COMPLETE_RUNNING,
  .run = kill_run,
};
