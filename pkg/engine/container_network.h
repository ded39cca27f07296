/* container_network: the one place where the words about a container's network are read: --network in all its forms, --network-alias, --ip, --ip6, --mac-address, and
 * containers.conf's defaults.
 *
 * What was read is kept in ContainerOptions as values:
 *   network         how: NULL (the default, slirp), "slirp4netns", "pasta", "none", "host", "bridge", "container:ID", "ns:PATH"; never with options
 *   slirp_options   "KEY=VALUE", or a bare word, of slirp and pasta, in the order given; what they mean is for who starts that network; NULL = none
 *   networks        of "bridge": a JSON array, one object for each network in the order given, its members left out where nothing was said:
 *                   { "name", "aliases": [], "static_ips": [] (both families), "static_mac", "interface_name", "host_interface_name", "options": {} }
 * Source: podman-run(1) --network and its neighbours, containers.conf(5) [network]; the texts are those that Podman 5.8 prints. */
#pragma once

#include "pkg/engine/container_options.h"

typedef enum {
  NETWORK_SLIRP,
  NETWORK_NONE,
  NETWORK_HOST,
  NETWORK_PATH,      /* another's: container:ID, ns:PATH */
  NETWORK_PASTA,
  NETWORK_BRIDGE,    /* named networks */
} NetworkKind;

/* The flags beside --network. NULL = not given. */
typedef struct {
  const char *const *aliases;
  const char *ip, *ip6, *mac;
} NetworkFlags;

/* container_network_read: @words: each --network, in order; none: what containers.conf has put into @options stays. Errors: INVALID. */
gboolean container_network_read (ContainerOptions *options, const char *const *words, const NetworkFlags *flags, GError **error);

/* container_network_default: containers.conf's netns, default_rootless_network_cmd, network_cmd_options, pasta_options and default_network, from its tables, which may be NULL.
 * Errors: INVALID. */
gboolean container_network_default (ContainerOptions *options, const json_t *containers, const json_t *engine, const json_t *network, GError **error);

NetworkKind container_network_kind (const ContainerOptions *options);

/* container_network_parse_one: "NAME[:OPTIONS]" of one named network: an object of ContainerOptions.networks; new reference. NULL with @error. */
json_t *container_network_parse_one (const char *word, GError **error);
