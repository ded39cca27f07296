/* addhost: --add-host NAME[;NAME…]:ADDRESS. */
#pragma once

#include <glib.h>

typedef struct {
  char **names;      /* at least one */
  char *address;     /* IPv4 or IPv6, without brackets; NULL = "host-gateway": the address that leads to the host, for the network to say */
} SpecAddHost;
void spec_add_host_free (SpecAddHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SpecAddHost, spec_add_host_free)

/* spec_add_host_parse. Errors: INVALID `bad format for add-host: "x"`, `invalid IP address in add-host: "x"`. */
SpecAddHost *spec_add_host_parse (const char *text, GError **error);
