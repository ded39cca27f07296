/* container_staged: what a container has mounted that has to be put together first: a folder under an overlay of its own (--volume …:O), an image (--mount type=image), a part of a volume.
 *
 * It is mounted in the mount namespace of whoever starts the container, which the monitor keeps, on containers/ID/staged/N/merged, and bound into the container from there. What is written into an
 * overlay lies beside it, in upper, until the next start or the container's removal: podman-run(1) --volume. */
#pragma once

#include "pkg/engine/container_make.h"
#include "pkg/spec/volume.h"

/* staged_overlay: the folder @lower with @mount's upper and work folders, or new ones, above it. Returns where it is mounted, free with g_free.
 * Runs in: as make_config. Errors: INVALID @lower is no folder; NOT_FOUND the user's own folder is missing; those of overlay_mount. */
char *staged_overlay (Make *make, const char *lower, const SpecMount *mount, GError **error);

/* staged_image: the image that @mount names, readable only, or with an overlay. @ret_id: its id, which an existing container keeps, whatever the name means by now. Errors: NOT_FOUND. */
char *staged_image (Make *make, const SpecMount *mount, char **ret_id, GError **error);

/* staged_part: @part of @folder, whose links do not lead out of it: nobody who may write there chooses what of the host is mounted (CVE-2017-1002101). Errors: NOT_FOUND. */
char *staged_part (Make *make, const char *folder, const char *part, GError **error);

/* staged_record: the form in which the mount on @destination is kept in the row and shown: @item, taken, in the place of the OCI one. */
void staged_record (Make *make, const char *destination, json_t *item);

/* container_images: the ids, each once, of those that a container uses: as its root and as mounts. Borrowed from @row; free with g_ptr_array_unref. */
GPtrArray *container_images (const StateContainer *row);
gboolean container_uses_image (const StateContainer *row, const char *image_id);
