#include "cmd/coracle-image/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"

int
out_file_open (const char *path, const char *terminal, GError **error)
{
  if (path == NULL)
    {
      if (!isatty (STDOUT_FILENO))
        return fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
      coracle_throw (error, CORACLE_ERROR_INVALID, "%s", terminal);
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
