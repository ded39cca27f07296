#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/container_export.h"

int export_run (const CliContext *context, const CliArgs *args, GError **error);

/* open_output: a file of the user's is made with his own rights, before the user namespace is entered. */
static int
open_output (const char *path, GError **error)
{
  if (path == NULL)
    {
      if (!isatty (STDOUT_FILENO))
        return fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
      coracle_throw (error, CORACLE_ERROR_INVALID, "refusing to export to terminal. Use -o flag or redirect");
      return -1;
    }
  if (strchr (path, ':') != NULL)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "invalid filename (should not contain ':') \"%s\"", path);
      return -1;
    }
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  int errsv = errno;
  if (fd < 0)
    coracle_throw (error, CORACLE_ERROR_INVALID, "open %s: %s", path, errsv == ENOENT ? "no such file or directory" : g_strerror (errsv));
  return fd;
}

int
export_run (const CliContext *context, const CliArgs *args, GError **error)
{
  cleanup_fd int out = open_output (cli_args_string (args, "output"), error);
  g_auto (Session) session = { 0 };
  if (out < 0 || !session_open (&session, context, TRUE, error) || !container_export (session.storage, cli_args_arg (args, 0), out, error))
    return CLI_FAILED;
  return 0;
}
