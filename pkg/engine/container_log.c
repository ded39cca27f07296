#include "pkg/engine/container_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

gboolean
log_open (const Make *make, MonitorLog *ret_log, GError **error)
{
  MonitorLog log = { .kind = MONITOR_LOG_K8S, .fd = -1, .dir = -1, .max_files = 1 };
  g_autofree char *path = g_build_filename (make->folder, CONTAINER_LOG_FILE, NULL);
  log.fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (log.fd < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "opening the log %s", path);
    }
  g_strlcpy (log.container_name, make->name, sizeof log.container_name);
  *ret_log = log;
  return TRUE;
}

void
log_close (MonitorLog *log)
{
  fd_close (fd_steal (&log->fd));
  fd_close (fd_steal (&log->dir));
}
