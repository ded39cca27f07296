#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/image.h"

static int
image_exists_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  g_autoptr (GError) failure = NULL;
  g_autoptr (StateImage) image = image_find (session.storage->state, cli_args_arg (args, 0), &failure);
  if (image == NULL && !g_error_matches (failure, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return CLI_FAILED;
    }
  return image != NULL ? 0 : 1;
}

const CliCommand cmd_image_exists = {
  .names = "image exists", .usage = "IMAGE", .summary = "Tell by the exit status whether an image is here",
  .description = "Exits with 0 if the image is there, with 1 if it is not; prints nothing.", .examples = "image exists debian\n", .min_args = 1, .max_args = 1,
  .complete = CLI_COMPLETE_IMAGE, .run = image_exists_run,
};
