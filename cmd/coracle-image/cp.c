#include <stdio.h>
#include <unistd.h>

#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/container_copy.h"

int cp_run (const CliContext *context, const CliArgs *args, GError **error);

int
cp_run (const CliContext *context, const CliArgs *args, GError **error)
{
  ContainerCopy request = {
    .from = cli_args_arg (args, 0), .to = cli_args_arg (args, 1), .archive = cli_args_bool (args, "archive"), .overwrite = cli_args_bool (args, "overwrite"), .input = STDIN_FILENO,
    .output = STDOUT_FILENO,
  };
  g_auto (Session) session = { 0 };
  if (!container_copy_check (&request, error) || !session_open (&session, context, TRUE, error) || !container_copy (session.storage, &request, error))
    return CLI_FAILED;
  if (request.skipped > 0)
    fprintf (stderr, "Notice: %" G_GUINT64_FORMAT " files that cannot be read, or device nodes, were left out\n", request.skipped);
  return 0;
}
