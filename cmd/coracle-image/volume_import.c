#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/volume_transfer.h"

int volume_import_run (const CliContext *context, const CliArgs *args, GError **error);

/* open_source: opened with the user's own rights, before the user namespace is entered. */
static int
open_source (const char *path, GError **error)
{
  if (path == NULL || strcmp (path, "-") == 0)
    {
      if (!isatty (STDIN_FILENO))
        return fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
      coracle_throw (error, CORACLE_ERROR_INVALID, "cannot read from terminal, use command-line redirection");
      return -1;
    }
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  int errsv = errno;
  if (fd < 0)
    coracle_throw (error, CORACLE_ERROR_INVALID, "open %s: %s", path, errsv == ENOENT ? "no such file or directory" : g_strerror (errsv));
  return fd;
}

int
volume_import_run (const CliContext *context, const CliArgs *args, GError **error)
{
  cleanup_fd int in = open_source (cli_args_arg (args, 1), error);
  g_auto (Session) session = { 0 };
  guint64 devices = 0;
  if (in < 0 || !session_open (&session, context, TRUE, error)
      || !volume_import (session.storage, cli_args_arg (args, 0), in, session.map->mode == IDMAP_SINGLE, &devices, error))
    return CLI_FAILED;
  if (devices > 0)
    fprintf (stderr, "Notice: %" G_GUINT64_FORMAT " device nodes were left out\n", devices);
  return 0;
}
