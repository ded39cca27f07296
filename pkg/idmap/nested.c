#include "pkg/idmap/nested.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/idmap/explain.h"
#include "pkg/idmap/spawn.h"
#include "pkg/idmap/transition.h"

/* map_text: the kernel wants each line within one line of the parent's table. */
static char *
map_text (const IdRange *ranges, size_t n, const IdRange *parent, size_t n_parent)
{
  GString *text = g_string_new (NULL);
  for (size_t i = 0; i < n; i++)
    for (guint32 done = 0; done < ranges[i].count;)
      {
        guint32 outside = ranges[i].outside + done, count = ranges[i].count - done;
        for (size_t k = 0; k < n_parent; k++)
          if (outside >= parent[k].inside && outside - parent[k].inside < parent[k].count)
            count = MIN (count, parent[k].count - (outside - parent[k].inside));
        g_string_append_printf (text, "%u %u %u\n", ranges[i].inside + done, outside, count);
        done += count;
      }
  return g_string_free (text, FALSE);
}

static gboolean
write_map (pid_t pid, const char *name, const IdRange *ranges, size_t n, GError **error)
{
  char path[64];
  g_autofree IdRange *parent = NULL;
  g_autofree char *own = NULL, *own_path = g_strconcat ("/proc/self/", name, NULL);
  if (!path_read_file (AT_FDCWD, own_path, 65536, &own, NULL, error))
    return FALSE;
  size_t n_parent = idmap_parse (own, &parent);
  g_autofree char *text = map_text (ranges, n, parent, n_parent);
  g_snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, name);
  cleanup_fd int fd = open (path, O_WRONLY | O_CLOEXEC);
  int r = fd < 0 ? -errno : fd_write_all (fd, text, strlen (text));
  if (r == 0)
    return TRUE;
  g_autofree char *shown = g_strdelimit (g_strdup (g_strstrip (text)), "\n", ',');
  if (r == -EINVAL || r == -EPERM)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s %s: %s: each id may be there once on either side, and must be one that this user has", name, shown, g_strerror (-r));
  return coracle_throw_errno (error, -r, "%s %s", name, shown);
}

int
idmap_nested_open (const IdMap *map, GError **error)
{
  SpawnChild holder = { .output = -1 };
  char path[64];
  int fd = -1, r = transition_hold (&holder);
  if (r < 0)
    {
      explain_namespace ("/proc/sys", -r, "making the container's user namespace", error);
      return -1;
    }
  g_snprintf (path, sizeof path, "/proc/%d/ns/user", (int) holder.pid);
  if (write_map (holder.pid, "uid_map", map->uids, map->n_uids, error) && write_map (holder.pid, "gid_map", map->gids, map->n_gids, error) && (fd = open (path, O_RDONLY | O_CLOEXEC)) < 0)
    {
      int errsv = errno;
      coracle_throw_errno (error, errsv, "opening the container's user namespace");
    }
  spawn_clear (&holder);
  return fd;
}

static IdMap *
read_maps (pid_t pid, GError **error)
{
  g_autofree char *uids = NULL, *gids = NULL, *uid_path = g_strdup_printf ("/proc/%d/uid_map", (int) pid), *gid_path = g_strdup_printf ("/proc/%d/gid_map", (int) pid);
  if (!path_read_file (AT_FDCWD, uid_path, 65536, &uids, NULL, error) || !path_read_file (AT_FDCWD, gid_path, 65536, &gids, NULL, error))
    {
      coracle_prefix (error, "reading the id maps");
      return NULL;
    }
  IdMap *map = g_new0 (IdMap, 1);
  map->n_uids = idmap_parse (uids, &map->uids);
  map->n_gids = idmap_parse (gids, &map->gids);
  map->mode = IDMAP_RANGE;
  return map;
}

/* A process of it is needed: one of ours that enters it and stops. */
IdMap *
idmap_nested_read (int fd, GError **error)
{
  SpawnChild visitor = { .output = fd };
  IdMap *map = NULL;
  int status = 0, r = spawn_start (&visitor, spawn_visitor_child, 0);
  if (r < 0)
    {
      coracle_throw_errno (error, -r, "starting a process");
      return NULL;
    }
  while (waitpid (visitor.pid, &status, WUNTRACED) < 0 && errno == EINTR)
    continue;
  if (WIFSTOPPED (status))
    map = read_maps (visitor.pid, error);
  else
    {
      visitor.pid = 0;
      coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "setns to target user namespace: %s", g_strerror (WIFEXITED (status) ? WEXITSTATUS (status) : EINTR));
    }
  spawn_clear (&visitor);
  return map;
}

IdMap *
idmap_copy (const IdMap *map)
{
  IdMap *copy = g_new0 (IdMap, 1);
  *copy = (IdMap){ map->mode, g_memdup2 (map->uids, map->n_uids * sizeof (IdRange)), g_memdup2 (map->gids, map->n_gids * sizeof (IdRange)), map->n_uids, map->n_gids };
  return copy;
}
