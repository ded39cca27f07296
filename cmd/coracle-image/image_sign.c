#include "pkg/engine/image_sign.h"

#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/access.h"
#include "pkg/base/error.h"
#include "pkg/base/outside.h"

int image_sign_run (const CliContext *context, const CliArgs *args, GError **error);

int
image_sign_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  g_auto (AccessArgs) access = { 0 };
  if (!access_read (args, &cmd_image_sign, &access, error))
    return CLI_FAILED;
  if (!cli_args_is_set (args, "sign-by"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "no identity provided"), CLI_FAILED;
  const char *folder = cli_args_string (args, "directory");
  if (folder != NULL && !g_file_test (folder, G_FILE_TEST_IS_DIR))
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: no such file or directory", folder), CLI_FAILED;
  if (!outside_begin (error) || !session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  const ImageSignRequest request = { cli_args_string (args, "sign-by"), folder, cli_args_bool (args, "all"), access.access };
  for (guint i = 0; cli_args_arg (args, i) != NULL; i++)
    if (!image_sign_source (session.storage, cli_args_arg (args, i), &request, error))
      return CLI_FAILED;
  return 0;
}
