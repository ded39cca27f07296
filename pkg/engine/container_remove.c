#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/engine/container.h"
#include "pkg/engine/container_depend.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/container_stop.h"
#include "pkg/engine/event.h"
#include "pkg/engine/network_connect.h"

/* How long, in microseconds, the monitor and the command that stays with it may take to leave by themselves */
#define LEAVING_TIME (2 * G_USEC_PER_SEC)
#define LEAVING_TIME_MAX (10 * G_USEC_PER_SEC)

/* stop_it: returns whether it was alive and has ended. */
static gboolean
stop_it (Storage *storage, const char *id, gint64 timeout)
{
  pid_t pid;
  cleanup_fd int init = live_open_init (storage, id, &pid);
  ContainerStop stop = { .id = id };
  container_stop (storage, &stop, 1, timeout);
  gboolean done = init >= 0 && stop.error == NULL;
  container_stop_clear (&stop);
  return done;
}

static gboolean
throw_running (const char *id, const char *status, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_IN_USE,
                        "cannot remove container %s as it is %s - running or paused containers cannot be removed without force: container state improper", id, status);
}

/* take_run_dir: end the container if @force, and take its lock. Its monitor, and the command that stays with it, give it up within moments. One that does not is stopped
 * (^Z, SIGSTOP), or waits for a reader that is: with @force it is killed, and the lock goes with it. A container that was only being started when we looked is met here when
 * it runs. A row without run folder is locked as well, by making one. */
static int
take_run_dir (Storage *storage, const StateContainer *row, gboolean force, gint64 timeout, GError **error)
{
  for (gint64 begun = g_get_monotonic_time ();; g_usleep (2000))
    {
      g_autoptr (GError) problem = NULL;
      pid_t pid;
      int fd = storage_run_begin (storage, row->id, &problem);
      if (fd >= 0)
        return fd;
      gint64 waited = g_get_monotonic_time () - begun;
      if (!g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_IN_USE) || waited > LEAVING_TIME_MAX)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return -1;
        }
      cleanup_fd int init = live_open_init (storage, row->id, &pid);
      if (init >= 0 && !force)
        return throw_running (row->id, "running", error), -1;
      if (init >= 0 && stop_it (storage, row->id, timeout))
        begun = g_get_monotonic_time ();
      else if (force && waited > LEAVING_TIME)
        {
          cleanup_fd int monitor = live_open_monitor (storage, row->id);
          if (monitor >= 0)
            (void) proc_pidfd_signal (monitor, SIGKILL);
        }
    }
}

/* is_elsewhere: does it run under another run folder (another XDG_RUNTIME_DIR or --runroot), whose lock says so? */
static gboolean
is_elsewhere (Storage *storage, const StateContainer *row, const char **ret_run_root)
{
  const char *run_root = json_string_value (json_object_get (row->config, "run_root"));
  if (run_root == NULL || strcmp (run_root, storage->paths->run_root) == 0 || strcmp (row->status, "running") != 0)
    return FALSE;
  *ret_run_root = run_root;
  Storage other = { .run_fd = open (run_root, O_PATH | O_DIRECTORY | O_CLOEXEC) };
  gboolean alive = other.run_fd >= 0 && storage_run_alive (&other, row->id);
  fd_close (other.run_fd);
  return alive;
}

/* drop_cidfile: the file of --cidfile goes with its container, if it still tells of it. */
static void
drop_cidfile (StateContainer *row)
{
  state_container_read_config (row);
  json_t *options = json_object_get (row->config, "options");
  const char *given = json_string_value (json_object_get (options, "cidfile")), *cwd = json_string_value (json_object_get (options, "cwd"));
  if (given == NULL)
    return;
  g_autofree char *path = g_canonicalize_filename (given, cwd), *text = NULL;
  if (path_read_file (AT_FDCWD, path, 4096, &text, NULL, NULL) && strcmp (g_strchomp (text), row->id) == 0)
    (void) unlink (path);
}

