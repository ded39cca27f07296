#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/engine/container.h"
#include "pkg/engine/container_health.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/container_pause.h"
#include "pkg/engine/container_stop.h"
#include "pkg/monitor/client.h"

/* ---- RUN_ROOT/ID/init.pid */

static unsigned long long
namespace_of (pid_t pid, const char *kind)
{
  char path[64];
  struct stat st;
  g_snprintf (path, sizeof path, "/proc/%d/ns/%s", (int) pid, kind);
  return stat (path, &st) < 0 ? 0 : (unsigned long long) st.st_ino;
}

/* open_noted: a pidfd of the process that RUN_ROOT/@id/@file names, "PID INODE". The number may be somebody else's by now: the one we hold must be in the namespace
 * that was noted. */
static int
open_noted (Storage *storage, const char *id, const char *file, const char *kind, pid_t *ret_pid)
{
  g_autofree char *path = g_build_filename (id, file, NULL), *text = NULL;
  int pid;
  unsigned long long inode;
  if (!path_read_file (storage->run_fd, path, 256, &text, NULL, NULL) || sscanf (text, "%d %llu", &pid, &inode) != 2)
    return -1;
  cleanup_fd int pidfd = proc_pidfd_open (pid);
  if (pidfd < 0 || namespace_of (pid, kind) != inode)
    return -1;
  /* dead, and not reaped: its parent is stopped */
  struct pollfd end = { .fd = pidfd, .events = POLLIN };
  if (poll (&end, 1, 0) != 0)
    return -1;
  *ret_pid = pid;
  return fd_steal (&pidfd);
}

gboolean
live_record_init (int run_dir, pid_t pid, GError **error)
{
  g_autofree char *text = g_strdup_printf ("%d %llu\n", (int) pid, namespace_of (pid, "pid"));
  int r = path_write_file (run_dir, "init.pid", text, strlen (text), 0600, FALSE);
  if (r < 0)
    return coracle_throw_errno (error, -r, "writing init.pid");
  return TRUE;
}

int
live_open_monitor (Storage *storage, const char *id)
{
  pid_t pid;
  return open_noted (storage, id, "monitor.pid", "user", &pid);
}

int
live_open_monitor_pid (Storage *storage, const char *id, pid_t *ret_pid)
{
  return open_noted (storage, id, "monitor.pid", "user", ret_pid);
}

int
live_open_init (Storage *storage, const char *id, pid_t *ret_pid)
{
  return open_noted (storage, id, "init.pid", "pid", ret_pid);
}

/* ---- views */

void
container_view_free (ContainerView *view)
{
  if (view == NULL)
    return;
  state_container_free (view->row);
  g_free (view->health);
  g_free (view);
}

/* read_exit: of a container that ended and whose end nobody has put in its row yet. Without a trace (killed with its monitor, or the machine went down) it counts as
 * killed, as for the sweep; when, nobody knows. */
static gboolean
read_exit (Storage *storage, StateContainer *row)
{
  g_autofree char *path = g_strconcat (row->id, "/" MONITOR_EXIT_FILE, NULL), *text = NULL;
  MonitorExit ended;
  if (!path_read_file (storage->run_fd, path, 256, &text, NULL, NULL) || !monitor_exit_parse (text, &ended, NULL))
    {
      row->exit_code = 128 + SIGKILL;
      row->finished = row->started;
      return FALSE;
    }
  row->exit_code = ended.timed_out ? -1 : monitor_exit_status (&ended);   /* as Podman records it */
  row->finished = ended.finished_us;
  state_container_set_oom (row, ended.oom);
  return TRUE;
}

/* was_started: its command is at work to start it until init.pid is there. */
static gboolean
was_started (Storage *storage, const char *id)
{
  g_autofree char *path = g_build_filename (id, "init.pid", NULL);
  return faccessat (storage->run_fd, path, F_OK, 0) == 0;
}

