/* image_mount: images, mounted for looking at in the caller's own mount namespace (that of `unshare`'s shell, or real root's), on ROOT/mounts/ID. */
#pragma once

#include "pkg/engine/image.h"

/* image_mount: readable only; there already is success. @ret_path: where; free with g_free. Runs in: the user namespace; its mount namespace stays as it is. */
gboolean image_mount (Storage *storage, const StateImage *image, char **ret_path, GError **error);

/* image_mount_path: where it is mounted here; NULL: it is not. Free with g_free. */
char *image_mount_path (Storage *storage, const char *id);

/* image_mount_end: take it off. @force: although somebody uses it. *@ret_was: it was mounted here; what is not is success. Errors: IN_USE. */
gboolean image_mount_end (Storage *storage, const char *id, gboolean force, gboolean *ret_was, GError **error);
