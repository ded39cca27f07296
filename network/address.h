/* address: IPv4 and IPv6 addresses, subnets and hardware addresses as values. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct {
  uint8_t size;        /* 4 or 16 */
  uint8_t bytes[16];   /* network order; the rest zero */
} NetAddress;

typedef struct {
  NetAddress base;     /* bits beyond the prefix are zero */
  uint8_t prefix;
} NetSubnet;

#define NET_ADDRESS_TEXT 46

/* net_address_parse: "10.0.0.1", "fd00::1"; nothing else. */
gboolean net_address_parse (const char *text, NetAddress *ret_address);
/* net_address_text: into @buffer, which is returned. */
const char *net_address_text (const NetAddress *address, char buffer[NET_ADDRESS_TEXT]);
char *net_address_dup_text (const NetAddress *address);
int net_address_compare (const NetAddress *a, const NetAddress *b);   /* of two of one size: as numbers; else IPv4 first */
/* net_address_add: the one @n further on; FALSE beyond the last of all. */
gboolean net_address_add (const NetAddress *address, guint64 n, NetAddress *ret_address);

/* net_subnet_parse: "10.0.0.0/24"; bits of the host's part are cut off. @ret_given: the address as it was written; may be NULL. */
gboolean net_subnet_parse (const char *text, NetSubnet *ret_subnet, NetAddress *ret_given);
char *net_subnet_text (const NetSubnet *subnet);
gboolean net_subnet_contains (const NetSubnet *subnet, const NetAddress *address);
gboolean net_subnet_overlaps (const NetSubnet *a, const NetSubnet *b);
/* net_subnet_last: its last address, IPv4's broadcast address. */
void net_subnet_last (const NetSubnet *subnet, NetAddress *ret_last);
/* net_subnet_size: how many addresses it has; UINT64_MAX for more. */
guint64 net_subnet_size (const NetSubnet *subnet);

/* net_mac_parse: "92:d0:c6:0a:29:33", with '-' too, or "92d0.c60a.2933". */
gboolean net_mac_parse (const char *text, uint8_t ret_mac[6]);
char *net_mac_text (const uint8_t mac[6]);
