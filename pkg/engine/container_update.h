/* container_update: other words for a container that is there. */
#pragma once

#include "pkg/engine/container.h"

/* container_update_restarts: may words be given to the container that let it be started again? One that runs may have been begun without a plan for that: in the foreground, or with --rm.
 * Errors: UNSUPPORTED, with the remedy. */
gboolean container_update_restarts (Storage *storage, const ContainerView *view, GError **error);

/* container_update: lay @change's words over those that the container was asked for by, in its row, and apply its limits to it if it runs. @change: called twice, the second time under the state's lock.
 * @ret_id: in full; free with g_free. Errors: NOT_FOUND; those of @change; INVALID words that cannot be; CANNOT_INVOKE a limit that cannot be applied: then the row stays as it was. */
typedef gboolean (*ContainerChange) (ContainerOptions *options, const void *data, GError **error);
gboolean container_update (Storage *storage, const char *id, ContainerChange change, const void *data, char **ret_id, GError **error);
