/* The commands that concern the whole store: system reset, system migrate, system renumber. */
#include "pkg/engine/reset.h"

#include <stdio.h>

#include "cmd/common/confirm.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/event.h"

static const CliOption reset_options[] = {
  { "force", 'f', CLI_BOOL, .help = "Do not ask" },
  CLI_END
};

static int
system_reset_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean yes = cli_args_bool (args, "force");
  g_autoptr (ConfigPaths) paths = config_paths_new (context->root, context->run_root, error);
  if (paths == NULL)
    return CLI_FAILED;
  g_autofree char *warning = g_strdup_printf ("WARNING! This will remove:\n        - all containers\n        - all pods\n        - all images\n        - all networks\n        - all build cache\n        - all machines\n"
                                              "        - all volumes\n        - the graphRoot directory: \"%s\"\n        - the runRoot directory: \"%s\"",
                                              paths->root, paths->run_root);
  if (!yes && !confirm_answer (warning, &yes, error))
    return CLI_FAILED;
  if (!yes)
    return 0;
  g_auto (Session) session = { 0 };
  return session_open (&session, context, TRUE, error) && system_reset (session.storage, error) ? 0 : CLI_FAILED;
}

const CliCommand cmd_system_reset = {
  .names = "system reset",
  .summary = "Remove all containers, images and volumes",
  .description = "Ends and removes all containers, removes all images and volumes, and then the folders of the store and of the run folder, if nothing else is in them. Asks first, unless --force is given.",
  .examples = "system reset\nsystem reset --force\n",
  .options = { reset_options },
  .run = system_reset_run,
};

static const CliOption migrate_options[] = {
  { "new-runtime", 0, CLI_STRING, .help = "The OCI runtime that all containers are to have from now on" },
  CLI_END
};

static int
system_migrate_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *runtime = cli_args_string (args, "new-runtime");
  if (runtime != NULL && runtime[0] != '\0')
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "change to runtime \"%s\" requested but no such runtime is defined: invalid argument", runtime);
      return CLI_FAILED;
    }
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) stopped = NULL;
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  gboolean ok = system_migrate (session.storage, &stopped, error);
  for (guint i = 0; stopped != NULL && i < stopped->len; i++)
    printf ("stopped %s\n", (const char *) stopped->pdata[i]);
  return ok ? 0 : CLI_FAILED;
}

const CliCommand cmd_system_migrate = {
  .names = "system migrate",
  .summary = "End all containers, so that the next ones meet the system as it is now",
  .description = "Ends all containers that run, and with them the user namespace that they share: to be called after /etc/subuid or /etc/subgid was changed. The store itself is brought up to date by "
                 "every command.",
  .options = { migrate_options },
  .run = system_migrate_run,
};

static int
system_renumber_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  event_system (session.storage, "renumber");
  return 0;
}

const CliCommand cmd_system_renumber = {
  .names = "system renumber",
  .summary = "Number the locks of containers anew, of which there are none here",
  .description = "For scripts written for Podman: there it gives containers new numbers for their locks. Here locks are files and have no numbers, so there is nothing to be done.",
  .run = system_renumber_run,
};
