#include <stdio.h>
#include <string.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_lookup.h"

static const CliOption options[] = {
  { "ignore", 'i', CLI_BOOL, .help = "Do not mind lists that do not exist" },
  CLI_END
};

/* check: a list, or nothing at all, which image_remove will tell. */
static gboolean
check (State *state, const char *text, GError **error)
{
  g_autofree char *name = NULL;
  g_autoptr (StateImage) image = image_lookup (state, text, NULL, &name, NULL);
  return image == NULL || image->list || coracle_throw (error, CORACLE_ERROR_INVALID, "%s: image is not a manifest list", name);
}

static void
print (const ImageRemoveResult *result)
{
  static const char *const beginnings[] = { "Untagged", "Deleted" };
  for (gsize kind = 0; kind < G_N_ELEMENTS (beginnings); kind++)
    for (guint i = 0; i < result->lines->len; i++)
      if (g_str_has_prefix (result->lines->pdata[i], beginnings[kind]))
        puts (result->lines->pdata[i]);
  for (guint i = 0; i < result->errors->len; i++)
    dispatch_print_error (result->errors->pdata[i]);
}

static int
manifest_rm_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  for (const char *const *name = cli_args_argv (args); *name != NULL; name++)
    if (!check (session.storage->state, *name, error))
      return CLI_FAILED;
  const ImageRemoveRequest request = { .images = cli_args_argv (args), .ignore = cli_args_bool (args, "ignore") };
  g_autoptr (ImageRemoveResult) result = image_remove (session.storage, &request, error);
  if (result == NULL)
    return CLI_FAILED;
  print (result);
  gboolean missing = result->errors->len > 0;
  for (guint i = 0; i < result->errors->len; i++)
    missing = missing && g_error_matches (result->errors->pdata[i], CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  return missing ? 1 : result->errors->len > 0 ? 125 : 0;
}

const CliCommand cmd_manifest_rm = {
  .names = "manifest rm", .usage = "LIST [LIST...]", .summary = "Remove manifest lists",
  .description = "Removes manifest lists from the store. The images that they name stay.", .examples = "manifest rm app:1\n", .options = { options }, .min_args = 1, .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .run = manifest_rm_run,
};
