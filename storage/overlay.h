/* overlay: a root filesystem from layers: natively, or by fuse-overlayfs where the kernel refuses. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef enum {
  OVERLAY_AUTO,     /* native where it works, else fuse-overlayfs */
  OVERLAY_NATIVE,
  OVERLAY_FUSE,     /* CORACLE_OVERLAY=fuse or storage.conf mount_program */
} OverlayKind;

/* overlay_mount: stack @layers (absolute folders, topmost first, 1 to 500) with @upper and @work (both NULL: read-only) on @target.
 * @ret_fuse: the fuse-overlayfs server's pid, 0 when native; it ends when the mount does; the caller's child.
 * Runs in:  the user namespace, and a mount namespace of the caller's own (idmap_enter), before any thread.
 * Errors:   UNSUPPORTED too many layers; SYSTEM anything else, naming the path.
 * Source:   Documentation/filesystems/overlayfs.rst (userxattr, lowerdir+ since 6.7), fuse-overlayfs(1). */
gboolean overlay_mount (const char *const *layers, const char *upper, const char *work, const char *target, OverlayKind kind, pid_t *ret_fuse, GError **error);