/* remove_row: all of it, once nothing runs. @view: as it was found. */
static gboolean
remove_row (Storage *storage, const ContainerView *view, gboolean force, gint64 timeout, gboolean volumes, GError **error)
{
  StateContainer *row = view->row;
  if (view->pid > 0 && !force)
    return throw_running (row->id, view->status, error);
  /* its monitor would start it again after its pause, and holds on to it until then */
  if (!force && container_waits_for_restart (storage, view) && !container_call_off (storage, row, error))
    return FALSE;
  if (view->alive && force)
    (void) stop_it (storage, row->id, timeout);
  int run_dir = take_run_dir (storage, row, force, timeout, error);
  if (run_dir < 0)
    return FALSE;
  /* how it ended is in the row by now: the event tells of it */
  g_autoptr (StateContainer) ended = view->alive ? state_container_find (storage->state, row->id, NULL) : NULL;
  if (ended != NULL)
    row->exit_code = ended->exit_code;
  if (!storage_container_remove (storage, row->id, volumes, error))
    {
      fd_close (run_dir);   /* the folder stays, as a sign for the next sweep */
      return FALSE;
    }
  network_tell_left (storage->paths, row->id);
  event_container (storage, row, "remove");
  drop_cidfile (row);
  storage_run_end (storage, row->id, run_dir);
  return TRUE;
}

static gboolean
remove_one (Storage *storage, const char *id, GHashTable *dependents, gboolean force, gint64 timeout, gboolean volumes, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, id, error);
  if (view == NULL)
    return FALSE;
  const char *run_root;
  if (is_elsewhere (storage, view->row, &run_root))
    return coracle_throw (error, CORACLE_ERROR_IN_USE, "container %s runs with another run folder: use --runroot %s", view->row->id, run_root);
  /* nothing of it has run yet: there is nobody to be asked, and nothing to be forced */
  if (container_is_held (view))
    {
      force = TRUE;
      timeout = 0;
    }
  if (view->pid > 0 && !force)
    return throw_running (view->row->id, view->status, error);
  g_autofree char *needing = container_dependents_text (dependents, view->row->id);
  if (needing != NULL)
    return coracle_throw (error, CORACLE_ERROR_EXISTS, "container %s has dependent containers which must be removed before it: %s: container already exists", view->row->id, needing);
  if (!remove_row (storage, view, force, timeout, volumes, error))
    return FALSE;
  container_dependents_drop (dependents, view->row->id);
  return TRUE;
}

gboolean
container_remove (Storage *storage, const char *id, gboolean force, gint64 timeout, gboolean volumes, GError **error)
{
  g_autoptr (GHashTable) dependents = container_dependents (storage, error);
  return dependents != NULL && remove_one (storage, id, dependents, force, timeout, volumes, error);
}

/* ---- several */

/* stop_all: at once, what would otherwise be waited for one after the other. What goes wrong is met again by the one who removes it. */
static void
stop_all (Storage *storage, const ContainerRemove *items, gsize n, gint64 timeout)
{
  g_autofree ContainerStop *stops = g_new0 (ContainerStop, n);
  gsize alive = 0;
  for (gsize i = 0; i < n; i++)
    if (storage_run_alive (storage, items[i].id))
      stops[alive++].id = items[i].id;
  container_stop (storage, stops, alive, timeout);
  for (gsize i = 0; i < alive; i++)
    container_stop_clear (&stops[i]);
}

/* must_wait: something that needs it is to be removed as well, and before it. */
static gboolean
must_wait (GHashTable *dependents, const ContainerRemove *items, gsize n, const char *id)
{
  const GPtrArray *needing = g_hash_table_lookup (dependents, id);
  for (guint i = 0; needing != NULL && i < needing->len; i++)
    for (gsize k = 0; k < n; k++)
      if (!items[k].tried && strcmp (items[k].id, needing->pdata[i]) == 0)
        return TRUE;
  return FALSE;
}

gboolean
container_remove_all (Storage *storage, ContainerRemove *items, gsize n, gboolean force, gint64 timeout, gboolean volumes, GError **error)
{
  g_autoptr (GHashTable) dependents = container_dependents (storage, error);
  if (dependents == NULL)
    return FALSE;
  if (force && n > 1)
    stop_all (storage, items, n, timeout);
  for (gboolean progress = TRUE; progress;)
    {
      progress = FALSE;
      for (gsize i = 0; i < n; i++)
        {
          if (items[i].tried || must_wait (dependents, items, n, items[i].id))
            continue;
          items[i].tried = progress = TRUE;
          (void) remove_one (storage, items[i].id, dependents, force, timeout, volumes, &items[i].error);
        }
    }
  return TRUE;
}
