/* storage: the store on disk (DESIGN §3) and its crash rules.
 *
 *   ROOT/state.db  oci/ (OCI image layout)  layers/HEX/  containers/ID/{config.json,upper,work,merged,…}  tmp/  store.lock
 *   RUN_ROOT/ID/   one folder per container that is being made, alive or being removed; whoever does that holds flock(LOCK_EX) on the folder's
 *                  open file description, which the monitor inherits: the lock goes when the last process holding it dies
 *
 * Why nothing is ever lost, or left, whenever a process is killed:
 *
 * Locks.   W: flock on a folder tmp/X, held by its maker. R: flock on RUN_ROOT/ID. S: flock on store.lock, shared by whoever puts layers and images in place or
 *          starts from them (until the row that names them is written), exclusive for the collector. A lock that can be taken means its holder is dead, or
 *          not there yet: taking a new folder's lock, its maker checks that the folder is still the one at its path, and makes it again if a sweeper was quicker.
 * Layers.  made in tmp/X (W, S shared) → data synced → rename to layers/HEX → layer row → … → image row → W and S released.
 *          A kill before the rename leaves a dead tmp/X: removed. After it, or after the layer row: a dead tmp/X again, whose sight makes the sweeper collect:
 *          under S exclusive, so with no maker in between, every layer in no image loses its row, then its folder, and every folder without row goes.
 *          On a full disk there is no room to remove a row: what is in dead tmp/X goes first.
 *          The dead tmp/X itself goes last, so a sweeper that is killed, or cannot have S, leaves the sign for the next one.
 * Images.  rmi makes a tmp/X too, removes the image's row, then collects: killed anywhere it leaves that same sign. Rows before folders: a listed layer is whole.
 * Containers.  Made: RUN_ROOT/ID with R → containers/ID → row.   Removed: R → row → containers/ID → RUN_ROOT/ID.
 *          On a full disk its upper/ and staged/ go before the row: only then is there room to write.
 *          So while containers/ID has no row, RUN_ROOT/ID exists. A dead RUN_ROOT/ID is settled under R by the row: none → containers/ID goes; auto_remove → the row
 *          goes, then containers/ID; else the exit is recorded in it. RUN_ROOT/ID goes last: a sweeper killed on the way is followed by another.
 * Reboot.  RUN_ROOT is empty then, so a boot id that differs from the one noted asks for the full check: containers/ID without row (claimed by making RUN_ROOT/ID),
 *          rows without containers/ID, rows that say "running" in an older boot, and a collection. The boot id is noted after all that succeeded.
 * Power.   What is renamed into place was synced before, its folder after, and then the row is synced (pkg/state says which writes are). */
#pragma once

#include <glib.h>

#include "pkg/config/paths.h"
#include "pkg/state/state.h"

typedef struct {
  const ConfigPaths *paths;   /* borrowed */
  State *state;
  int root_fd;                /* O_PATH of ROOT */
  int run_fd;                 /* O_PATH of RUN_ROOT */
  gboolean read_only;         /* ROOT cannot be written: listing works */
} Storage;

/* storage_open: make the folders (mode 0700) if need be, open the state. Works in any user namespace.
 * Errors: DENIED RUN_ROOT belongs to somebody else; what state_open says. */
Storage *storage_open (const ConfigPaths *paths, GError **error);
void storage_free (Storage *storage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Storage, storage_free)

/* storage_lock_shared: S, shared: hold it from the moment an image is looked up until the container's row is written; or while layers and images are put in
 * place. Waits only for a collector, which is short. Returns a descriptor; closing it releases. -1 with @error. */
int storage_lock_shared (Storage *storage, GError **error);

/* storage_lock_try: S, exclusive, for what must have nobody beside it; -1: somebody has it, or it cannot be had. */
int storage_lock_try (Storage *storage);

/* storage_sweep_needed: is there anything in tmp/ or RUN_ROOT whose maker is dead, or was the machine rebooted? Costs two readdirs and a query. */
gboolean storage_sweep_needed (Storage *storage);
/* storage_sweep: remove it: half-made things, `--rm` containers whose monitor is gone, folders without a row. Only what can be locked.
 * Runs in: the user namespace (the files belong to subuids). Any number of processes may at once. It goes on past failures and reports the first. */
