#include <stdio.h>

#include "cmd/common/session.h"
#include "pkg/engine/image_tree.h"

static const CliOption options[] = {
  { "whatrequires", 0, CLI_BOOL, .help = "Show what was made from the image instead of what it is made of" },
  CLI_END
};

static int
image_tree_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  g_autofree char *text = image_tree (session.storage, cli_args_arg (args, 0), cli_args_bool (args, "whatrequires"), error);
  if (text == NULL)
    return CLI_FAILED;
  fputs (text, stdout);
  return 0;
}

const CliCommand cmd_image_tree = {
  .names = "image tree", .usage = "IMAGE", .summary = "Show the layers of an image as a tree",
  .description = "Shows the layers of an image, the lowest first, with the names of the images that end in each.", .examples = "image tree app\nimage tree --whatrequires debian\n",
  .options = { options }, .min_args = 1, .max_args = 1, .complete = CLI_COMPLETE_IMAGE, .run = image_tree_run,
};
