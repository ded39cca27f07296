#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/engine/container.h"
#include "pkg/engine/container_hooks.h"
#include "pkg/engine/container_live.h"

/* wait_end: until @pidfd's process has ended; FALSE after @timeout_ms. */
static gboolean
wait_end (int pidfd, int timeout_ms)
{
  struct pollfd waiting = { .fd = pidfd, .events = POLLIN };
  int n;
  do
    n = poll (&waiting, 1, timeout_ms);
  while (n < 0 && errno == EINTR);
  return n > 0;
}

static void
stop_init (Storage *storage, const StateContainer *row, gint64 timeout)
{
  pid_t pid;
  cleanup_fd int pidfd = live_open_init (storage, row->id, &pid);
  if (pidfd < 0)
    return;
  int signal = (int) json_integer_value (json_object_get (row->config, "stop_signal"));
  if (timeout > 0 && proc_pidfd_signal (pidfd, signal > 0 ? signal : SIGTERM) == 0 && wait_end (pidfd, (int) MIN (timeout, G_MAXINT / 1000) * 1000))
    return;
  (void) proc_pidfd_signal (pidfd, SIGKILL);
  (void) wait_end (pidfd, 10000);
}

/* take_run_dir: the lock of a container that has just been ended: its monitor, and the command that stays with it, give it up within moments. A row without run folder is
 * locked as well, by making one. */
static int
take_run_dir (Storage *storage, const char *id, GError **error)
{
  for (int tries = 0;; tries++)
    {
      g_autoptr (GError) problem = NULL;
      int fd = storage_run_begin (storage, id, &problem);
      if (fd >= 0)
        return fd;
      if (!g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_IN_USE) || tries >= 5000)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return -1;
        }
      g_usleep (2000);
    }
}

gboolean
container_remove (Storage *storage, const char *id, gboolean force, gint64 timeout, gboolean volumes, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, id, error);
  if (view == NULL)
    return FALSE;
  if (view->alive && strcmp (view->status, "running") == 0)
    {
      if (!force)
        return coracle_throw (error, CORACLE_ERROR_IN_USE,
                              "cannot remove container %s as it is running - running or paused containers cannot be removed without force: container state improper", view->row->id);
      stop_init (storage, view->row, timeout);
    }
  int run_dir = take_run_dir (storage, view->row->id, error);
  if (run_dir < 0)
    return FALSE;
  gboolean done = storage_container_remove (storage, view->row->id, volumes, error);
  storage_run_end (storage, view->row->id, run_dir);
  return done;
}

gboolean
container_cleanup (Storage *storage, const char *id, int run_fd, GError **error)
{
  if (run_fd < 0)
    run_fd = storage_run_begin (storage, id, error);
  if (run_fd < 0)
    return FALSE;
  g_autoptr (StateContainer) row = state_container_find (storage->state, id, NULL);
  /* nobody waits for us who could be told of a hook that failed */
  if (row != NULL)
    (void) hooks_poststop (json_object_get (row->config, "poststop"), NULL);
  return storage_container_settle (storage, id, run_fd, error);
}

void
container_unmount (const ConfigPaths *paths, const char *id)
{
  g_autofree char *merged = g_build_filename (paths->root, "containers", id, "merged", NULL);
  (void) umount2 (merged, MNT_DETACH);
}
