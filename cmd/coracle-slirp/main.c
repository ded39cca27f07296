#include "coracle-slirp.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "network/slirp.h"

/* Nobody watches what it prints, and a caller's pipe must not be held open for it: it ends silently with status 1 if it cannot start. */
int
main (void)
{
  SlirpNetwork network;
  int flags = fcntl (SLIRP_TAP_FD, F_GETFL);
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  /* it was run by descriptor, and would be called by that number */
  (void) prctl (PR_SET_NAME, "coracle-slirp");
  (void) signal (SIGPIPE, SIG_IGN);
  if (flags < 0 || fcntl (SLIRP_TAP_FD, F_SETFL, flags | O_NONBLOCK) < 0)
    return 1;
  if (read (SLIRP_NETWORK_FD, &network, sizeof network) != (ssize_t) sizeof network || network.size != sizeof network)
    return 1;
  (void) close (SLIRP_NETWORK_FD);
  Loop *loop = loop_new (SLIRP_TAP_FD, &network);
  if (loop == NULL || !sandbox_enter ())
    return 1;
  loop_run (loop);
  return 0;
}
