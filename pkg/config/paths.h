/* paths: where this user's store, runtime folder and helper programs are. */
#pragma once

#include <glib.h>

typedef struct {
  char *root;        /* the store: --root, storage.conf graphroot, else $XDG_DATA_HOME/coracle (real root: /var/lib/coracle) */
  char *run_root;    /* --runroot, storage.conf runroot, else $XDG_RUNTIME_DIR/coracle (unset: /run/user/UID/coracle; without that: /tmp/coracle-run-UID; real root: /run/coracle) */
  char *cache;       /* $XDG_CACHE_HOME/coracle (real root: /var/cache/coracle): what can be made anew */
  char *libexec;     /* the folder of coracle-monitor, coracle-image, coracle-slirp: that of the running program when they are there (a build tree),
                        else the installed one */
  char *mount_program;  /* storage.conf: the fuse-overlayfs to use instead of the kernel's overlay; NULL = none named. As Podman, storage.conf's options are not
                           looked at when --root and --runroot are both given */
  char **image_stores;  /* storage.conf: additionalimagestores: other stores like this one, whose images are read only; NULL = none named. As mount_program */
} ConfigPaths;

/* A graphroot or runroot that the user chose in storage.conf (one that is not Podman's default) gets a folder "coracle" in it for us: the stores must not mix. */

/* In the environment of what `unshare` runs: its CONTAINERS_GRAPHROOT and CONTAINERS_RUNROOT are the user's store and run folder, although the uid is 0 there. */
#define CONFIG_UNSHARED "_CORACLE_UNSHARED"

/* config_paths_new: work the paths out; touches nothing. @root, @run_root: from the command line, or NULL. Paths are absolute.
 * Errors: INVALID a relative or missing HOME and XDG variables, a broken storage.conf. Free with config_paths_free. */
ConfigPaths *config_paths_new (const char *root, const char *run_root, GError **error);
void config_paths_free (ConfigPaths *paths);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConfigPaths, config_paths_free)
