/* config: a named network as it is described in a file: Podman's (netavark's) JSON. The built-in network "podman" has no file until something differs.
 *
 * Files: FOLDER/NAME.json, made by a rename after their data was synced, changed and removed under flock on FOLDER/.lock, so that of two who create a network at once, or two
 * networks with the same subnet, one finds the other. Source: podman-network-create(1), podman-network-inspect(1). */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "network/address.h"

#define NET_DEFAULT_NAME "podman"

/* An address of size 0 is none. */
typedef struct {
  NetSubnet subnet;
  NetAddress gateway;
  NetAddress first, last;     /* addresses are leased from here to there; none: from all of it */
} NetConfigSubnet;

typedef struct {
  NetSubnet destination;
  NetAddress gateway;
  gint64 metric;              /* -1 = none given */
} NetConfigRoute;

typedef struct {
  char *name, *id;            /* id: 64 hex digits */
  char *driver;               /* bridge, macvlan, ipvlan */
  char *interface;            /* of the bridge, or the parent; NULL = none */
  char *created;              /* RFC 3339 */
  GArray *subnets;            /* of NetConfigSubnet */
  GArray *routes;             /* of NetConfigRoute */
  char **dns_servers;         /* NULL = the host's */
  char *ipam;                 /* host-local, none, dhcp */
  json_t *labels, *options;   /* objects of texts, never NULL */
  gboolean ipv6, internal, dns;
} NetConfig;

NetConfig *net_config_new (void);
void net_config_free (NetConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetConfig, net_config_free)

json_t *net_config_to_json (const NetConfig *config);
/* net_config_from_json: Errors: CORRUPT what is missing, of a wrong type, or no address. */
NetConfig *net_config_from_json (json_t *object, GError **error);
/* net_config_option: NULL = not given. */
const char *net_config_option (const NetConfig *config, const char *name);

/* ---- the folder */
/* net_store_lock: make @folder if need be and take its lock: alone, to change what is there; shared, so that what a container is about to be put on stays until its row says
 * so. Closing the descriptor releases it. -1 with @error. */
int net_store_lock (const char *folder, gboolean shared, GError **error);
/* net_store_list: of NetConfig, by name, the built-in one, @name, of @subnet or 10.88.0.0/16, among them. A folder that is not there is an empty one. */
gboolean net_store_list (const char *folder, const char *name, const char *subnet, GPtrArray **ret_configs, GError **error);
/* net_store_find: in such a list, by name, id or unique beginning of an id. Borrowed. Errors: NOT_FOUND "unable to find network with name or ID x: network not found"; INVALID. */
NetConfig *net_store_find (const GPtrArray *configs, const char *name_or_id, GError **error);
/* net_store_write, net_store_remove: the caller holds the lock. */
gboolean net_store_write (const char *folder, const NetConfig *config, GError **error);
gboolean net_store_remove (const char *folder, const char *name, GError **error);
