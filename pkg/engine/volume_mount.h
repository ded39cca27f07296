/* volume_mount: volumes whose options (podman-volume-create(1), type, device and o) have a filesystem in their place.
 *
 * It is mounted on the volume's folder in the mount namespace of each command that uses it, which the container's monitor keeps: the host never sees it. What a second container would mount
 * again as something else (tmpfs) is taken from one that lives and has it, so that all see the same files, and they are gone with the last. */
#pragma once

#include "storage/volume.h"

/* volume_mount_check: can these options be understood? @options: of a Volume. Errors: INVALID, in Podman's words. */
gboolean volume_mount_check (json_t *options, GError **error);

/* volume_mount_wanted: do they have something mounted, or is the volume a folder alone? */
gboolean volume_mount_wanted (json_t *options);

/* volume_mount: mount what @name's description says, unless that is done here already, or there is nothing to mount. @container: for which, for errors; or NULL. @lock: -1, or as an earlier call has left it: to be closed when the monitor of a
 * container that is being started is recorded, so that the next one finds the mount there; somebody else's is waited for.
 * Runs in: the user namespace and a mount namespace of our own, one thread. Errors: NOT_FOUND; CANNOT_INVOKE it cannot be mounted, with the reason; SYSTEM. */
gboolean volume_mount (Storage *storage, const char *name, const char *container, int *lock, GError **error);
