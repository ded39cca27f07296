#include "cmd/common/session.h"
#include "pkg/engine/container.h"
#include "pkg/engine/container_exec.h"

static const CliOption options[] = {
  { "run-fd", 0, CLI_INT, .hidden = TRUE, .help = "Descriptor of the container's run folder, held locked by the monitor", .value = "-1" },
  { "exec", 0, CLI_STRING, .hidden = TRUE, .help = "The exec session that has ended, instead of the container" },
  { "mounted", 0, CLI_BOOL, .hidden = TRUE, .help = "Leave the root filesystem mounted: the monitor may start the container again" },
  { "started", 0, CLI_BOOL, .hidden = TRUE, .help = "The container has not ended: its monitor has started it again; --run-fd is a pidfd of its init" },
  { "again", 0, CLI_BOOL, .hidden = TRUE, .help = "Another start is wanted whatever the restart policy says" },
  CLI_END
};

static int
container_cleanup_run (const CliContext *context, const CliArgs *args, GError **error)
{
  int run_fd = (int) cli_args_int (args, "run-fd");
  const char *id = cli_args_arg (args, 0);
  g_auto (Session) session = { 0 };
  /* the monitor's child is where it must be already */
  const char *exec = cli_args_string (args, "exec");
  gboolean inside = run_fd >= 0 || exec != NULL, started = cli_args_bool (args, "started");
  g_autoptr (ConfigPaths) paths = inside ? config_paths_new (context->root, context->run_root, error) : NULL;
  if (inside && paths == NULL)
    return CLI_FAILED;
  if (exec != NULL || started)
    {
      g_autoptr (Storage) storage = storage_open (paths, error);
      return storage != NULL && (started ? container_started (storage, id, run_fd, error) : container_exec_cleanup (storage, id, exec, error)) ? 0 : CLI_FAILED;
    }
  if (inside && !cli_args_bool (args, "mounted"))
    container_unmount (paths, id);
  if (!session_open (&session, context, !inside, error))
    return CLI_FAILED;
  gboolean again = FALSE, *ask = cli_args_bool (args, "mounted") ? &again : NULL;
  if (!container_cleanup (session.storage, id, run_fd, cli_args_bool (args, "again"), ask, error))
    return CLI_FAILED;
  return again ? MONITOR_AGAIN : MONITOR_ENDED;
}

const CliCommand cmd_container_cleanup = {
  .names = "container cleanup",
  .usage = "CONTAINER",
  .summary = "Record a container's end, and remove it if it was --rm",
  .description = "What a container's monitor starts when the container has ended and no command waits for it.",
  .options = { options },
  .min_args = 1,
  .max_args = 1,
  .hidden = TRUE,
  .run = container_cleanup_run,
};
