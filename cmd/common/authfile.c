#include "cmd/common/authfile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "pkg/base/error.h"

gboolean
authfile_check (const CliArgs *args, GError **error)
{
  const char *path = cli_args_is_set (args, "authfile") ? cli_args_string (args, "authfile") : NULL;
  if (path == NULL || path[0] == '\0' || faccessat (AT_FDCWD, path, F_OK, AT_EACCESS) == 0)
    return TRUE;
  int errsv = errno;
  g_autofree char *why = g_ascii_strdown (g_strerror (errsv), -1);   /* as Go has it */
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "credential file is not accessible: faccessat %s: %s", path, why);
}
