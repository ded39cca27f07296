/* container_share: what a container has from others: namespaces (--pid container:NAME …), mounts (--volumes-from), and those it needs besides (--requires). Internal to pkg/engine.
 *
 *   share_prepare   names become ids in the options, as the row keeps them; ids of all that are needed go to make->dependencies
 *   share_start     those that do not run are started (they may need others in turn)
 *   share_join      where their namespaces are */
#pragma once

#include "pkg/engine/container_process.h"

/* share_asked: does a container of @options need any other? */
gboolean share_asked (const ContainerOptions *options);
/* share_prepare: Errors: NOT_FOUND; INVALID. */
gboolean share_prepare (Make *make, GError **error);
/* share_start: @base: container_start_base. Runs in: the user namespace; on return this process has a mount namespace of its own, made from @base. Errors: those of container_start. */
gboolean share_start (const Run *run, Storage *storage, IdMap *map, int base, GError **error);
/* share_join: Errors: INVALID one of them does not run. */
gboolean share_join (Make *make, GError **error);
/* share_words: in @words of make->options: the namespaces that share_join has found; those that nobody has looked for (create) are the container's own. */
void share_words (const Make *make, SpecNamespace *pid, SpecNamespace *ipc, SpecNamespace *uts, SpecNamespace *cgroup);
/* share_mounts: --volumes-from: appended to make->mounts, but for places that @taken says are taken. Errors: staged_part's. */
gboolean share_mounts (Make *make, gboolean (*taken) (const char *destination, void *data), void *data, GError **error);
