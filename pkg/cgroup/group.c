#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/cgroup/scope.h"

enum { FREEZE_MS = 10000,
       REMOVE_TRIES = 400 };

char *
cgroup_path_of (int run_fd, const char *id)
{
  g_autofree char *name = g_strconcat (id, "/" CGROUP_FILE, NULL), *path = NULL;
  if (!path_read_file (run_fd, name, 4096, &path, NULL, NULL) || path[0] != '/')
    return NULL;
  return g_steal_pointer (&path);
}

int
cgroup_open_of (int run_fd, const char *id)
{
  g_autofree char *path = cgroup_path_of (run_fd, id);
  return path != NULL ? open (path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
}

/* ---- freezer */

static gboolean
read_frozen (int fd, gboolean *ret_frozen)
{
  g_autofree char *events = cgroup_read (fd, "cgroup.events");
  guint64 value;
  if (events == NULL || !cgroup_value (events, "frozen", &value))
    return FALSE;
  *ret_frozen = value != 0;
  return TRUE;
}

/* wait_frozen: cgroup.events tells of a change by POLLPRI, once it was read. */
static int
wait_frozen (int fd, gboolean frozen)
{
  cleanup_fd int events = openat (fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
  if (events < 0)
    return -errno;
  for (gint64 deadline = g_get_monotonic_time () + FREEZE_MS * 1000;;)
    {
      char text[256];
      ssize_t n = pread (events, text, sizeof text - 1, 0);
      guint64 value;
      if (n < 0)
        return -errno;
      text[n] = '\0';
      if (!cgroup_value (text, "frozen", &value))
        return -EBADMSG;
      if ((value != 0) == frozen)
        return 0;
      gint64 left = (deadline - g_get_monotonic_time ()) / 1000;
      if (left <= 0)
        return -ETIMEDOUT;
      struct pollfd polled = { .fd = events, .events = POLLPRI };
      (void) poll (&polled, 1, (int) MIN (left, 100));
    }
}

static gboolean
set_frozen (int run_fd, const char *id, gboolean frozen, GError **error)
{
  cleanup_fd int fd = cgroup_open_of (run_fd, id);
  if (fd < 0)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "container %s has no cgroup of its own", id);
  int r = cgroup_write (fd, "cgroup.freeze", frozen ? "1" : "0");
  if (r == 0)
    r = wait_frozen (fd, frozen);
  if (r == 0)
    return TRUE;
  if (frozen)
    (void) cgroup_write (fd, "cgroup.freeze", "0");
  return coracle_throw_errno (error, -r, "%s container %s", frozen ? "freezing" : "thawing", id);
}

gboolean
cgroup_freeze (int run_fd, const char *id, GError **error)
{
  return set_frozen (run_fd, id, TRUE, error);
}

gboolean
cgroup_thaw (int run_fd, const char *id, GError **error)
{
  return set_frozen (run_fd, id, FALSE, error);
}

gboolean
cgroup_is_frozen (int run_fd, const char *id)
{
  cleanup_fd int fd = cgroup_open_of (run_fd, id);
  gboolean frozen = FALSE;
  return fd >= 0 && read_frozen (fd, &frozen) && frozen;
}

/* ---- a process more */

/* unit_of: the innermost unit, and the group within: of ".../libpod-ID.scope/container", or, with --cgroups=split, ".../NAME.service/libpod-payload-ID". */
static char *
unit_of (const char *path, const char **ret_below)
{
  const char *begin = path, *found = NULL, *below = NULL;
  for (const char *end; (end = strchr (begin, '/')) != NULL; begin = end + 1)
    {
      gsize length = (gsize) (end - begin);
      if ((length > strlen (".scope") && g_str_has_prefix (end - strlen (".scope"), ".scope/")) || (length > strlen (".service") && g_str_has_prefix (end - strlen (".service"), ".service/")))
        {
          found = begin;
          below = end;
        }
    }
  if (found == NULL)
    return NULL;
  *ret_below = below;
  return g_strndup (found, (gsize) (below - found));
}

gboolean
cgroup_attach (int run_fd, const char *id, pid_t pid, GError **error)
{
  g_autofree char *path = cgroup_path_of (run_fd, id);
  cleanup_fd int fd = path != NULL ? open (path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
  if (fd < 0)
    return TRUE;
  char number[16];
  g_snprintf (number, sizeof number, "%d", (int) pid);
  int r = cgroup_write (fd, "cgroup.procs", number);
  if (r == 0 || r == -ENOENT || r == -ENODEV)
    return TRUE;
  const char *below;
  g_autofree char *unit = unit_of (path, &below);
  if (r == -EACCES && unit != NULL)
    return scope_attach (unit, below, pid, error);
  return coracle_throw_errno (error, -r, "moving a process into the cgroup %s", path);
}

/* ---- the end */

/* remove_below: the groups within, which the container may have made. */
static void
remove_below (int parent, const char *name)
{
  int fd = openat (parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir == NULL)
    {
      fd_close (fd);
      return;
    }
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    if (entry->d_type == DT_DIR && strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      {
        remove_below (fd, entry->d_name);
        (void) unlinkat (fd, entry->d_name, AT_REMOVEDIR);
      }
  (void) closedir (dir);
}

static void
kill_all (const char *path)
{
  cleanup_fd int fd = open (path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return;
  (void) cgroup_write (fd, "cgroup.kill", "1");
  /* a frozen one dies, too (since the kernel that has cgroup.kill), but before 5.14 it must be thawed */
  (void) cgroup_write (fd, "cgroup.freeze", "0");
}

int
cgroup_remove (const char *path)
{
  for (int tries = 0;; tries++)
    {
      if (rmdir (path) == 0 || errno == ENOENT)
        return 0;
      int r = -errno;
      if (r != -EBUSY || tries >= REMOVE_TRIES)
        return r;
      if (tries == 0)
        {
          kill_all (path);
          remove_below (AT_FDCWD, path);
        }
      else
        g_usleep (tries < 20 ? 200 : 5000);
      if (tries == 20)
        remove_below (AT_FDCWD, path);
    }
}
