/* port_follow: where a container's published ports lead to when it leaves a network and joins another: asked of its network namespace itself, so it does not matter who changed it.
 * Plain C, libc only. Source: rtnetlink(7). */
#pragma once

#include <stdbool.h>

#include "network/port_table.h"

/* port_follow_open: a netlink socket that tells of the namespace's addresses and routes as they change; non-blocking. The descriptor or -errno. */
int port_follow_open (void);

/* port_follow_drain: read what it has to say. TRUE: something has changed; port_follow_find tells what to. Routes by which datagrams find back to clients are none of that. */
bool port_follow_drain (int netlink);

/* port_follow_find: where connections go now. @netlink: port_route_open. @first: where they are to go while the container has that address; then, for each family, to the first address of
 * its first interface, and its loopback clients come from the gateway there. No such address = all zero. FALSE: the kernel does not say. */
bool port_follow_find (int netlink, const PortTarget *first, PortTarget *ret_target);
