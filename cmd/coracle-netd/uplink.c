#include "netd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

/* A server that lived for less than this, in microseconds, is begun again only after a pause */
#define SHORT_LIFE (5 * G_USEC_PER_SEC)
#define PAUSE_MS 1000

int
uplink_spawn (Netd *netd, guint pause_ms, GError **error)
{
  SlirpProcess process;
  g_autofree char *program = g_build_filename (netd->libexec, "coracle-slirp", NULL);
  int r = slirp_spawn_child (program, environ, &netd->slirp, pause_ms, &process);
  if (r < 0)
    {
      coracle_throw_errno (error, -r, "starting coracle-slirp");
      return -1;
    }
  netd->slirp_pid = process.pid;
  netd->slirp_begun = g_get_monotonic_time ();
  return process.socket;
}

void
uplink_ended (Netd *netd)
{
  gboolean soon = g_get_monotonic_time () - netd->slirp_begun < SHORT_LIFE;
  netd->slirp_pid = 0;
  cleanup_fd int socket = uplink_spawn (netd, soon ? PAUSE_MS : 0, NULL);
  if (socket >= 0)
    (void) job_tap (netd, socket, NULL);
}
