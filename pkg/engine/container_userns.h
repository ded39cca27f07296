/* container_userns: a container in a user namespace of its own, below the one that all of the user's containers share: which ids it has, and what must be done with them in the shared one,
 * where "outside" ids are. Internal to pkg/engine.
 *
 *   userns_check    the words, before anything is made
 *   userns_resolve  the table: chosen for a new container, kept in its row ("idmap"), the same at each start
 *   userns_open     the namespace itself
 * A container without one has make->ids NULL, and its ids are those of the shared namespace. */
#pragma once

#include "pkg/engine/container_make.h"

/* userns_check: Errors: INVALID in Podman's words. */
gboolean userns_check (const ContainerOptions *options, GError **error);
/* userns_wants_single: is it to be in the namespace of a single id, its own word or that of the container whose it shares? @storage: looked up there. */
gboolean userns_wants_single (Storage *storage, const ContainerOptions *options);

/* userns_resolve: make->ids; with keep-id and no user given, the caller's own in make->own_options; of --userns=auto a lock that is held until the row is written. Again: nothing.
 * Runs in: the user namespace. Errors: INVALID; NO_SPACE too few ids are left for auto; NOT_FOUND. */
gboolean userns_resolve (Make *make, GError **error);
/* userns_open: make->user_ns: a new one, or one to be joined. Runs in: the user namespace, one thread. */
gboolean userns_open (Make *make, GError **error);

/* userns_uid, userns_gid: the id outside. FALSE: the container has no such id. */
gboolean userns_uid (const Make *make, uint32_t inside, uint32_t *ret_outside);
gboolean userns_gid (const Make *make, uint32_t inside, uint32_t *ret_outside);
/* userns_give: @path, the link itself if it is one, to the container's @uid and @gid, for a container that has its own namespace: else it is right already. What cannot be is left. */
void userns_give (const Make *make, int dir_fd, const char *path, uint32_t uid, uint32_t gid);

/* userns_own_user: with keep-id: who the caller is in the container. FALSE: it is not keep-id. @ret_name, @ret_home, @ret_group: the host's, new; NULL where they do not count
 * (uid= or gid= given). */
gboolean userns_own_user (const Make *make, uint32_t *ret_uid, uint32_t *ret_gid, char **ret_name, char **ret_home, char **ret_group);

/* userns_ids_of: the table kept in a row's config; NULL: it has no namespace of its own. Free with idmap_free. userns_ids_json: the reverse; @ids not NULL. */
IdMap *userns_ids_of (json_t *row_config);
json_t *userns_ids_json (const IdMap *ids);
