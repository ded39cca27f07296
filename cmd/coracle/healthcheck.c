#include <stdio.h>

#include "cmd/common/session.h"
#include "pkg/engine/container_health.h"

static const CliOption options[] = {
  { "ignore-result", 0, CLI_BOOL, .help = "End with 0 whatever the check says" },
  { "run-fd", 0, CLI_INT, .hidden = TRUE, .help = "Descriptor of the container's run folder, from the monitor", .value = "-1" },
  { "init-fd", 0, CLI_INT, .hidden = TRUE, .help = "Descriptor of the container's first process, from the monitor", .value = "-1" },
  CLI_END
};

static int
healthcheck_run (const CliContext *context, const CliArgs *args, GError **error)
{
  ContainerHealthRun how = { .run_dir = (int) cli_args_int (args, "run-fd"), .init_pidfd = (int) cli_args_int (args, "init-fd") };
  ContainerHealthResult result;
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error) || !container_health_run (session.storage, cli_args_arg (args, 0), &how, &result, error))
    return CLI_FAILED;
  if (result.word != NULL)
    printf ("%s\n", result.word);
  return result.ok || cli_args_bool (args, "ignore-result") ? 0 : 1;
}

const CliCommand cmd_healthcheck = {
  .names = "healthcheck run",
  .usage = "CONTAINER",
  .summary = "Check a container's health now",
  .description = "Run the command that checks a container's health, as made known by **run --health-cmd** or by its image, and record what comes of it. The exit status is 0 if it succeeds, 1 if it fails, "
                 "125 where there is nothing to check.",
  .examples = "healthcheck run web\n",
  .options = { options },
  .min_args = 1,
  .max_args = 1,
  .complete = CLI_COMPLETE_RUNNING,
  .run = healthcheck_run,
};
