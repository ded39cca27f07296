/* container_join: a container on named networks. Internal to pkg/engine. */
#pragma once

#include "pkg/engine/container_make.h"

/* network_prepare: of a new container: are its networks there? Their names, as the row keeps them, in place of ids; they stay until make_clear. Errors: NOT_FOUND; INVALID. */
gboolean network_prepare (Make *make, GError **error);
/* network_join: of one that is to be started: a network namespace that is on its networks, with addresses; its files of /etc say so. Runs in: the user namespace, before anything is
 * mounted. Errors: NOT_FOUND a network is gone; EXISTS, INVALID an address; what coracle-netd says. */
gboolean network_join (Make *make, GError **error);
/* network_let_go: it runs, or it never will: the connection to coracle-netd ends, which looks whether it lives. */
void network_let_go (Make *make);
/* network_joined: what a container that lives was given: network/netd.h; NULL: nothing. */
json_t *network_joined (Storage *storage, const char *id);
/* network_names: of such: its addresses, and the name servers of networks with DNS. What was in @ret_… is freed. */
void network_names (json_t *joined, char ***ret_addresses, char ***ret_servers);
/* container_network_show: fill @settings, inspect's NetworkSettings, in: the Networks of a container that is on named ones, with what each gave it while it runs. */
void container_network_show (Storage *storage, const ContainerView *view, const ContainerOptions *options, json_t *settings);
