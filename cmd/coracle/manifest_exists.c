#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/image_lookup.h"

static int
manifest_exists_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  g_autoptr (GError) failure = NULL;
  g_autofree char *name = NULL;
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  g_autoptr (StateImage) image = image_lookup (session.storage->state, cli_args_arg (args, 0), NULL, &name, &failure);
  if (image != NULL && image->list)
    return 0;
  if (image == NULL && g_error_matches (failure, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    return 1;
  if (image != NULL)
    coracle_throw (error, CORACLE_ERROR_INVALID, "%s: image is not a manifest list", name);
  else
    g_propagate_error (error, g_steal_pointer (&failure));
  return CLI_FAILED;
}

const CliCommand cmd_manifest_exists = {
  .names = "manifest exists", .usage = "MANIFEST", .summary = "Tell by the exit status whether a manifest list is here",
  .description = "Exits with 0 if the manifest list is there, with 1 if it is not; prints nothing.", .examples = "manifest exists app:1\n", .min_args = 1, .max_args = 1,
  .complete = CLI_COMPLETE_IMAGE, .run = manifest_exists_run,
};