/* note_restart: the monitor that starts a container again cannot write its row: init.pid is as old as this run. */
static void
note_restart (Storage *storage, StateContainer *row)
{
  char path[96];
  struct stat st;
  g_snprintf (path, sizeof path, "%s/init.pid", row->id);
  if (row->finished > row->started && fstatat (storage->run_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
    row->started = (gint64) st.st_mtim.tv_sec * G_USEC_PER_SEC + st.st_mtim.tv_nsec / 1000;
}

/* is_stopping: a command has sent it the stop signal and waits. */
static gboolean
is_stopping (Storage *storage, const char *id)
{
  char path[96];
  g_snprintf (path, sizeof path, "%s/" CONTAINER_STOPPING_FILE, id);
  cleanup_fd int fd = openat (storage->run_fd, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  return fd >= 0 && fcntl (fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* read_recorded: of one whose monitor has gone and left no trace: its end was put into the row after we read that; or it was killed. */
static void
read_recorded (Storage *storage, StateContainer *row)
{
  g_autoptr (StateContainer) now = state_container_find (storage->state, row->id, NULL);
  if (now == NULL || strcmp (now->status, "running") == 0)
    return;
  row->exit_code = now->exit_code;
  row->finished = now->finished;
}

/* await_exit: of an init that has just died, whose monitor has not written how yet. */
static gboolean
await_exit (Storage *storage, StateContainer *row)
{
  for (int tries = 0; tries < 250; tries++)
    {
      if (read_exit (storage, row))
        return TRUE;
      if (!storage_run_alive (storage, row->id))
        {
          read_recorded (storage, row);
          return TRUE;
        }
      g_usleep (tries < 50 ? 200 : 2000);
    }
  return FALSE;
}

static void
look (Storage *storage, ContainerView *view)
{
  StateContainer *row = view->row;
  /* one that was ended before its command ran was never started */
  view->status = row->started == 0 && strcmp (row->status, "exited") != 0 ? "created" : "exited";
  if (strcmp (row->status, "running") != 0)
    return;
  view->alive = storage_run_alive (storage, row->id);
  cleanup_fd int pidfd = view->alive ? live_open_init (storage, row->id, &view->pid) : -1;
  if (pidfd >= 0)
    {
      view->status = container_is_paused (storage, row->id) ? "paused" : is_stopping (storage, row->id) ? "stopping" : row->started == 0 ? "initialized" : "running";
      note_restart (storage, row);
    }
  else if (read_exit (storage, row))
    return;
  else if (!view->alive)
    read_recorded (storage, row);
  else
    view->status = !was_started (storage, row->id) ? "created" : await_exit (storage, row) ? "exited" : "stopping";
}

gboolean
container_is_held (const ContainerView *view)
{
  return strcmp (view->status, "initialized") == 0;
}

ContainerView *
container_view_new (Storage *storage, StateContainer *row)
{
  ContainerView *view = g_new0 (ContainerView, 1);
  view->row = row;
  look (storage, view);
  view->health = container_health_word (storage, view);
  return view;
}

gboolean
container_list (Storage *storage, GPtrArray **ret_views, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  if (!state_container_list (storage->state, &rows, error))
    return FALSE;
  GPtrArray *views = g_ptr_array_new_with_free_func ((GDestroyNotify) container_view_free);
  g_ptr_array_set_free_func (rows, NULL);
  for (guint i = 0; i < rows->len; i++)
    g_ptr_array_add (views, container_view_new (storage, rows->pdata[i]));
  *ret_views = views;
  return TRUE;
}

ContainerView *
container_find (Storage *storage, const char *name_or_id, GError **error)
{
  GError *problem = NULL;
  if (name_or_id[0] == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "name or ID cannot be empty"), NULL;
  StateContainer *row = state_container_find (storage->state, name_or_id, &problem);
  if (row != NULL)
    return container_view_new (storage, row);
  if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    {
      g_clear_error (&problem);
      coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no container with name or ID \"%s\" found: no such container", name_or_id);
    }
  else
    g_propagate_error (error, problem);
  return NULL;
}

ContainerView *
container_find_latest (Storage *storage, GError **error)
{
  g_autoptr (StateContainer) row = state_container_find_latest (storage->state, error);
  return row != NULL ? container_view_new (storage, g_steal_pointer (&row)) : NULL;
}

const char *
container_network_mode (const char *word)
{
  static const char *const slirp[] = { "", "default", "private", "slirp", NULL };
  return word == NULL || g_strv_contains (slirp, word) ? "slirp4netns" : word;
}
