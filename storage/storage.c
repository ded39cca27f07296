#include "pkg/cgroup/cgroup.h"
#include "storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/events/event.h"

/* open_run_root: in /tmp anybody may have made it first. */
static int
open_run_root (const char *path, GError **error)
{
  cleanup_fd int fd = open (path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "opening %s", path), -1;
    }
  if (st.st_uid != geteuid () || (st.st_mode & 022) != 0)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "%s: must be yours and writable by nobody else", path), -1;
  return fd_steal (&fd);
}

/* make_places: STORAGE_PLACES, as far as it is not there. */
static gboolean
make_places (int root_fd)
{
  static const char *const folders[] = { STORAGE_PLACES, STORAGE_PLACES "/dev", STORAGE_PLACES "/proc", STORAGE_PLACES "/sys", STORAGE_PLACES "/etc", STORAGE_PLACES "/run" };
  static const char *const files[] = { "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv" };
  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    if ((mkdirat (root_fd, folders[i], 0755) < 0 && errno != EEXIST) || fchmodat (root_fd, folders[i], 0755, 0) < 0)
      return FALSE;
  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *name = g_strconcat (STORAGE_PLACES, files[i], NULL);
      cleanup_fd int fd = openat (root_fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
      if (fd < 0 || fchmod (fd, 0644) < 0)
        return FALSE;
    }
  return symlinkat ("/proc/mounts", root_fd, STORAGE_PLACES "/etc/mtab") == 0 || errno == EEXIST;
}

/* open_root: @ret_read_only: nothing can be made in it. */
static int
open_root (const char *path, gboolean *ret_read_only, GError **error)
{
  cleanup_fd int fd = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    {
      if (!path_mkdirs (path, 0700, error))
        return -1;
      fd = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
  if (fd < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "opening %s", path), -1;
    }
  static const char *const folders[] = { "layers", "containers", "tmp" };   /* tmp last: its presence says that all are there */
  *ret_read_only = faccessat (fd, ".", W_OK, AT_EACCESS) < 0;
  struct stat st;
  if (fstatat (fd, "tmp", &st, AT_SYMLINK_NOFOLLOW) == 0 || *ret_read_only)
    return fd_steal (&fd);
  if (!make_places (fd))
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making %s/" STORAGE_PLACES, path), -1;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    if (mkdirat (fd, folders[i], 0700) < 0 && errno != EEXIST)
      {
        int errsv = errno;
        return coracle_throw_errno (error, errsv, "making %s/%s", path, folders[i]), -1;
      }
  return fd_steal (&fd);
}

/* add_stores: a store of ours, or the folder "coracle" in another tool's. */
static gboolean
add_stores (Storage *storage, GError **error)
{
  for (char **store = storage->paths->image_stores; store != NULL && *store != NULL; store++)
    {
      g_autofree char *within = g_build_filename (*store, "coracle", NULL), *own = g_build_filename (*store, "state.db", NULL);
      if (!state_add_store (storage->state, access (own, F_OK) == 0 ? *store : within, error))
        return FALSE;
    }
  return TRUE;
}

Storage *
storage_open (const ConfigPaths *paths, GError **error)
{
  g_autoptr (Storage) storage = g_new0 (Storage, 1);
  storage->paths = paths;
  storage->root_fd = storage->run_fd = -1;
  storage->root_fd = open_root (paths->root, &storage->read_only, error);
  if (storage->root_fd < 0 || (access (paths->run_root, F_OK) < 0 && !path_mkdirs (paths->run_root, 0700, error)))
    return NULL;
  storage->run_fd = open_run_root (paths->run_root, error);
  if (storage->run_fd < 0)
    return NULL;
  storage->state = state_open (paths->root, storage->read_only, error);
  return storage->state != NULL && add_stores (storage, error) ? g_steal_pointer (&storage) : NULL;
}

void
storage_free (Storage *storage)
{
  if (storage == NULL)
    return;
  state_free (storage->state);
  fd_close (storage->root_fd);
  fd_close (storage->run_fd);
  g_free (storage);
}

int
storage_lock_shared (Storage *storage, GError **error)
{
  cleanup_fd int fd = openat (storage->root_fd, "store.lock", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  int r = -1;
  if (fd >= 0)
    do
      r = flock (fd, LOCK_SH);
    while (r < 0 && errno == EINTR);
  if (r < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "locking %s/store.lock", storage->paths->root), -1;
    }
  return fd_steal (&fd);
}

