#include "pkg/engine/network_enter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "network/netd.h"
#include "network/slirp.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"

#define RESOLVER "/etc/resolv.conf"

/* show_resolver: over the host's, whose name servers may be on a loopback that is not this namespace's. Where the host has none there is nothing to cover. */
static gboolean
show_resolver (const char *folder, GError **error)
{
  SlirpNetwork slirp;
  slirp_network_init (&slirp);
  g_autofree char *host = NULL, *target = realpath (RESOLVER, NULL), *source = g_build_filename (folder, "resolv.conf", NULL);
  if (target == NULL || !path_read_file (AT_FDCWD, RESOLVER, 1 << 20, &host, NULL, NULL))
    return TRUE;
  g_autofree char *text = slirp_resolv_conf (host, &slirp, NULL, NULL, NULL);
  cleanup_fd int dir = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int r = dir < 0 ? -errno : path_write_file (dir, "resolv.conf", text, strlen (text), 0644, FALSE);
  if (r == 0 && mount (source, target, NULL, MS_BIND, NULL) < 0)
    r = -errno;
  return r == 0 || coracle_throw_errno (error, -r, "showing the name servers at %s", target);
}

gboolean
network_enter (const ConfigPaths *paths, gboolean single, int *ret_keeper, GError **error)
{
  const NetdPlace place = { paths->run_root, paths->libexec, single };
  json_auto_t *request = json_pack ("{s:s}", "op", "namespace");
  cleanup_fd int keeper = -1, ns = -1;
  json_auto_t *answer = netd_call (&place, request, -1, &keeper, &ns, error);
  if (answer == NULL)
    return FALSE;
  int errsv = setns (ns, CLONE_NEWNET) == 0 && fcntl (keeper, F_SETFD, 0) == 0 ? 0 : errno;
  if (errsv != 0)
    return coracle_throw_errno (error, errsv, "entering the network namespace of named networks");
  g_autofree char *folder = netd_folder (paths->run_root, single);
  if (!show_resolver (folder, error))
    return FALSE;
  *ret_keeper = fd_steal (&keeper);
  return TRUE;
}
