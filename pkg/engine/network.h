/* network: named networks: what the network commands do. Every function takes a request and returns a result; nothing prints. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "network/config.h"
#include "storage/storage.h"

/* Where networks are described and what new ones are made of: containers.conf's [network] and our store. */
typedef struct {
  char *folder;            /* --network-config-dir, else network_config_dir, else ROOT/networks */
  char *default_name;      /* default_network, else "podman": cannot be removed */
  char *default_subnet;    /* NULL = 10.88.0.0/16 */
  GArray *pools;           /* of NetworkPool: default_subnet_pools */
  char *firewall;          /* firewall_driver; NULL = not given */
  json_t *dns_port;        /* dns_bind_port, as it stands there; NULL = not given */
} NetworkPlace;
typedef struct {
  NetSubnet base;
  guint size;              /* prefix of the subnets that are taken out of it */
} NetworkPool;
/* network_choose_folder: the process's one decision: --network-config-dir. */
void network_choose_folder (const char *folder);
/* network_place_new: Errors: INVALID, of containers.conf. */
NetworkPlace *network_place_new (const ConfigPaths *paths, GError **error);
void network_place_free (NetworkPlace *place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetworkPlace, network_place_free)

/* network_place_words: what coracle-netd has to know of it for a network that a container is put on: into @network, a NETWORK of network/netd.h.
 * Errors: INVALID, UNSUPPORTED of containers.conf. */
gboolean network_place_words (const NetworkPlace *place, json_t *network, GError **error);

/* network_create: all but the driver may be left out. @ret_name: free with g_free.
 * Errors: INVALID; EXISTS name, subnet or interface is another's. Nothing is left of an attempt that fails. Source: podman-network-create(1). */
typedef struct {
  const char *name, *driver, *interface, *ipam;   /* NULL = not given */
  const char *const *subnets, *const *gateways, *const *ranges, *const *routes, *const *dns, *const *labels, *const *options;
  gboolean ipv6, internal, disable_dns, ignore;
} NetworkCreate;
gboolean network_create (Storage *storage, const NetworkCreate *request, char **ret_name, GError **error);

/* network_list: of NetConfig, by name, those that fit @filters ("KEY=VALUE", NULL-terminated; NULL = all).
 * Errors: INVALID `invalid filter "x"`. Source: podman-network-ls(1). */
gboolean network_list (Storage *storage, const char *const *filters, GPtrArray **ret_configs, GError **error);
/* network_find: new. Errors: NOT_FOUND; INVALID. */
NetConfig *network_find (Storage *storage, const char *name_or_id, GError **error);
/* network_inspect: the object that `network inspect` shows: with the containers that run on it. */
json_t *network_inspect (Storage *storage, const NetConfig *config, GError **error);
/* network_inspect_fill: add what JSON leaves out where it is empty, for templates. */
void network_inspect_fill (json_t *object);

/* network_users: the ids of the containers that are on the network, running or not: of char*. */
GPtrArray *network_users (Storage *storage, const NetConfig *config, GError **error);
/* network_remove: @force: and the containers on it. Runs with @force in: the user namespace. Errors: NOT_FOUND; IN_USE; INVALID the default network. */
gboolean network_remove (Storage *storage, const char *name_or_id, gboolean force, gint64 timeout, GError **error);
/* network_prune: those that no container is on. @ret_names: of char*. */
gboolean network_prune (Storage *storage, const char *const *filters, GPtrArray **ret_names, GError **error);
/* network_update: change the name servers that its DNS asks. Errors: NOT_FOUND; INVALID. */
gboolean network_update (Storage *storage, const char *name_or_id, const char *const *dns_add, const char *const *dns_drop, GError **error);
