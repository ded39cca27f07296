/* network_connect: containers that join and leave named networks, while they run or not. */
#pragma once

#include "pkg/engine/container.h"

typedef struct {
  const char *network, *container;   /* names or ids */
  const char *const *aliases;        /* NULL = none, as below */
  const char *ip, *ip6, *mac;
} NetworkConnect;

/* network_connect: one that is on it already, and does not run, stays as it is. Runs in: the user namespace.
 * Errors: NOT_FOUND the container, the network; INVALID a container on no named network; EXISTS it runs on it already, an address is taken; then nothing has changed. */
gboolean network_connect (Storage *storage, const IdMap *map, const NetworkConnect *request, GError **error);
/* network_disconnect: Errors: NOT_FOUND; INVALID. @force: one that is not on it is no error. */
gboolean network_disconnect (Storage *storage, const IdMap *map, const char *network, const char *container, gboolean force, GError **error);
/* network_reload: make anew what of a running container's networks is missing; of one that does not run, nothing. */
gboolean network_reload (Storage *storage, const IdMap *map, const char *id, GError **error);
/* network_tell_left, network_tell_name, network_tell_config: coracle-netd, if there is one: a container has ended, which it would hear of a moment later; a container's new name; a network's new name servers. */
void network_tell_left (const ConfigPaths *paths, const char *id);
void network_tell_name (const ConfigPaths *paths, const char *id, const char *name);
void network_tell_config (const ConfigPaths *paths, json_t *config);
