/* port_route: the routes by which datagrams find back to clients (network/port_table.h). Plain C, async-signal-safe. Source: rtnetlink(7). */
#pragma once

#include <stdbool.h>

/* port_route_open: a netlink socket for port_route_client. Returns the descriptor or -errno. */
int port_route_open (void);

/* port_route_client: replies from a published UDP port to the address @client stay here; @own: the container's address, that replies of sockets without one come from.
 * In the container's network namespace, with CAP_NET_ADMIN over it. @client, @own: 4 or 16 bytes. Returns 0 or -errno. */
int port_route_client (int netlink, bool add, int family, const void *client, const void *own);