int
storage_lock_try (Storage *storage)
{
  cleanup_fd int fd = openat (storage->root_fd, "store.lock", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  return fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0 ? fd_steal (&fd) : -1;
}

/* is_at: is the open folder @fd the one called @name below @dir_fd now? */
static gboolean
is_at (int fd, int dir_fd, const char *name)
{
  struct stat mine, there;
  return fstat (fd, &mine) == 0 && fstatat (dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

/* lock_folder: make and lock @name; with @adopt it may be there already. -ESTALE: somebody removed it in between, try again. */
static int
lock_folder (int dir_fd, const char *name, int operation, gboolean adopt)
{
  if (mkdirat (dir_fd, name, 0700) < 0 && (errno != EEXIST || !adopt))
    return errno == EEXIST ? -ESTALE : -errno;
  cleanup_fd int fd = openat (dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOENT ? -ESTALE : -errno;
  int r;
  do
    r = flock (fd, operation);
  while (r < 0 && errno == EINTR);
  if (r < 0)
    return -errno;
  return is_at (fd, dir_fd, name) ? fd_steal (&fd) : -ESTALE;
}

gboolean
storage_work_begin (Storage *storage, StorageWork *ret_work, GError **error)
{
  cleanup_fd int tmp = openat (storage->root_fd, "tmp", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int fd = -errno;
  for (int tries = 0; tmp >= 0 && tries < 100; tries++)
    {
      /* not g_random_int: a forked child would draw its parent's numbers again */
      guint64 number = 0;
      char name[32];
      if (getrandom (&number, sizeof number, 0) < 0)
        number = (guint64) g_get_monotonic_time ();
      (void) snprintf (name, sizeof name, "%016" G_GINT64_MODIFIER "x", number);
      fd = lock_folder (tmp, name, LOCK_EX, FALSE);
      if (fd >= 0)
        {
          ret_work->fd = fd;
          ret_work->name = g_strdup (name);
          return TRUE;
        }
      if (fd != -ESTALE)
        break;
    }
  return coracle_throw_errno (error, -fd, "making a folder in %s/tmp", storage->paths->root);
}

void
storage_work_abandon (StorageWork *work)
{
  if (work->name == NULL)
    return;
  fd_close (work->fd);
  work->fd = -1;
  g_clear_pointer (&work->name, g_free);
}

void
storage_work_empty (const StorageWork *work)
{
  int errsv;
  g_autoptr (GPtrArray) names = work->name != NULL ? path_list (work->fd, &errsv) : NULL;
  for (guint i = 0; names != NULL && i < names->len; i++)
    (void) path_remove_tree (work->fd, names->pdata[i]);
}

void
storage_work_end (Storage *storage, StorageWork *work)
{
  if (work->name == NULL)
    return;
  cleanup_fd int tmp = openat (storage->root_fd, "tmp", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (tmp >= 0)
    (void) path_remove_tree (tmp, work->name);
  storage_work_abandon (work);
}

/* is_supervised: has whoever holds the lock on RUN_ROOT/@id a monitor at work? Until there is one, the holder asks, sweeps or makes: all of them are short. */
static gboolean
is_supervised (Storage *storage, const char *id)
{
  g_autofree char *path = g_build_filename (id, "monitor.pid", NULL);
  return faccessat (storage->run_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* How often a lock is tried, every 0.1 ms while a monitor may hold it, which does not go away by waiting; else every ms: who only asks may be kept from its processor for long */
#define TRIES_SUPERVISED 200
#define TRIES 5000

int
storage_run_begin (Storage *storage, const char *id, GError **error)
{
  int fd = -ESTALE;
  for (int tries = 0; tries < TRIES; tries++)
    {
      fd = lock_folder (storage->run_fd, id, LOCK_EX | LOCK_NB, TRUE);
      if (fd == -EWOULDBLOCK && (tries < TRIES_SUPERVISED || !is_supervised (storage, id)))
        g_usleep (tries < TRIES_SUPERVISED ? 100 : 1000);
      else if (fd != -ESTALE)
        break;
    }
  if (fd == -EWOULDBLOCK)
    return coracle_throw (error, CORACLE_ERROR_IN_USE, "container %s is in use by another process", id), -1;
  if (fd < 0)
    return coracle_throw_errno (error, -fd, "making %s/%s", storage->paths->run_root, id), -1;
  return fd;
}

gboolean
storage_run_alive (Storage *storage, const char *id)
{
  cleanup_fd int fd = openat (storage->run_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd >= 0 && flock (fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

void
storage_run_end (Storage *storage, const char *id, int run_fd)
{
  g_autofree char *group = cgroup_path_of (storage->run_fd, id);
  /* what it cannot remove, someone is in: then the sign stays for the next sweep */
  if (group == NULL || cgroup_remove (group) == 0)
    (void) path_remove_tree (storage->run_fd, id);
  fd_close (run_fd);
}

int
storage_container_make (Storage *storage, const char *id, GError **error)
{
  g_autofree char *name = g_strconcat ("containers/", id, NULL);
  int fd = -1;
  if (mkdirat (storage->root_fd, name, 0700) == 0 || errno == EEXIST)
    fd = openat (storage->root_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    {
      int errsv = errno;
      coracle_throw_errno (error, errsv, "making %s/%s", storage->paths->root, name);
    }
  return fd;
}

/* the names of a container's anonymous volumes, a line each, in its folder */
#define ANONYMOUS_FILE "anonymous-volumes"

gboolean
storage_container_note_volume (Storage *storage, const char *id, const char *volume, GError **error)
{
  g_autofree char *path = g_strconcat ("containers/", id, "/" ANONYMOUS_FILE, NULL), *line = g_strconcat (volume, "\n", NULL);
  cleanup_fd int fd = openat (storage->root_fd, path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  int r = fd < 0 ? -errno : fd_write_all (fd, line, strlen (line));
  return r == 0 || coracle_throw_errno (error, -r, "writing %s/%s", storage->paths->root, path);
}

gboolean
storage_container_remove_anonymous (Storage *storage, const char *id, GError **error)
{
  g_autofree char *path = g_strconcat ("containers/", id, "/" ANONYMOUS_FILE, NULL), *text = NULL;
  if (!path_read_file (storage->root_fd, path, 1 << 20, &text, NULL, NULL))
    return TRUE;
  g_auto (GStrv) names = g_strsplit (text, "\n", -1);
  for (char **name = names; *name != NULL; name++)
    {
      if ((*name)[0] == '\0' || strchr (*name, '/') != NULL)
        continue;
      g_autofree char *folder = g_strconcat ("volumes/", *name, NULL);
      int r = path_remove_tree (storage->root_fd, folder);
      if (r < 0)
        return coracle_throw_errno (error, -r, "removing volume %s", *name);
      const Event event = { .type = "volume", .status = "remove", .name = *name };
      event_write (storage->paths->root, storage->paths->run_root, &event);
    }
  /* told once */
  (void) unlinkat (storage->root_fd, path, 0);
  return TRUE;
}

/* take_off: what is mounted below containers/@id in this mount namespace: the root filesystem and, by number, what is staged for it (pkg/engine/container_staged.h). */
static void
take_off (Storage *storage, const char *name)
{
  g_autofree char *merged = g_build_filename (storage->paths->root, name, "merged", NULL);
  (void) umount2 (merged, MNT_DETACH | UMOUNT_NOFOLLOW);
  for (guint i = 0;; i++)
    {
      g_autofree char *staged = g_strdup_printf ("%s/%s/" STORAGE_STAGED "/%u/merged", storage->paths->root, name, i);
      /* EINVAL: it is there, with nothing mounted. To look whether it is there would ask a filesystem whose fuse-overlayfs is gone */
      if (umount2 (staged, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL)
        return;
    }
}

/* remove_written: what the container @name (containers/ID) has written: into its root filesystem and into what was staged for it. A mount would keep the room. */
static void
remove_written (Storage *storage, const char *name)
{
  g_autofree char *upper = g_strconcat (name, "/upper", NULL), *staged = g_strconcat (name, "/" STORAGE_STAGED, NULL);
  take_off (storage, name);
  (void) path_remove_tree (storage->root_fd, upper);
  (void) path_remove_tree (storage->root_fd, staged);
}

/* remove_folder: containers/@id. */
static gboolean
remove_folder (Storage *storage, const char *id, GError **error)
{
  g_autofree char *name = g_strconcat ("containers/", id, NULL);
  /* "mount" may have left it mounted: here it is taken off, and in the mount namespace it was mounted in it goes with the folder. But not by a descriptor that leads into that one */
  take_off (storage, name);
  cleanup_fd int root_fd = open (storage->paths->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int r = path_remove_tree (root_fd >= 0 ? root_fd : storage->root_fd, name);
  return r == 0 || coracle_throw_errno (error, -r, "removing %s/%s", storage->paths->root, name);
}

gboolean
storage_container_clear (Storage *storage, const char *id, GError **error)
{
  return storage_container_remove_anonymous (storage, id, error) && remove_folder (storage, id, error);
}

gboolean
storage_container_remove (Storage *storage, const char *id, gboolean volumes, GError **error)
{
  g_autoptr (GError) failure = NULL;
  if (!volumes)
    {
      g_autoptr (StateContainer) row = state_container_find (storage->state, id, &failure);
      /* a state that cannot be read does not say that there is no row, whose volumes would be nobody's */
      if (row == NULL && failure->code != CORACLE_ERROR_NOT_FOUND)
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      g_clear_error (&failure);
      volumes = row == NULL || row->auto_remove;
    }
  if (volumes && !storage_container_remove_anonymous (storage, id, error))
    return FALSE;
  g_autofree char *name = g_strconcat ("containers/", id, NULL);
  gboolean gone = state_container_remove (storage->state, id, &failure);
  /* the container itself may have filled the disk, and the state cannot forget it before there is room: which comes a moment later, with the last of its mounts */
  for (int tries = 0; !gone && failure->code == CORACLE_ERROR_NO_SPACE && tries < 100; tries++)
    {
      remove_written (storage, name);
      g_clear_error (&failure);
      g_usleep (10000);
      gone = state_container_remove (storage->state, id, &failure);
    }
  if (!gone && failure->code != CORACLE_ERROR_NOT_FOUND)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  return remove_folder (storage, id, error);
}

char *
storage_boot_id (void)
{
  char *id = proc_boot_id ();
  return id != NULL ? id : g_strdup ("unknown");
}
