/* The crash rules of storage.h, applied. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/events/event.h"
#include "pkg/monitor/client.h"
#include "storage/content.h"
#include "storage/mapped.h"
#include "storage/storage.h"

#define EXIT_WITHOUT_TRACE 137   /* killed, as far as anybody can tell */

typedef DIR OpenDir;
static void
open_dir_free (OpenDir *dir)
{
  (void) closedir (dir);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OpenDir, open_dir_free)

static OpenDir *
open_dir (int dir_fd, const char *name)
{
  cleanup_fd int fd = openat (dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir != NULL)
    (void) fd_steal (&fd);
  return dir;
}

/* next_name: skips "." and ".."; NULL at the end. */
static const char *
next_name (OpenDir *dir)
{
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      return entry->d_name;
  return NULL;
}

static gboolean
is_id (const char *name)
{
  return strlen (name) == 64 && strspn (name, "0123456789abcdef") == 64;
}

/* lock_dead: take the lock of the folder @name, which must be there; -1 when somebody has it or it is gone. @operation: LOCK_SH only to look. */
static int
lock_dead (int dir_fd, const char *name, int operation)
{
  cleanup_fd int fd = openat (dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat mine, there;
  if (fd < 0 || flock (fd, operation | LOCK_NB) < 0)
    return -1;
  /* another sweeper may have removed it, and a new maker made it again, since it was opened */
  if (fstat (fd, &mine) < 0 || fstatat (dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) < 0 || mine.st_ino != there.st_ino || mine.st_dev != there.st_dev)
    return -1;
  return fd_steal (&fd);
}

/* is_litter: in tmp/ a plain file has no maker that could hold it: work is done in folders. */
static gboolean
is_litter (int tmp_fd, const char *name)
{
  struct stat st;
  return fstatat (tmp_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR (st.st_mode);
}

static gboolean
has_dead (int dir_fd, const char *folder, gboolean only_ids)
{
  g_autoptr (OpenDir) dir = open_dir (dir_fd, folder);
  if (dir == NULL)
    return FALSE;
  for (const char *name; (name = next_name (dir)) != NULL;)
    {
      if (only_ids && !is_id (name))
        continue;
      cleanup_fd int fd = lock_dead (dirfd (dir), name, LOCK_SH);
      if (fd >= 0 || (!only_ids && is_litter (dirfd (dir), name)))
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_new_boot (Storage *storage)
{
  g_autofree char *noted = state_meta_get (storage->state, "boot_id"), *boot = storage_boot_id ();
  return g_strcmp0 (noted, boot) != 0;
}

gboolean
storage_sweep_needed (Storage *storage)
{
  if (storage->read_only)
    return FALSE;
  return has_dead (storage->root_fd, "tmp", FALSE) || has_dead (storage->run_fd, ".", TRUE) || is_new_boot (storage);
}

/* keep_first: report the first failure, go on with the rest. */
static void
keep_first (GError **first, GError *failure)
{
  if (failure == NULL)
    return;
  if (*first == NULL)
    *first = failure;
  else
    g_error_free (failure);
}

/* read_exit: RUN_ROOT/ID/exit as the row has it. */
static gboolean
read_exit (int run_fd, int *ret_code, gint64 *ret_finished, gboolean *ret_oom)
{
  g_autofree char *text = NULL;
  MonitorExit ended;
  if (!path_read_file (run_fd, MONITOR_EXIT_FILE, 256, &text, NULL, NULL) || !monitor_exit_parse (text, &ended, NULL))
    return FALSE;
  *ret_code = ended.timed_out ? -1 : monitor_exit_status (&ended);   /* as Podman records it */
  *ret_finished = ended.finished_us;
  *ret_oom = ended.oom;
  return TRUE;
}

/* note_exit: into @container. FALSE: it was never started, or its end is recorded already. */
static gboolean
note_exit (StateContainer *container, int run_fd)
{
  int code = EXIT_WITHOUT_TRACE;
  gint64 finished = g_get_real_time ();
  gboolean oom = FALSE, known = run_fd >= 0 && read_exit (run_fd, &code, &finished, &oom);
  if (!known && g_strcmp0 (container->status, "running") != 0)
    return FALSE;
  g_free (container->status);
  container->status = g_strdup ("exited");
  container->exit_code = code;
  container->finished = finished;
  state_container_set_oom (container, oom);
  if (!known && run_fd >= 0)
    json_object_set_new (container->config, STORAGE_LOST, json_true ());
  return TRUE;
}

/* settle_row: the row of a dead container: its end is recorded, or it is removed if it was --rm; and told. */
static gboolean
settle_row (Storage *storage, StateContainer *container, int run_fd, GError **error)
{
  const char *root = storage->paths->root, *run_root = storage->paths->run_root;
  /* one that never started has not ended: somebody was killed who worked on it */
  gboolean unstarted = g_strcmp0 (container->status, "created") == 0;
  gboolean ended = note_exit (container, run_fd), rm = container->auto_remove && !unstarted;
  if (rm ? !storage_container_remove (storage, container->id, FALSE, error) : ended && !state_container_update (storage->state, container, error))
    return FALSE;
  if (ended)
    event_write_container (root, run_root, container, "died");
  if (ended || rm)
    event_write_container (root, run_root, container, rm ? "remove" : "cleanup");
  return TRUE;
}

/* find_exact: the row of @id; NULL without @error when there is none. */
static StateContainer *
find_exact (Storage *storage, const char *id, GError **error)
{
  g_autoptr (GError) failure = NULL;
  StateContainer *container = state_container_find (storage->state, id, &failure);
  if (container != NULL && strcmp (container->id, id) != 0)
    {
      state_container_free (container);
      return NULL;
    }
  if (failure != NULL && failure->code != CORACLE_ERROR_NOT_FOUND)
    g_propagate_error (error, g_steal_pointer (&failure));
  return container;
}

gboolean
storage_container_settle (Storage *storage, const char *id, int run_fd, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (StateContainer) container = find_exact (storage, id, &failure);
  gboolean ok = failure == NULL;
  if (ok)
    ok = container == NULL ? storage_container_remove (storage, id, FALSE, &failure) : settle_row (storage, container, run_fd, &failure);
  if (!ok)
    {
      fd_close (run_fd);   /* the folder stays, as a sign for the next sweep */
      g_propagate_error (error, g_steal_pointer (&failure));
      return coracle_prefix (error, "settling container %.12s", id);
    }
  storage_run_end (storage, id, run_fd);
  return TRUE;
}

static void
sweep_run (Storage *storage, GError **first)
{
  g_autoptr (OpenDir) dir = open_dir (storage->run_fd, ".");
  if (dir == NULL)
    return;
  for (const char *name; (name = next_name (dir)) != NULL;)
    {
      int run_fd = is_id (name) ? lock_dead (storage->run_fd, name, LOCK_EX) : -1;
      GError *failure = NULL;
      if (run_fd >= 0 && !storage_container_settle (storage, name, run_fd, &failure))
        keep_first (first, failure);
    }
}

/* sweep_tmp: the folders of the dead. */
static void
sweep_tmp (Storage *storage, GError **first)
{
  g_autoptr (OpenDir) dir = open_dir (storage->root_fd, "tmp");
  if (dir == NULL)
    return;
  for (const char *name; (name = next_name (dir)) != NULL;)
    {
      cleanup_fd int fd = lock_dead (dirfd (dir), name, LOCK_EX);
      if (fd < 0 && !is_litter (dirfd (dir), name))
        continue;
      int r = path_remove_tree (dirfd (dir), name);
      GError *failure = NULL;
      if (r < 0)
        coracle_throw_errno (&failure, -r, "removing %s/tmp/%s", storage->paths->root, name);
      keep_first (first, failure);
    }
}

/* empty_tmp: what is in the folders of the dead; they themselves stay, as the sign. */
static void
empty_tmp (Storage *storage)
{
  g_autoptr (OpenDir) dir = open_dir (storage->root_fd, "tmp");
  if (dir == NULL)
    return;
  for (const char *name; (name = next_name (dir)) != NULL;)
    {
      StorageWork dead = { .fd = lock_dead (dirfd (dir), name, LOCK_EX), .name = (char *) name };
      if (dead.fd >= 0)
        storage_work_empty (&dead);
      fd_close (dead.fd);
    }
}

/* drop_rows: layers in no image lose their rows first, so that a listed layer always has its folder. */
static gboolean
drop_unused_rows (Storage *storage, GError **error)
{
  g_autoptr (GPtrArray) unused = NULL;
  if (!state_layer_unused (storage->state, &unused, error))
    return FALSE;
  for (guint i = 0; i < unused->len; i++)
    if (!state_layer_remove (storage->state, unused->pdata[i], error))
      return FALSE;
  return TRUE;
}

/* take_folders: move what has no row from layers/ into @work, quickly, while the lock is held; removing takes longer. */
static gboolean
take_folders (Storage *storage, const StorageWork *work, GError **error)
{
  g_autoptr (GPtrArray) layers = NULL;
  if (!state_layer_list (storage->state, &layers, error))
    return FALSE;
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < layers->len; i++)
    {
      const char *colon = strchr (layers->pdata[i], ':');
      g_hash_table_add (known, colon != NULL ? (char *) colon + 1 : layers->pdata[i]);
    }
  static const char *const folders[] = { "layers", "mapped" };
  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autoptr (OpenDir) dir = open_dir (storage->root_fd, folders[i]);
      if (dir == NULL)
        continue;
      for (const char *name; (name = next_name (dir)) != NULL;)
        if (!(i == 0 ? g_hash_table_contains (known, name) : mapped_is_known (name, known)) && renameat (dirfd (dir), name, work->fd, name) < 0 && errno != ENOENT)
          {
            int errsv = errno;
            return coracle_throw_errno (error, errsv, "removing %s/%s/%s", storage->paths->root, folders[i], name);
          }
    }
  return TRUE;
}

gboolean
storage_collect (Storage *storage, gboolean *ret_done, GError **error)
{
  *ret_done = FALSE;
  StorageWork work = STORAGE_WORK_INIT;
  if (!storage_work_begin (storage, &work, error))
    return FALSE;
  int lock = storage_lock_try (storage);
  gboolean ok = TRUE;
  if (lock >= 0)
    {
      ok = drop_unused_rows (storage, error) && take_folders (storage, &work, error) && content_collect (storage, &work, error);
      *ret_done = ok;
    }
  fd_close (lock);
  if (ok)
    storage_work_end (storage, &work);
  else
    storage_work_abandon (&work);
  return ok;
}

/* check_container_folders: after a reboot: containers/ID without row, claimed first, as its maker might just be beginning. */
static void
check_container_folders (Storage *storage, GError **first)
{
  g_autoptr (OpenDir) dir = open_dir (storage->root_fd, "containers");
  if (dir == NULL)
    return;
  for (const char *name; (name = next_name (dir)) != NULL;)
    {
      GError *failure = NULL;
      g_autoptr (StateContainer) row = is_id (name) ? find_exact (storage, name, &failure) : NULL;
      if (row == NULL && failure == NULL && is_id (name))
        {
          int run_fd = storage_run_begin (storage, name, NULL);
          if (run_fd >= 0)
            (void) storage_container_settle (storage, name, run_fd, &failure);
        }
      keep_first (first, failure);
    }
}

/* check_container_row: a row from an older boot: its container is not running any more; without its folder it is nothing. */
static gboolean
check_container_row (Storage *storage, StateContainer *container, const char *boot, GError **error)
{
  g_autofree char *folder = g_strconcat ("containers/", container->id, NULL);
  struct stat st;
  gboolean lost = fstatat (storage->root_fd, folder, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
  gboolean stale = g_strcmp0 (container->status, "running") == 0 && g_strcmp0 (container->boot_id, boot) != 0;
  if (!lost && !stale)
    return TRUE;
  int run_fd = storage_run_begin (storage, container->id, NULL);
  if (run_fd < 0)
    return TRUE;   /* somebody is at it: it is not from before */
  if (!lost)
    return storage_container_settle (storage, container->id, run_fd, error);
  gboolean ok = storage_container_remove (storage, container->id, FALSE, error);
  storage_run_end (storage, container->id, run_fd);
  return ok;
}

static void
check_container_rows (Storage *storage, const char *boot, GError **first)
{
  g_autoptr (GPtrArray) containers = NULL;
  GError *failure = NULL;
  if (!state_container_list (storage->state, &containers, &failure))
    {
      keep_first (first, failure);
      return;
    }
  for (guint i = 0; i < containers->len; i++)
    {
      failure = NULL;
      if (!check_container_row (storage, containers->pdata[i], boot, &failure))
        keep_first (first, failure);
    }
}

gboolean
storage_sweep (Storage *storage, GError **error)
{
  if (storage->read_only)
    return TRUE;
  GError *first = NULL, *failure = NULL;
  g_autofree char *boot = storage_boot_id ();
  gboolean new_boot = is_new_boot (storage), collected = TRUE;
  sweep_run (storage, &first);
  if (new_boot)
    {
      check_container_folders (storage, &first);
      check_container_rows (storage, boot, &first);
    }
  if (new_boot || has_dead (storage->root_fd, "tmp", FALSE))
    {
      empty_tmp (storage);
      (void) storage_collect (storage, &collected, &failure);
      keep_first (&first, failure);
    }
  if (collected)
    sweep_tmp (storage, &first);
  failure = NULL;
  if (new_boot && collected && first == NULL)
    {
      const Event refresh = { .type = "system", .status = "refresh" };
      (void) state_meta_set (storage->state, "boot_id", boot, &failure);
      event_write (storage->paths->root, storage->paths->run_root, &refresh);
      keep_first (&first, failure);
    }
  if (first == NULL)
    return TRUE;
  g_propagate_error (error, first);
  return coracle_prefix (error, "cleaning up after a killed process");
}
