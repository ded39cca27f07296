#include <stdio.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/image.h"

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "All images" },
  { "force", 'f', CLI_BOOL, .help = "Force removal of the image, its names and the containers that use it" },
  { "ignore", 'i', CLI_BOOL, .help = "Do not mind images that do not exist" },
  { "no-prune", 0, CLI_BOOL, .help = "Keep parents that have no name and no other children" },
  CLI_END
};

/* exit_status: as podman-rmi(1): 1 no such image, 2 in use, 125 anything else or a mixture. */
static int
exit_status (const GPtrArray *errors)
{
  int status = 0;
  for (guint i = 0; i < errors->len; i++)
    {
      const GError *failure = errors->pdata[i];
      int one = g_error_matches (failure, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND) ? 1 : g_error_matches (failure, CORACLE_ERROR, CORACLE_ERROR_IN_USE) ? 2 : 125;
      status = status == 0 || status == one ? one : 125;
    }
  return status;
}

/* print_errors: one as any other; several as one that counts them, as Podman does. */
static void
print_errors (const GPtrArray *errors)
{
  if (errors->len == 1)
    dispatch_print_error (errors->pdata[0]);
  if (errors->len < 2)
    return;
  fprintf (stderr, "Error: %u errors occurred:\n", errors->len);
  for (guint i = 0; i < errors->len; i++)
    fprintf (stderr, "\t* %s\n", ((const GError *) errors->pdata[i])->message);
}

static int
rmi_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const ImageRemoveRequest request = {
    .images = cli_args_argv (args), .all = cli_args_bool (args, "all"), .force = cli_args_bool (args, "force"), .ignore = cli_args_bool (args, "ignore"),
    .keep_parents = cli_args_bool (args, "no-prune"),
  };
  if (!request.all && cli_args_count (args) == 0)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "image name or ID must be specified");
      return CLI_FAILED;
    }
  if (request.all && cli_args_count (args) > 0)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "when using the --all switch, you may not pass any images names or IDs");
      return CLI_FAILED;
    }
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  g_autoptr (ImageRemoveResult) result = image_remove (session.storage, &request, error);
  if (result == NULL)
    return CLI_FAILED;
  for (guint i = 0; i < result->lines->len; i++)
    puts (result->lines->pdata[i]);
  fflush (stdout);
  print_errors (result->errors);
  return exit_status (result->errors);
}

const CliCommand cmd_rmi = {
  .names = "rmi, image rm|remove", .usage = "IMAGE [IMAGE...]", .summary = "Remove images, or names of images",
  .description = "Removes names, and with an image's last name the image. An image that a container uses stays, unless forced.",
  .examples = "rmi localhost/app:old\nrmi -f 0123456789ab\nrmi --all\n", .options = { options }, .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .run = rmi_run,
};
