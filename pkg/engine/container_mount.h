/* container_mount: containers' root filesystems, mounted in the caller's own mount namespace (that of `unshare`'s shell, or real root's). */
#pragma once

#include "pkg/engine/container.h"

/* container_mount: @id's, on containers/ID/merged; there already is success. That of a running container is the very mount that it has; otherwise the layers are mounted anew, to be
 * written to: it should not be started meanwhile.
 * @ret_path: where; free with g_free.  Runs in: the user namespace. Its mount namespace and cwd stay as they are. Errors: NOT_FOUND; IN_USE it is being made, started or removed. */
gboolean container_mount (Storage *storage, const char *id, char **ret_path, GError **error);

/* container_mount_path: where it is mounted here; NULL: it is not. */
char *container_mount_path (Storage *storage, const char *id);

/* container_mount_end: take it off. @force: although somebody uses it. What is not mounted is success. */
gboolean container_mount_end (Storage *storage, const char *id, gboolean force, GError **error);
