#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/out_file.h"
#include "pkg/base/fd.h"
#include "pkg/engine/container_export.h"

int export_run (const CliContext *context, const CliArgs *args, GError **error);

int
export_run (const CliContext *context, const CliArgs *args, GError **error)
{
  cleanup_fd int out = out_file_open (cli_args_string (args, "output"), "refusing to export to terminal. Use -o flag or redirect", error);
  g_auto (Session) session = { 0 };
  if (out < 0 || !session_open (&session, context, TRUE, error) || !container_export (session.storage, cli_args_arg (args, 0), out, error))
    return CLI_FAILED;
  return 0;
}
