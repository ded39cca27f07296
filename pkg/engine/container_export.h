/* container_export: a container's files as a tar. Linked by coracle-image only. */
#pragma once

#include "pkg/engine/container.h"

/* container_export: the root filesystem of @name, running or not, without its volumes, as a tar to @out_fd. The same files give the same bytes.
 * Runs in: the user namespace and a mount namespace of our own. Errors: NOT_FOUND; those of pack_tree. */
gboolean container_export (Storage *storage, const char *name, int out_fd, GError **error);
