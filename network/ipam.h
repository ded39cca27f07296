/* ipam: which address of a subnet is given next. Who has which is the caller's to know. */
#pragma once

#include "network/config.h"

typedef gboolean (*IpamTaken) (const NetAddress *address, void *data);

/* ipam_choose: a free address of @subnet's lease range, or of all of it: the one after @after, going round at the end; an address that was just given back is not the next again.
 * Never the gateway, IPv4's network and broadcast addresses, IPv6's first. @after: size 0 = begin at the start. @taken: asked once for each at most; after 2^20 it gives up.
 * Errors: EXISTS "failed to find free IP in range: A - B". */
gboolean ipam_choose (const NetConfigSubnet *subnet, const NetAddress *after, IpamTaken taken, void *data, NetAddress *ret_address, GError **error);
/* ipam_random_mac: a local one, as kernels make them. */
void ipam_random_mac (uint8_t ret_mac[6]);
