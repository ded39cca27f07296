/* storage: the store on disk (DESIGN §3) and its crash rules.
 *
 *   ROOT/state.db  oci/ (OCI image layout)  layers/HEX/  containers/ID/{config.json,upper,work,merged,…}  tmp/
 *   RUN_ROOT/ID/   one folder per container that is alive or being made; whoever makes or supervises it holds flock on the folder
 *
 * Unfinished work lives in tmp/ and becomes real by one rename, after its data is synced; the row that names it is written after the rename. */
#pragma once

#include <glib.h>

#include "pkg/config/paths.h"
#include "pkg/state/state.h"

typedef struct {
  const ConfigPaths *paths;   /* borrowed */
  State *state;
  int root_fd;                /* O_PATH of ROOT */
  int run_fd;                 /* O_PATH of RUN_ROOT */
} Storage;

/* storage_open: make the folders (mode 0700) if need be, open the state. Works in any user namespace. */
Storage *storage_open (const ConfigPaths *paths, GError **error);
void storage_free (Storage *storage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Storage, storage_free)

/* storage_sweep_needed: is there anything in tmp/ or RUN_ROOT whose maker is dead, or was the machine rebooted? Costs two readdirs. */
gboolean storage_sweep_needed (Storage *storage);
/* storage_sweep: remove it: half-made things, `--rm` containers whose monitor is gone, folders without a row. Only what can be locked.
 * Runs in: the user namespace (the files belong to subuids). */
gboolean storage_sweep (Storage *storage, GError **error);

/* ---- work folders: ROOT/tmp/XXXXXX, locked (flock on the folder) while its maker lives */
typedef struct {
  int fd;       /* the folder, holding the lock */
  char *name;   /* its name below ROOT/tmp */
} StorageWork;
gboolean storage_work_begin (Storage *storage, StorageWork *ret_work, GError **error);
/* storage_work_end: remove what is left of it. Zeroed is fine. */
void storage_work_end (Storage *storage, StorageWork *work);
