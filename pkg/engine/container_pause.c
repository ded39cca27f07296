#include "pkg/engine/container_pause.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/engine/event.h"

static char *
paused_path (const char *id)
{
  return g_strconcat (id, "/" CONTAINER_PAUSED_FILE, NULL);
}

gboolean
container_is_paused (Storage *storage, const char *id)
{
  char path[96];
  g_snprintf (path, sizeof path, "%s/" CONTAINER_PAUSED_FILE, id);
  return faccessat (storage->run_fd, path, F_OK, 0) == 0 && cgroup_is_frozen (storage->run_fd, id);
}

/* drop_note: after the thawing: while it is there the cgroup is asked. */
static void
drop_note (Storage *storage, const char *id)
{
  g_autofree char *path = paused_path (id);
  (void) unlinkat (storage->run_fd, path, 0);
}

gboolean
container_pause (Storage *storage, const char *id, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, id, error);
  if (view == NULL)
    return FALSE;
  const char *whole = view->row->id;
  if (strcmp (view->status, "paused") == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" is already paused: container state improper", whole);
  if (strcmp (view->status, "running") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" is not running, can't pause: container state improper", view->status);
  g_autofree char *path = paused_path (whole), *group = cgroup_path_of (storage->run_fd, whole);
  if (group == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID,
                          "cannot pause container %s: it has no cgroup of its own, whose freezer this takes: `info` shows whether one can be had (cgroupManager); start it where that is not \"none\": in a "
                          "session of systemd's user manager, or in a delegated cgroup v2",
                          whole);
  fd_close (openat (storage->run_fd, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!cgroup_freeze (storage->run_fd, whole, error))
    {
      drop_note (storage, whole);
      return FALSE;
    }
  /* who waits for a state looks at this folder: now it is so */
  (void) path_write_file (storage->run_fd, path, "", 0, 0600, FALSE);
  event_container (storage, view->row, "pause");
  return TRUE;
}

gboolean
container_unpause (Storage *storage, const char *id, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, id, error);
  if (view == NULL)
    return FALSE;
  if (strcmp (view->status, "paused") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" is not paused, can't unpause: container state improper", view->row->id);
  if (!cgroup_thaw (storage->run_fd, view->row->id, error))
    return FALSE;
  drop_note (storage, view->row->id);
  event_container (storage, view->row, "unpause");
  return TRUE;
}

void
container_thaw (Storage *storage, const char *id)
{
  if (!container_is_paused (storage, id))
    return;
  (void) cgroup_thaw (storage->run_fd, id, NULL);
  drop_note (storage, id);
}
