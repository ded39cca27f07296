/* coracle-port: the published ports of one container: "coracle-port TABLE FLAGS": a descriptor (network/port_table.h) and PORT_TRANSPARENT_….
 *
 * Host's:  the listening sockets, which it has inherited; nothing else.
 * Joined:  the container's network namespace, before it was exec'd.
 * Shared:  the user namespace of all of the user's containers; what is left of the capabilities over it says sandbox.h.
 * Dies:    with the keeper (network/port_child.c), and so with the monitor. Nobody watches what it prints: it prints nothing. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "network/port_follow.h"
#include "network/port_route.h"
#include "network/port_serve.h"
#include "sandbox.h"

static bool
has_udp (const PortTable *table)
{
  for (uint32_t i = 0; i < table->n; i++)
    if (table->entries[i].udp)
      return true;
  return false;
}

int
main (int argc, char **argv)
{
  const PortTable *table = argc == 3 ? port_table_map (atoi (argv[1])) : NULL;
  if (table == NULL)
    return 1;
  uint32_t flags = (uint32_t) atoi (argv[2]);
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  /* it was run by descriptor, and would be called by that number */
  (void) prctl (PR_SET_NAME, "coracle-port");
  (void) signal (SIGPIPE, SIG_IGN);
  int netlink = has_udp (table) && flags & (PORT_TRANSPARENT_UDP4 | PORT_TRANSPARENT_UDP6) ? port_route_open () : -1;
  int follow = port_follow_open (), asks = port_route_open ();
  if (!sandbox_enter (netlink >= 0))
    return 1;
  Server *server = port_server_new (table, flags, netlink);
  if (server == NULL || (follow >= 0 && asks >= 0 && !port_server_follow (server, follow, asks)))
    return 1;
  while (port_server_once (server, -1))
    continue;
  return 1;
}
