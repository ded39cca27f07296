/* volume_transfer: the files of a volume as a tar, out and in. Linked by coracle-image only. */
#pragma once

#include "pkg/engine/volume.h"

/* volume_export: what is in @name as a tar to @out_fd. The same files give the same bytes.
 * Runs in: the user namespace and a mount namespace of our own. Errors: NOT_FOUND; those of volume_mount and pack_tree. */
gboolean volume_export (Storage *storage, const char *name, int out_fd, GError **error);

/* volume_import: put the files of a tar, compressed or not, into @name, over what is there: its files take the place of others, other files stay. @in_fd: borrowed.
 * @ret_devices: device nodes, which could not be made. Runs in: as volume_export. Errors: NOT_FOUND; INVALID it is no tar; those of volume_mount and unpack_tar. */
gboolean volume_import (Storage *storage, const char *name, int in_fd, gboolean single, guint64 *ret_devices, GError **error);
