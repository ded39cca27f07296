#include <stdio.h>

#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_wait.h"

static const CliOption options[] = {
  { "condition", 0, CLI_CSV, .help = "The state to wait for, any of these", .values = CLI_VALUES ("created", "exited", "healthy", "paused", "removing", "running", "stopped", "stopping", "unhealthy"),
    .man = "The state to wait for: *created*, *running*, *paused*, *stopping*, *stopped* or *exited* (the same), *healthy*, *unhealthy*, *removing* (until it is gone). Of several, one "
           "is enough. Without it: *stopped*." },
  { "exit-first-match", 0, CLI_BOOL, .help = "Wait only until one of the containers is there" },
  { "ignore", 0, CLI_BOOL, .help = "Print -1 for containers that do not exist" },
  { "interval", 'i', CLI_STRING, .help = "Look at least this often", .value = "250ms",
    .man = "Look again after this time (*300ms*, *1.5s*; a number alone counts milliseconds), besides whenever something happens. Rarely of use: without it nothing is missed." },
  SELECT_OPTION_LATEST,
  CLI_END
};

static gboolean
read_interval (const CliArgs *args, gint64 *ret_ms, GError **error)
{
  const char *text = cli_args_string (args, "interval");
  gint64 number;
  *ret_ms = 0;
  if (!cli_args_is_set (args, "interval"))
    return TRUE;
  if (!g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &number, NULL))
    {
      if (!text_duration_parse (text, &number, error))
        return FALSE;
      number = number > 0 ? MAX (number / 1000000, 1) : 0;
    }
  *ret_ms = MAX (number, 0);
  return TRUE;
}

static int
wait_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_autofree char *none = g_strdup_printf ("\"%s\" requires a name, id, or the \"--latest\" flag", context->path);
  SelectRequest request = { .flags = cli_args_bool (args, "ignore") ? SELECT_IGNORE | SELECT_KEEP_MISSING : SELECT_DEFAULT, .none = none };
  gboolean first = cli_args_bool (args, "exit-first-match");
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) chosen = NULL;
  guint conditions;
  gint64 interval;
  if (!read_interval (args, &interval, error) || !select_check (context, args, &request, error) || !container_wait_conditions (cli_args_list (args, "condition"), &conditions, error)
      || !session_open (&session, context, FALSE, error) || !select_containers (session.storage, context, args, &request, &chosen, error))
    return CLI_FAILED;
  g_autofree ContainerWait *waits = g_new0 (ContainerWait, chosen->len + 1);
  for (guint i = 0; i < chosen->len; i++)
    {
      const char *id = ((const Selected *) chosen->pdata[i])->id;
      waits[i] = (ContainerWait){ .id = id, .done = id == NULL, .code = -1 };
    }
  if (!container_wait (session.storage, waits, chosen->len, conditions, first, interval, error))
    return CLI_FAILED;
  for (guint i = 0; i < chosen->len; i++)
    if (waits[i].done)
      {
        printf ("%" G_GINT64_FORMAT "\n", waits[i].code);
        if (first)
          break;
      }
  return 0;
}

const CliCommand cmd_wait = {
  .names = "wait, container wait",
  .usage = "CONTAINER [CONTAINER...]",
  .summary = "Wait for containers to end, and print their exit codes",
  .description = "Wait until containers have ended, or are in another state, and print the exit code of each on a line, -1 for any other state. All are waited for at once. Of a container with a "
                 "restart policy the next end counts, though it is started again.",
  .examples = "wait web\nwait --condition=healthy db\nwait --latest\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = wait_run,
};
