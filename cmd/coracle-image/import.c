#include <stdio.h>
#include <unistd.h>

#include "cmd/common/image_commands.h"
#include "cmd/coracle-image/platform.h"
#include "cmd/coracle-image/progress.h"
#include "pkg/base/error.h"

int import_run (const CliContext *context, const CliArgs *args, GError **error);

int
import_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const ImageImportRequest what = {
    .path = cli_args_arg (args, 0), .reference = cli_args_arg (args, 1), .message = cli_args_string (args, "message"), .changes = cli_args_list (args, "change"),
  };
  if (g_str_equal (what.path, "-") && isatty (STDIN_FILENO))
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "cannot read from terminal, use command-line redirection");
      return CLI_FAILED;
    }
  g_auto (PlatformArgs) platform = { 0 };
  g_auto (Session) session = { 0 };
  if (!platform_args_read (args, FALSE, &platform, error) || !session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  Progress progress;
  progress_begin (&progress, cli_args_bool (args, "quiet"));
  ImageInRequest request = { .single = session.map->mode == IDMAP_SINGLE, .platform = &platform.platform, .progress = progress_callback, .progress_data = &progress };
  g_autoptr (ImageIn) image = NULL;
  gboolean ok = image_import (session.storage, &what, &request, &image, error);
  progress_end (&progress);
  if (!ok)
    return CLI_FAILED;
  printf ("sha256:%s\n", image->id);
  progress_notices (&progress, &session, &request);
  return 0;
}
