#include "cmd/common/session.h"
#include "pkg/engine/image.h"

static int
tag_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  return image_tag (session.storage, cli_args_arg (args, 0), cli_args_argv (args) + 1, error) ? 0 : CLI_FAILED;
}

static int
untag_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  return image_untag (session.storage, cli_args_arg (args, 0), cli_args_argv (args) + 1, error) ? 0 : CLI_FAILED;
}

const CliCommand cmd_tag = {
  .names = "tag, image tag", .usage = "IMAGE TARGET_NAME [TARGET_NAME...]", .summary = "Give an image more names",
  .description = "Gives an image further names. A name without registry gets localhost/, one without tag :latest; a name that another image has moves here.",
  .examples = "tag 0123456789ab app:1.0\ntag app:1.0 registry.example.org/team/app:1.0\n", .min_args = 2, .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .run = tag_run,
};

const CliCommand cmd_untag = {
  .names = "untag, image untag", .usage = "IMAGE [IMAGE...]", .summary = "Take names away from images",
  .description = "Takes names away from the first image: those that follow, or all that it has. The image itself stays.",
  .examples = "untag 0123456789ab\nuntag app:1.0 localhost/app:old\n", .min_args = 1, .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .run = untag_run,
};