gboolean storage_sweep (Storage *storage, GError **error);

/* storage_collect: the collector: layers in no image, folders and blobs without a row. @ret_done: FALSE when somebody is making images now, and the caller
 * should leave its tmp/X behind as a sign (storage_work_abandon). Runs in: the user namespace. */
gboolean storage_collect (Storage *storage, gboolean *ret_done, GError **error);

/* ---- work folders: ROOT/tmp/XXXXXX, locked (W) while its maker lives */
typedef struct {
  int fd;       /* the folder, holding the lock */
  char *name;   /* its name below ROOT/tmp; NULL = none */
} StorageWork;
#define STORAGE_WORK_INIT { -1, NULL }
gboolean storage_work_begin (Storage *storage, StorageWork *ret_work, GError **error);
/* storage_work_end: remove what is left of it. One that was not begun is fine. */
void storage_work_end (Storage *storage, StorageWork *work);
/* storage_work_empty: remove what is in it, and keep it, with its lock, as the sign that something is to be collected: on a full disk that makes the room which collecting takes. */
void storage_work_empty (const StorageWork *work);
/* storage_work_abandon: leave the folder for the next sweep, as a killed process would. */
void storage_work_abandon (StorageWork *work);

/* ---- run folders: RUN_ROOT/ID, locked (R) while somebody makes, supervises or removes the container */
/* storage_run_begin: make or take over RUN_ROOT/@id (mode 0700) with its lock. Returns the folder's descriptor (O_RDONLY, close-on-exec), whose open file
 * description is the lock: hand it to the monitor. -1 with @error: IN_USE somebody else holds it. */
int storage_run_begin (Storage *storage, const char *id, GError **error);
/* storage_run_alive: is RUN_ROOT/@id locked by anybody? Any number may ask at once without seeing each other. */
gboolean storage_run_alive (Storage *storage, const char *id);
/* storage_run_end: remove RUN_ROOT/@id with all in it, then close @run_fd, which holds the lock. */
void storage_run_end (Storage *storage, const char *id, int run_fd);

/* A key of a row's config, true: its monitor was killed, and the exit status is a guess. Gone once `stop` has told of it, and with the next start. */
#define STORAGE_LOST "lost"

/* ROOT/places, below every image's layers: the folders and empty files that each container has something mounted on, and /etc/mtab, so that they need not be made for each in an image that
 * has them not. Made with the store. Never written afterwards. */
#define STORAGE_PLACES "places"

/* ---- containers/ID */
/* containers/ID/staged/N/merged, N from 0: what else than its root filesystem is put together for a container: pkg/engine/container_staged.h. */
#define STORAGE_STAGED "staged"
/* storage_container_make: containers/@id (0700), empty. Returns an O_PATH descriptor, or -1 with @error. The caller holds R. */
int storage_container_make (Storage *storage, const char *id, GError **error);
/* storage_container_note_volume: before an anonymous volume is made for a container, note its name in containers/@id. */
gboolean storage_container_note_volume (Storage *storage, const char *id, const char *volume, GError **error);
/* storage_container_remove_anonymous: the volumes that were made for container @id alone, and were noted so. */
gboolean storage_container_remove_anonymous (Storage *storage, const char *id, GError **error);

/* storage_container_remove: the row (if there is one) and containers/@id; first its anonymous volumes, if @volumes, or it was --rm, or has no row yet. The caller holds R and then calls storage_run_end.
 * Runs in: the user namespace. */
gboolean storage_container_remove (Storage *storage, const char *id, gboolean volumes, GError **error);
/* storage_container_clear: containers/@id and its anonymous volumes, when its row is gone: the state database is not touched. Holding R, then storage_run_end, as above. */
gboolean storage_container_clear (Storage *storage, const char *id, GError **error);
/* storage_container_settle: what the sweep does with one dead container, also for whoever finds it first: under R (@run_fd), record the exit
 * (RUN_ROOT/ID/exit; if there is none, 137 and now) into the row, or, with auto_remove or without row, remove it; then storage_run_end.
 * Runs in: the user namespace. */
gboolean storage_container_settle (Storage *storage, const char *id, int run_fd, GError **error);

/* storage_boot_id: this boot's id, without newline; free with g_free. */
char *storage_boot_id (void);
