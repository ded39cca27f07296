#include <stdio.h>

#include "cmd/common/confirm.h"
#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/engine/volume.h"

static const CliOption options[] = {
  { "filter", 0, CLI_LIST, .help = "Only volumes that fit (label=KEY[=VALUE], label!=KEY[=VALUE], until=TIME, ...)",
    .man = "Remove only volumes that fit: *label*=KEY[=VALUE], *label!*=KEY[=VALUE], *until*=TIME (made before then: a time, or how long ago), and all else that `volume ls` knows." },
  { "force", 'f', CLI_BOOL, .help = "Do not ask" },
  CLI_END
};

/* ask: naming what would be lost. Nothing: no need. */
static gboolean
ask (Storage *storage, const char *const *filters, gboolean *ret_yes, GError **error)
{
  g_autoptr (GPtrArray) volumes = NULL;
  if (!volume_prunable (storage, filters, &volumes, error))
    return FALSE;
  *ret_yes = FALSE;
  if (volumes->len == 0)
    {
      puts ("No dangling volumes found");
      return TRUE;
    }
  g_autoptr (GString) warning = g_string_new ("WARNING! This will remove all volumes not used by at least one container. The following volumes will be removed:");
  for (guint i = 0; i < volumes->len; i++)
    g_string_append_printf (warning, "\n%s", ((const Volume *) volumes->pdata[i])->name);
  return confirm_answer (warning->str, ret_yes, error);
}

static int
volume_prune_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean yes = cli_args_bool (args, "force");
  const char *const *filters = cli_args_list (args, "filter");
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) names = NULL, errors = NULL;
  if (!session_open (&session, context, TRUE, error) || (!yes && !ask (session.storage, filters, &yes, error)))
    return CLI_FAILED;
  if (!yes)
    return 0;
  if (!volume_prune (session.storage, filters, &names, &errors, error))
    return CLI_FAILED;
  for (guint i = 0; i < names->len; i++)
    puts (names->pdata[i]);
  (void) fflush (stdout);
  for (guint i = 0; i < errors->len; i++)
    dispatch_print_error (errors->pdata[i]);
  return errors->len > 0 ? cli_exit_status (errors->pdata[0]) : 0;
}

const CliCommand cmd_volume_prune = {
  .names = "volume prune",
  .summary = "Remove all volumes that no container has",
  .description = "Remove every volume that no container has, whether it runs or not, with all they hold, and print their names. It asks first.",
  .examples = "volume prune\nvolume prune -f --filter label=scratch\n",
  .options = { options },
  .run = volume_prune_run,
};
