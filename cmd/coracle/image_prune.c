#include <stdio.h>

#include "cmd/common/confirm.h"
#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/engine/prune.h"

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "Also images with a name that no container uses" },
  { "build-cache", 0, CLI_BOOL, .hidden = TRUE, .help = "Also the cache folders of builds, of which this store has none" },
  { "external", 0, CLI_BOOL, .hidden = TRUE, .help = "Also images that containers of other tools use, of which this store has none" },
  { "filter", 0, CLI_LIST, .help = "Remove only what fits (KEY=VALUE)", .man = "Remove only images that fit: *label*=KEY[=VALUE], *label!*=KEY[=VALUE], *until*=TIME, and what **images --filter** knows." },
  { "force", 'f', CLI_BOOL, .help = "Do not ask" },
  CLI_END
};

static int
image_prune_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const PruneRequest request = { .images = TRUE, .all_images = cli_args_bool (args, "all"), .filters = cli_args_list (args, "filter") };
  gboolean yes = cli_args_bool (args, "force");
  const char *warning = request.all_images ? "WARNING! This command removes all images without at least one container associated with them." : "WARNING! This command removes all dangling images.";
  g_auto (Session) session = { 0 };
  if (!yes && !confirm_answer (warning, &yes, error))
    return CLI_FAILED;
  if (!yes)
    return 0;
  g_autoptr (PruneResult) result = NULL;
  if (!session_open (&session, context, TRUE, error) || (result = prune (session.storage, &request, error)) == NULL)
    return CLI_FAILED;
  for (guint i = 0; i < result->images->len; i++)
    puts (result->images->pdata[i]);
  fflush (stdout);
  for (guint i = 0; i < result->errors->len; i++)
    dispatch_print_error (result->errors->pdata[i]);
  return result->errors->len > 0 ? 125 : 0;
}

const CliCommand cmd_image_prune = {
  .names = "image prune",
  .summary = "Remove the images that nothing uses",
  .description = "Removes images without a name that no container uses, or with --all every image that no container uses, and prints their IDs.",
  .examples = "image prune\nimage prune -af --filter until=24h\n",
  .options = { options },
  .run = image_prune_run,
};
