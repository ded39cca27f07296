#include "pkg/engine/image_scp.h"

#include <string.h>

#include "cmd/common/session.h"
#include "pkg/base/error.h"

static const CliOption options[] = {
  { "format", 0, CLI_STRING, .help = "What is sent: docker-archive or oci-archive", .value = "docker-archive", .values = CLI_VALUES ("docker-archive", "oci-archive") },
  { "quiet", 'q', CLI_BOOL, .help = "Show no progress" },
  CLI_END
};

static int
image_scp_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (ScpEnds) ends = { 0 };
  const ScpRequest request = { .format = cli_args_string (args, "format"), .quiet = cli_args_bool (args, "quiet") };
  if (strcmp (request.format, "docker-archive") != 0 && strcmp (request.format, "oci-archive") != 0)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "format value must be one of oci-archive docker-archive");
      return CLI_FAILED;
    }
  g_autoptr (ConfigPaths) paths = config_paths_new (context->root, context->run_root, error);
  return paths != NULL && scp_parse (cli_args_arg (args, 0), cli_args_arg (args, 1), &ends, error) && image_scp (paths, &ends, &request, error) ? 0 : CLI_FAILED;
}

const CliCommand cmd_image_scp = {
  .names = "image scp", .usage = "[HOST::]IMAGE [HOST::]", .summary = "Copy an image to or from another machine, or user",
  .description = "Copies an image between machines with ssh(1): it is saved at one end and loaded at the other. HOST is [USER@]HOST[:PORT], or a name of ssh_config(5); "
                 "the other machine needs coracle, podman or docker. USER@localhost:: is that user's store on this machine, reached with runuser(1) by root and with sudo(8) by others.",
  .examples = "image scp app me@server::\nimage scp server::app\nimage scp one::app two::\nimage scp app root@localhost::\n", .options = { options }, .min_args = 1, .max_args = 2,
  .complete = CLI_COMPLETE_IMAGE, .run = image_scp_run,
};
