#include <stdio.h>
#include <string.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "cmd/coracle/create_options.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/runtime/outpost.h"

static const CliOption options[] = {
  { "all", 0, CLI_BOOL, .help = "All that do not run" },
  SELECT_OPTION_FILTER ('f'),
  SELECT_OPTION_LATEST,
  { "attach", 'a', CLI_BOOL, .help = "Stay with the container: its output is ours, its exit status too" },
  { "detach-keys", 0, CLI_STRING, .help = "With --attach: keys that detach from the container, leaving it running; \"\" for none", .arg = "[a-Z]" },
  { "interactive", 'i', CLI_BOOL, .help = "Connect standard input" },
  { "sig-proxy", 0, CLI_BOOL, .help = "Pass signals on to the command (with --attach)" },
  CLI_END
};

static gboolean
can_start (Storage *storage, const ContainerView *view)
{
  (void) storage;
  return view->pid == 0 || container_is_held (view);
}

static gboolean
check_words (const CliContext *context, const CliArgs *args, const SelectRequest *request, GError **error)
{
  gboolean attach = cli_args_bool (args, "attach"), all = cli_args_bool (args, "all"), latest = cli_args_bool (args, "latest"), named = cli_args_count (args) > 0;
  gboolean proxy = cli_args_is_set (args, "sig-proxy") && cli_args_bool (args, "sig-proxy");
  const struct { gboolean wrong; const char *text; } rules[] = {
    { attach && cli_args_count (args) > 1, "you cannot start and attach multiple containers at once" },
    { all && !latest && named, "either start all containers or the container(s) provided in the arguments" },
    { attach && all, "you cannot start and attach all containers at once" },
    { proxy && !attach, "you cannot use sig-proxy without --attach: invalid argument" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rules); i++)
    if (rules[i].wrong)
      return coracle_throw (error, CORACLE_ERROR_INVALID, "%s", rules[i].text);
  return select_check (context, args, request, error);
}

/* word_failure: Podman's words for a command that cannot be executed; unlike run, start has no status of its own for that. */
static void
word_failure (GError **problem, const char *id, gboolean attach)
{
  if (cli_exit_status (*problem) != 125)
    (void) coracle_prefix (problem, attach ? "unable to start container %s" : "unable to start container \"%s\"", id);
}

static int
start_all (Session *session, GPtrArray *chosen, const ContainerStart *how)
{
  int worst = 0, status;
  for (guint i = 0; i < chosen->len; i++)
    {
      const Selected *one = chosen->pdata[i];
      g_autoptr (GError) problem = NULL;
      if (container_start (session->storage, session->map, one->id, how, &status, &problem))
        {
          printf ("%s\n", one->given);
          continue;
        }
      word_failure (&problem, one->id, FALSE);
      dispatch_print_error (problem);
      worst = 125;
    }
  return worst;
}

static int
start_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest request = { .flags = SELECT_FILTER_NAMES, .none = "start requires at least one argument", .suits = can_start };
  gboolean attach = cli_args_bool (args, "attach");
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) chosen = NULL;
  if (!check_words (context, args, &request, error))
    return CLI_FAILED;
  outpost_begin ();
  if (!session_open (&session, context, TRUE, error)
      || !select_containers (session.storage, context, args, &request, &chosen, error))
    return CLI_FAILED;
  if (attach && chosen->len > 1)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "you cannot start and attach multiple containers at once"), CLI_FAILED;
  cleanup_fd int base = chosen->len > 1 ? container_start_base (error) : -1;
  if (chosen->len > 1 && base < 0)
    return CLI_FAILED;
  ContainerStart how = { .attach = attach, .interactive = cli_args_bool (args, "interactive"), .mounts = base, .notice = create_notice,
                         .detach_keys = cli_args_is_set (args, "detach-keys") ? cli_args_string (args, "detach-keys") : NULL,
                         .sig_proxy = cli_args_is_set (args, "sig-proxy") ? cli_args_bool (args, "sig-proxy") : attach };
  int status = 0;
  if (!attach || chosen->len == 0)
    return start_all (&session, chosen, &how);
  const char *id = ((const Selected *) chosen->pdata[0])->id;
  if (container_start (session.storage, session.map, id, &how, &status, error))
    return status;
  word_failure (error, id, TRUE);
  return 125;
}

const CliCommand cmd_start = {
  .names = "start, container start",
  .usage = "[CONTAINER...]",
  .summary = "Start containers that were created or have ended",
  .description = "Start containers again as they were made, with what they have written so far. One that runs already is left as it is; with --attach its output is shown from now on.",
  .examples = "start web\nstart -a -i shell\nstart --all --filter restart-policy=always\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = start_run,
};
