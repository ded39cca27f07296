#include <stdio.h>
#include <string.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "cmd/coracle/create_options.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/container_stop.h"
#include "pkg/runtime/outpost.h"

static const CliOption options[] = {
  SELECT_OPTION_ALL ("All, whether they run or not"),
  SELECT_OPTION_CIDFILE,
  SELECT_OPTION_FILTER ('f'),
  SELECT_OPTION_LATEST,
  { "running", 0, CLI_BOOL, .help = "Those that run alone" },
  { "time", 't', CLI_INT, .help = "Seconds between the stop signal and SIGKILL; -1: wait for ever", .value = "10", .alias = "timeout" },
  CLI_END
};

static gboolean
is_running (Storage *storage, const ContainerView *view)
{
  (void) storage;
  return view->pid > 0 && !container_is_held (view);
}

static int
restart_all (Session *session, const CliArgs *args, GPtrArray *chosen, const ContainerStart *how)
{
  gint64 timeout = cli_args_is_set (args, "time") ? cli_args_int (args, "time") : CONTAINER_OWN_TIMEOUT;
  int worst = 0;
  for (guint i = 0; i < chosen->len; i++)
    {
      const Selected *one = chosen->pdata[i];
      g_autoptr (GError) problem = NULL;
      g_autofree char *warning = NULL;
      gboolean done = container_restart (session->storage, session->map, one->id, timeout, how, &warning, &problem);
      if (warning != NULL)
        g_warning ("%s", warning);
      if (done)
        {
          printf ("%s\n", one->given);
          continue;
        }
      dispatch_print_error (problem);
      worst = cli_exit_status (problem);
    }
  return worst;
}

static int
restart_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest request = { 0 };
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) chosen = NULL;
  /* a word that stands for them, like --all; with names it says nothing more */
  gboolean running = cli_args_bool (args, "running") && select_none (context, args);
  if (!running && !select_check (context, args, &request, error))
    return CLI_FAILED;
  outpost_begin ();
  if (!session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  if (!(running ? select_all (session.storage, is_running, &chosen, error) : select_containers (session.storage, context, args, &request, &chosen, error)))
    return CLI_FAILED;
  cleanup_fd int base = chosen->len > 1 ? container_start_base (error) : -1;
  if (chosen->len > 1 && base < 0)
    return CLI_FAILED;
  ContainerStart how = { .mounts = base, .notice = create_notice };
  return restart_all (&session, args, chosen, &how);
}

const CliCommand cmd_restart = {
  .names = "restart, container restart",
  .usage = "[CONTAINER...]",
  .summary = "Stop containers and start them again",
  .description = "Stop containers that run, as stop does, and start them; those that do not run are just started.",
  .examples = "restart web\nrestart -t 2 --all\nrestart --running\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = restart_run,
};
