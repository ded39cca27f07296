/* link: interfaces, addresses and routes, by rtnetlink (libmnl). Each call is one request and its answer; errors are -errno, as the kernel says them.
 * A socket works on the network namespace in which it was opened, wherever its process is later. Source: rtnetlink(7), veth(4), the kernel's if_link.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network/address.h"

typedef struct LinkSocket LinkSocket;
LinkSocket *link_open (void);   /* in the current namespace; NULL: errno */
void link_close (LinkSocket *socket);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LinkSocket, link_close)

/* link_index: of the interface @name; 0 or less: -errno. */
int link_index (LinkSocket *socket, const char *name);
int link_set_up (LinkSocket *socket, int index);
int link_delete (LinkSocket *socket, int index);
/* link_bridge: @mac: its own; without one a bridge takes the lowest of its ports', so that it changes as they come and go, and neighbours talk to one that has left. */
int link_bridge (LinkSocket *socket, const char *name, const uint8_t mac[6], uint32_t mtu, bool vlan_filtering);

/* A pair: @name stays here, below the bridge @master; its other end goes into the namespace @peer_ns as @peer_name. */
typedef struct {
  const char *name, *peer_name;
  int master, peer_ns;
  const uint8_t *peer_mac;   /* 6 */
  uint32_t mtu;              /* 0 = the usual */
} LinkVeth;
int link_veth (LinkSocket *socket, const LinkVeth *veth);
/* link_veth_message: the request alone, into @buffer; returns its size. For tests. */
size_t link_veth_message (const LinkVeth *veth, void *buffer, size_t size);
/* An interface of its own on top of @parent, in the namespace @ns as @name: @kind "macvlan" or "ipvlan". */
typedef struct {
  const char *kind, *name;
  int parent, ns;
  uint32_t mode;             /* MACVLAN_MODE_…, IPVLAN_MODE_… */
  const uint8_t *mac;        /* 6, of a macvlan; an ipvlan has its parent's */
  uint32_t mtu;              /* 0 = the parent's */
  int64_t bclim;             /* of a macvlan: IFLA_MACVLAN_BC_CUTOFF; INT32_MIN = not given */
} LinkUpper;
int link_upper (LinkSocket *socket, const LinkUpper *upper);
/* link_default: the interface that the default route leads through; -ENODEV: there is none. */
int link_default (LinkSocket *socket);
/* link_vlan: the port @index of a bridge is of this VLAN. */
int link_vlan (LinkSocket *socket, int index, uint16_t id);

int link_add_address (LinkSocket *socket, int index, const NetAddress *address, unsigned prefix);
/* link_add_route: @destination NULL = default. @metric: 0 = the usual. */
int link_add_route (LinkSocket *socket, const NetSubnet *destination, const NetAddress *gateway, int index, uint32_t metric);
