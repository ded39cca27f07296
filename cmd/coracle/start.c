#include <stdio.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "cmd/coracle/create_options.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/container.h"

static const CliOption options[] = {
  { "attach", 'a', CLI_BOOL, .help = "Stay with the container: its output is ours, its exit status too" },
  { "interactive", 'i', CLI_BOOL, .help = "Connect standard input" },
  { "sig-proxy", 0, CLI_BOOL, .help = "Pass signals on to the command (with --attach)" },
  CLI_END
};

static int
start_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  gboolean attach = cli_args_bool (args, "attach");
  unsigned n = cli_args_count (args);
  if (attach && n > 1)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "you cannot start and attach multiple containers at once"), CLI_FAILED;
  if (!session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  cleanup_fd int base = n > 1 ? container_start_base (error) : -1;
  if (n > 1 && base < 0)
    return CLI_FAILED;
  ContainerStart how = { .attach = attach, .interactive = cli_args_bool (args, "interactive"), .mounts = base, .notice = create_notice,
                         .sig_proxy = cli_args_is_set (args, "sig-proxy") ? cli_args_bool (args, "sig-proxy") : attach };
  int status = 0;
  if (attach)
    return container_start (session.storage, session.map, cli_args_arg (args, 0), &how, &status, error) ? status : CLI_FAILED;
  int worst = 0;
  for (unsigned i = 0; i < n; i++)
    {
      g_autoptr (GError) problem = NULL;
      if (container_start (session.storage, session.map, cli_args_arg (args, i), &how, &status, &problem))
        printf ("%s\n", cli_args_arg (args, i));
      else
        {
          dispatch_print_error (problem);
          worst = cli_exit_status (problem);
        }
    }
  return worst;
}

const CliCommand cmd_start = {
  .names = "start, container start",
  .usage = "CONTAINER [CONTAINER...]",
  .summary = "Start containers that were created or have ended",
  .description = "Start containers again as they were made, with what they have written so far. One that runs already is left as it is.",
  .examples = "start web\nstart -a -i shell\n",
  .options = { options },
  .min_args = 1,
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = start_run,
};
