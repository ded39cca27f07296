/* container_root: a container's root filesystem, from outside: to look at, and to copy to and from. Internal to pkg/engine.
 *
 * Nothing of the container's is ever executed, loaded or asked: no chroot, no user database, no name service (CVE-2019-14271). What a path means is looked up by
 * openat2 RESOLVE_IN_ROOT from the root's descriptor, and what was found is used by its descriptor (CVE-2018-15664). */
#pragma once

#include "pkg/engine/container.h"

typedef enum {
  ROOT_FILES,     /* the image's layers and what was written above them: no volume, nothing of /proc, /sys and /dev */
  ROOT_AS_SEEN,   /* as the container's processes see it, or will: with its volumes and folders; may be written to */
} RootKind;

typedef struct {
  Storage *storage;   /* borrowed */
  char *id;
  int fd;             /* the root folder, readable */
  int run_dir;        /* ROOT_AS_SEEN of one that does not run: RUN_ROOT/ID with its lock, so that nobody starts it meanwhile; -1 otherwise */
  char *mounted;      /* where this process has mounted it; NULL for a running one */
} ContainerRoot;
#define CONTAINER_ROOT_INIT { .fd = -1, .run_dir = -1 }

/* container_root_open: of a running or paused container by its processes, of any other by a mount of our own. @view is not used after it.
 * Runs in:  the user namespace and a mount namespace of our own (idmap_enter), one thread.
 * Errors:   IN_USE somebody starts or removes it for longer than ten seconds; those of overlay_mount; NOT_FOUND its image or folder is gone. */
gboolean container_root_open (Storage *storage, const ContainerView *view, RootKind kind, ContainerRoot *ret_root, GError **error);
void container_root_close (ContainerRoot *root);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ContainerRoot, container_root_close)

/* container_wanted: container_find with the text that Podman's export, commit and mount have for a missing one: "no container with name or ID …". */
ContainerView *container_wanted (Storage *storage, const char *name, GError **error);

/* container_root_mount: the mount alone, on containers/ID/merged in this mount namespace; readable only if @read_only. @ret_path: free with g_free. */
gboolean container_root_mount (Storage *storage, const StateContainer *row, gboolean read_only, char **ret_path, GError **error);

/* container_layers_mount: @layers (absolute folders, topmost first, NULL-terminated) with @upper and @work (both NULL: readable only) on @target, in the way that the store or CORACLE_OVERLAY wants.
 * @ids: the container's own, which the layers' files are to belong to, NULL = none; then @upper without @work is the topmost layer. Errors: overlay_mount's. */
gboolean container_layers_mount (Storage *storage, const GPtrArray *layers, const IdMap *ids, const char *upper, const char *work, const char *target, GError **error);

/* image_root_mount: the layers of @image, readable only, on @target. */
gboolean image_root_mount (Storage *storage, const StateImage *image, const char *target, GError **error);
