#include <stdio.h>

#include "cmd/common/confirm.h"
#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/network.h"
#include "pkg/engine/prune.h"

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "Also images with a name that no container uses" },
  { "build", 0, CLI_BOOL, .hidden = TRUE, .help = "Also what builds that were killed left, which every command removes here" },
  { "external", 0, CLI_BOOL, .help = "Only what killed commands left, and layers and blobs of no image",
    .man = "Removes only what killed commands have left, and layers and blobs that belong to no image. Other commands do that as they go; this one does nothing else." },
  { "filter", 0, CLI_LIST, .help = "Remove only what fits (KEY=VALUE)", .man = "Remove only containers and images that fit: *label*=KEY[=VALUE], *label!*=KEY[=VALUE], *until*=TIME." },
  { "force", 'f', CLI_BOOL, .help = "Do not ask" },
  { "volumes", 0, CLI_BOOL, .help = "Also volumes that no container mounts" },
  CLI_END
};

static char *
warning_text (const CliArgs *args)
{
  return g_strconcat ("WARNING! This command removes:\n\t- all stopped containers\n\t- all networks not used by at least one container\n",
                      cli_args_bool (args, "volumes") ? "\t- all volumes not used by at least one container\n" : "", cli_args_bool (args, "build") ? "\t- all build containers\n" : "",
                      cli_args_bool (args, "all") ? "\t- all images without at least one container associated with them\n\t- all build cache\n"
                                                  : "\t- all dangling images\n\t- all dangling build cache\n",
                      NULL);
}

static void
print_list (const char *title, const GPtrArray *names)
{
  if (names->len > 0)
    printf ("Deleted %s\n", title);
  for (guint i = 0; i < names->len; i++)
    puts (names->pdata[i]);
}

static int
print_result (const PruneResult *result, const GPtrArray *networks)
{
  g_autofree char *freed = text_size ((guint64) MAX (result->freed, 0), 4);
  print_list ("Containers", result->containers);
  print_list ("Volumes", result->volumes);
  print_list ("Images", result->images);
  print_list ("Networks", networks);
  printf ("Total reclaimed space: %s\n", freed);
  for (guint i = 0; i < result->errors->len; i++)
    dispatch_print_error (result->errors->pdata[i]);
  return result->errors->len > 0 ? 125 : 0;
}

/* prune_external: session_open has swept what the dead left. */
static int
prune_external (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  gboolean done;
  if (cli_args_bool (args, "all") || cli_args_bool (args, "volumes") || cli_args_bool (args, "build") || cli_args_list (args, "filter")[0] != NULL)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "system prune --external cannot be combined with other options");
      return CLI_FAILED;
    }
  return session_open (&session, context, TRUE, error) && storage_collect (session.storage, &done, error) ? 0 : CLI_FAILED;
}

static int
system_prune_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const PruneRequest request = { .containers = TRUE, .images = TRUE, .all_images = cli_args_bool (args, "all"), .volumes = cli_args_bool (args, "volumes"), .filters = cli_args_list (args, "filter") };
  gboolean yes = cli_args_bool (args, "force");
  if (cli_args_bool (args, "external"))
    return prune_external (context, args, error);
  g_autofree char *warning = warning_text (args);
  if (!yes && !confirm_answer (warning, &yes, error))
    return CLI_FAILED;
  if (!yes)
    return 0;
  g_auto (Session) session = { 0 };
  g_autoptr (PruneResult) result = NULL;
  g_autoptr (GPtrArray) networks = NULL;
  if (!session_open (&session, context, TRUE, error) || (result = prune (session.storage, &request, error)) == NULL || !network_prune (session.storage, request.filters, &networks, error))
    return CLI_FAILED;
  return print_result (result, networks);
}

const CliCommand cmd_system_prune = {
  .names = "system prune",
  .summary = "Remove what nothing uses",
  .description = "Removes containers that do not run, networks that no container is on, and images without a name that no container uses; with --all every image that no container uses, with --volumes also volumes that no "
                 "container mounts. Asks first, unless --force is given.",
  .examples = "system prune\nsystem prune -af --volumes\nsystem prune -f --filter until=24h\n",
  .options = { options },
  .run = system_prune_run,
};
