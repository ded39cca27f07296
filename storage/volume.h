/* volume: folders that outlive containers, ROOT/volumes/NAME/_data. */
#pragma once

#include <glib.h>

#include "storage/storage.h"

/* volume_open: the absolute path of @name's data. @create: make it if it is not there (mode 0755, by a rename, so that it is there whole or not at all).
 * @ret_new: it was made now. Errors: NOT_FOUND, SYSTEM. Runs in: the user namespace. */
char *volume_open (Storage *storage, const char *name, gboolean create, gboolean *ret_new, GError **error);

/* volume_fill: copy what the image has at @destination into a volume that is empty, with its owner and mode. @root_fd: the mounted root filesystem. A path that the image
 * has not is nothing to copy. */
gboolean volume_fill (const char *data, int root_fd, const char *destination, GError **error);

/* volume_chown: give @path and all below it to @uid and @gid, following no link (the U option). */
gboolean volume_chown (const char *path, uid_t uid, gid_t gid, GError **error);

/* volume_remove: with all it holds; what is missing is success. */
gboolean volume_remove (Storage *storage, const char *name, GError **error);
