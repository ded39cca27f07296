#include "pkg/idmap/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/idmap/explain.h"
#include "pkg/idmap/record.h"
#include "pkg/idmap/spawn.h"
#include "pkg/idmap/subid.h"
#include "pkg/idmap/transition.h"

#define MAP_MAX 340   /* lines of a map: user_namespaces(7), since 4.15 */

typedef struct {
  const char *program;
  char *path;
  SpawnChild child;
} Helper;

struct IdmapPending {
  char *run_root;
  gboolean want_single, fell_back;
  gboolean in_place;      /* nothing to enter but a mount namespace */
  int record;             /* locked while making */
  RecordLive live;        /* joining: fd >= 0 */
  IdMap *map;             /* making, and in place */
  SpawnChild holder;      /* making */
  Helper helpers[2];      /* making RANGE: newuidmap, newgidmap */
};

static void
helper_clear (Helper *helper)
{
  spawn_clear (&helper->child);
  fd_close (fd_steal (&helper->child.output));
  g_strfreev (g_steal_pointer (&helper->child.argv));
  g_free (g_steal_pointer (&helper->path));
}

/* end everything begun, so that it can begin again */
static void
pending_reset (IdmapPending *pending)
{
  for (size_t i = 0; i < G_N_ELEMENTS (pending->helpers); i++)
    helper_clear (&pending->helpers[i]);
  spawn_clear (&pending->holder);
  record_live_clear (&pending->live);
  idmap_free (g_steal_pointer (&pending->map));
  if (pending->record >= 0)
    record_unlock (pending->record);   /* the holder had a copy of the descriptor */
  fd_close (fd_steal (&pending->record));
}

void
idmap_abandon (IdmapPending *pending)
{
  if (pending == NULL)
    return;
  pending_reset (pending);
  g_free (pending->run_root);
  g_free (pending);
}

gboolean
idmap_fell_back (const IdmapPending *pending)
{
  return pending->fell_back;
}

static IdMap *
map_of_self (GError **error)
{
  g_autofree char *uids = NULL;
  g_autofree char *gids = NULL;
  if (!path_read_file (AT_FDCWD, "/proc/self/uid_map", 65536, &uids, NULL, error) || !path_read_file (AT_FDCWD, "/proc/self/gid_map", 65536, &gids, NULL, error))
    {
      coracle_prefix (error, "reading the id maps");
      return NULL;
    }
  IdMap *map = g_new0 (IdMap, 1);
  map->n_uids = idmap_parse (uids, &map->uids);
  map->n_gids = idmap_parse (gids, &map->gids);
  map->mode = idmap_max_mapped (map->uids, map->n_uids) > 0 ? IDMAP_HOST : IDMAP_SINGLE;
  return map;
}

/* the map as newuidmap's arguments, after the pid: three numbers for each line */
static char **
helper_argv (const char *program, pid_t pid, const IdRange *ranges, size_t n)
{
  GPtrArray *argv = g_ptr_array_new ();
  g_ptr_array_add (argv, g_strdup (program));
  g_ptr_array_add (argv, g_strdup_printf ("%d", (int) pid));
  for (size_t i = 0; i < n; i++)
    {
      g_ptr_array_add (argv, g_strdup_printf ("%u", ranges[i].inside));
      g_ptr_array_add (argv, g_strdup_printf ("%u", ranges[i].outside));
      g_ptr_array_add (argv, g_strdup_printf ("%u", ranges[i].count));
    }
  g_ptr_array_add (argv, NULL);
  return (char **) g_ptr_array_free (argv, FALSE);
}

/* start newuidmap or newgidmap; its environment is empty, so that what it says is in English and our own may change meanwhile */
static gboolean
helper_start (Helper *helper, const char *program, pid_t pid, const IdRange *ranges, size_t n, GError **error)
{
  static char *no_environment[] = { NULL };
  helper->program = program;
  helper->path = g_find_program_in_path (program);
  if (helper->path == NULL)
    return explain_helper (program, NULL, "", error);
  helper->child.path = helper->path;
  helper->child.argv = helper_argv (program, pid, ranges, n);
  helper->child.envp = no_environment;
  helper->child.output = memfd_create (program, MFD_CLOEXEC);
  int r = helper->child.output < 0 ? -errno : spawn_start (&helper->child, spawn_helper_child, 0);
  if (r < 0)
    return coracle_throw_errno (error, -r, "starting %s", helper->path);
  return TRUE;
}

