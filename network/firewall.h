/* firewall: the nftables rules of the namespace that named networks share: masquerade towards the way out, internal and isolated networks. Source: nft(8). */
#pragma once

#include "network/config.h"

typedef struct {
  const NetConfig *config;
  guint dns_port;            /* where its names are served; 0 = 53 */
} FirewallNetwork;

/* firewall_text: the whole table for @networks (of FirewallNetwork), to be put in place of the one before, in one transaction. */
char *firewall_text (const GArray *networks);
/* firewall_apply: in the current network namespace. Errors: UNSUPPORTED a kernel without nf_tables; SYSTEM with what nft says. */
gboolean firewall_apply (const char *text, GError **error);
