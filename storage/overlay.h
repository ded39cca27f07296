/* overlay: a root filesystem from layers: natively, or by fuse-overlayfs where the kernel refuses.
 *
 * Natively it is one mount(2) with "userxattr", as real root too, so that layers and uppers mean the same to everybody. Layers are named by the numbers of descriptors,
 * relative to /proc/self/fd: 500 of them fit the one page that options may have, no path needs escaping, nothing is left behind, and it works from 5.11 on
 * (lowerdir+ of the new mount API came with 6.7).
 *
 * fuse-overlayfs: we open /dev/fuse and mount it ourselves; the server is given the descriptor as /dev/fd/N (libfuse 3.3). It runs in the command's user and pid namespaces, in a
 * session of its own, and in a mount namespace of its own in which the mount does not exist. So it serves as soon as it is mounted, outlives the command, and ends by itself
 * when the last mount namespace that has the mount ends (the connection breaks), which is when the container's monitor dies: nothing has to end it. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#define OVERLAY_LAYERS_MAX 500   /* the kernel's OVL_MAX_STACK */

typedef enum {
  OVERLAY_AUTO,     /* native where it works, else fuse-overlayfs */
  OVERLAY_NATIVE,
  OVERLAY_FUSE,     /* CORACLE_OVERLAY=fuse or storage.conf mount_program */
} OverlayKind;

/* overlay_mount: stack @layers (absolute folders, topmost first, 1 to 500) with @upper and @work (both NULL: read-only) on @target.
 * One layer without an upper is a read-only bind mount, whatever @kind.
 * @ret_fuse: the fuse-overlayfs server's pid, 0 when native; it ends when the mount does; the caller's child, need not be waited for. May be NULL.
 * Runs in:  the user namespace, and a mount namespace of the caller's own (idmap_enter), before any thread. The cwd is kept.
 * Errors:   UNSUPPORTED too many layers, or neither way works here; SYSTEM anything else, naming the path.
 * Source:   Documentation/filesystems/overlayfs.rst (userxattr), fuse-overlayfs(1). */
gboolean overlay_mount (const char *const *layers, const char *upper, const char *work, const char *target, OverlayKind kind, pid_t *ret_fuse, GError **error);

/* overlay_mount_data: natively, with @data (topmost first) as layers whose files are only seen where a layer above refers to them (user.overlay.redirect). Linux 6.16 in a user namespace.
 * Errors: UNSUPPORTED the kernel refuses; SYSTEM. Source: overlayfs.rst, "Data-only lower layers". */
gboolean overlay_mount_data (const char *const *layers, const char *const *data, const char *upper, const char *work, const char *target, GError **error);

/* overlay_mount_fuse: the same by the fuse-overlayfs @program (storage.conf's mount_program: a path; NULL: found in PATH). */
gboolean overlay_mount_fuse (const char *const *layers, const char *upper, const char *work, const char *target, const char *program, pid_t *ret_fuse, GError **error);

/* overlay_kind_from_environment: CORACLE_OVERLAY=native|fuse|auto; @otherwise when unset or empty. Errors: INVALID another value. */
gboolean overlay_kind_from_environment (OverlayKind otherwise, OverlayKind *ret_kind, GError **error);