static gboolean
helper_finish (Helper *helper, GError **error)
{
  int status;
  int r = spawn_wait (&helper->child, &status);
  if (r < 0)
    return coracle_throw_errno (error, -r, "waiting for %s", helper->path);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return TRUE;
  if (helper->child.exec_errno != 0)
    return coracle_throw_errno (error, helper->child.exec_errno, "running %s", helper->path);
  char said[1024];
  ssize_t n = pread (helper->child.output, said, sizeof said - 1, 0);
  said[n < 0 ? 0 : n] = '\0';
  return explain_helper (helper->program, helper->path, g_strdelimit (g_strstrip (said), "\n", ' '), error);
}

static gboolean
begin_making (IdmapPending *pending, const GArray *uids, const GArray *gids, GError **error)
{
  IdMap *map = pending->map = g_new0 (IdMap, 1);
  map->mode = uids == NULL ? IDMAP_SINGLE : IDMAP_RANGE;
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (SubidRange));
  map->n_uids = subid_map (uids != NULL ? uids : none, geteuid (), MAP_MAX, &map->uids);
  map->n_gids = subid_map (gids != NULL ? gids : none, getegid (), MAP_MAX, &map->gids);

  int r = transition_hold (&pending->holder);
  if (r < 0)
    return explain_namespace ("/proc/sys", -r, "making a user namespace", error);
  if (map->mode == IDMAP_RANGE)
    return helper_start (&pending->helpers[0], "newuidmap", pending->holder.pid, map->uids, map->n_uids, error)
           && helper_start (&pending->helpers[1], "newgidmap", pending->holder.pid, map->gids, map->n_gids, error);
  r = transition_map_single (pending->holder.pid);
  if (r == -EPERM && geteuid () == 0)
    return coracle_throw (error, CORACLE_ERROR_DENIED,
                          "mapping your user id: uid 0 without CAP_SYS_ADMIN may map itself only with CAP_SETFCAP (since Linux 5.12): add one of the two, or be another user");
  if (r < 0)
    return explain_namespace ("/proc/sys", -r, "mapping your user id", error);
  return TRUE;
}

/* open the record of that kind, lock it, and look for a namespace to join; it stays locked */
static gboolean
find_live (IdmapPending *pending, gboolean single, gboolean *ret_found, GError **error)
{
  pending->record = record_open (pending->run_root, single, TRUE);
  if (pending->record < 0)
    {
      int errsv = -pending->record;
      return coracle_throw_errno (error, errsv, "%s/%s", pending->run_root, single ? "userns.single" : "userns");
    }
  *ret_found = record_find (pending->record, pending->run_root, single, &pending->live);
  return TRUE;
}

/* Find a namespace to join (pending->live.fd >= 0), else begin a new one; the record stays locked. A live one with ranges is joined without reading subuid */
static gboolean
begin_locked (IdmapPending *pending, GError **error)
{
  gboolean found = FALSE;
  pending->fell_back = FALSE;
  if (!find_live (pending, pending->want_single, &found, error))
    return FALSE;
  if (found)
    return TRUE;
  if (pending->want_single)
    return begin_making (pending, NULL, NULL, error);

  g_autoptr (GArray) uids = NULL;
  g_autoptr (GArray) gids = NULL;
  if (!subid_find (geteuid (), &uids, &gids, error))
    return FALSE;
  if (uids->len > 0 && gids->len > 0)
    return begin_making (pending, uids, gids, error);

  pending->fell_back = TRUE;
  fd_close (fd_steal (&pending->record));
  if (!find_live (pending, TRUE, &found, error))
    return FALSE;
  return found || begin_making (pending, NULL, NULL, error);
}

