#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/out_file.h"
#include "pkg/base/fd.h"
#include "pkg/engine/volume_transfer.h"

int volume_export_run (const CliContext *context, const CliArgs *args, GError **error);

int
volume_export_run (const CliContext *context, const CliArgs *args, GError **error)
{
  cleanup_fd int out = out_file_open (cli_args_string (args, "output"), "cannot write to terminal, use command-line redirection or the --output flag", error);
  g_auto (Session) session = { 0 };
  if (out < 0 || !session_open (&session, context, TRUE, error) || !volume_export (session.storage, cli_args_arg (args, 0), out, error))
    return CLI_FAILED;
  return 0;
}