gboolean
idmap_begin (const char *run_root, gboolean want_single, IdmapPending **ret_pending, GError **error)
{
  g_autoptr (IdmapPending) pending = g_new0 (IdmapPending, 1);
  pending->run_root = g_strdup (run_root);
  /* no command but run has the flag, and where the helper cannot work all need it */
  pending->want_single = want_single || g_strcmp0 (g_getenv ("CORACLE_USERNS"), "single") == 0;
  pending->record = pending->live.fd = -1;
  pending->holder.output = pending->helpers[0].child.output = pending->helpers[1].child.output = -1;
  if (transition_is_privileged ())
    {
      g_autoptr (IdMap) map = map_of_self (error);
      if (map == NULL)
        return FALSE;
      pending->in_place = !pending->want_single || map->mode == IDMAP_SINGLE;
      if (pending->in_place)
        pending->map = g_steal_pointer (&map);
    }
  if (!pending->in_place && !begin_locked (pending, error))
    return FALSE;
  if (pending->live.fd >= 0)
    record_unlock (pending->record);   /* others may join at the same time */
  *ret_pending = g_steal_pointer (&pending);
  return TRUE;
}

/* The namespace found in idmap_begin may have lost its last process since, and another command have made a new one: then that one is right.
 * Leaves the record locked */
static gboolean
lock_again (IdmapPending *pending, GError **error)
{
  int r = record_lock (pending->record);
  if (r < 0)
    return coracle_throw_errno (error, -r, "locking %s/userns", pending->run_root);
  if (record_newest (pending->record) == pending->live.inode)
    return TRUE;
  pending_reset (pending);
  return begin_locked (pending, error);
}

/* what was made, as if it had been found */
static gboolean
finish_making (IdmapPending *pending, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (pending->helpers); i++)
    if (pending->helpers[i].child.pid > 0 && !helper_finish (&pending->helpers[i], error))
      return FALSE;
  char path[64];
  g_snprintf (path, sizeof path, "/proc/%d/ns/user", (int) pending->holder.pid);
  pending->live.fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (pending->live.fd < 0 || fstat (pending->live.fd, &st) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "opening the new user namespace");
    }
  pending->live.inode = st.st_ino;
  pending->live.map = g_steal_pointer (&pending->map);
  return TRUE;
}

static gboolean
enter_user (IdmapPending *pending, GError **error)
{
  if (pending->live.fd >= 0 && !lock_again (pending, error))
    return FALSE;
  if (pending->live.fd < 0 && !finish_making (pending, error))
    return FALSE;
  int r = transition_user (pending->live.fd);
  if (r < 0)
    return explain_namespace ("/proc/sys", -r, "entering the user namespace", error);
  /* from here on this process keeps the namespace and can be joined: the holder has done its part */
  spawn_kill (&pending->holder);
  r = record_add (pending->record, getpid (), pending->live.inode);
  record_unlock (pending->record);
  if (r < 0)
    return coracle_throw_errno (error, -r, "%s/userns", pending->run_root);
  pending->map = g_steal_pointer (&pending->live.map);
  return TRUE;
}

gboolean
idmap_enter (IdmapPending *pending_taken, IdMap **ret_map, GError **error)
{
  g_autoptr (IdmapPending) pending = pending_taken;
  if (!pending->in_place && !enter_user (pending, error))
    return FALSE;
  int r = transition_mount ();
  if (r < 0)
    return explain_namespace ("/proc/sys", -r, "making a mount namespace", error);
  if (ret_map != NULL)
    *ret_map = g_steal_pointer (&pending->map);
  return TRUE;
}

gboolean
idmap_record (const char *run_root, pid_t pid, GError **error)
{
  struct stat st;
  if (stat ("/proc/self/ns/user", &st) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "/proc/self/ns/user");
    }
  for (int single = 0; single < 2; single++)
    {
      cleanup_fd int fd = record_open (run_root, single != 0, FALSE);
      if (fd == -ENOENT || (fd >= 0 && record_newest (fd) != st.st_ino))
        continue;
      int r = fd < 0 ? fd : record_add (fd, pid, st.st_ino);
      if (r < 0)
        return coracle_throw_errno (error, -r, "%s/%s", run_root, single ? "userns.single" : "userns");
    }
  return TRUE;
}
