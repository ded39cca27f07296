#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/engine/container_attach.h"
#include "pkg/engine/container_hooks.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/container_process.h"
#include "pkg/engine/container_stop.h"
#include "pkg/engine/event.h"
#include "pkg/monitor/client.h"
#include "pkg/runtime/runtime.h"

enum { CONFIG_MAX = 16 << 20 };

/* How long, in microseconds, a monitor may take to leave, or another command to finish with the container */
#define LEAVING_TIME (10 * G_USEC_PER_SEC)

int
container_start_base (GError **error)
{
  int fd = open ("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  int errsv = errno;
  if (fd < 0)
    coracle_throw_errno (error, errsv, "opening the mount namespace");
  return fd;
}

gboolean
container_start_apart (int base, GError **error)
{
  if (base < 0 || (setns (base, CLONE_NEWNS) == 0 && unshare (CLONE_NEWNS) == 0))
    return TRUE;
  int errsv = errno;
  return coracle_throw_errno (error, errsv, "making a mount namespace");
}

/* settle: what the last run left and nobody has recorded. Returns the lock anew, or -1. */
static int
settle (Storage *storage, const char *id, int run_dir, GError **error)
{
  return storage_container_settle (storage, id, run_dir, error) ? storage_run_begin (storage, id, error) : -1;
}

/* is_restarting: its monitor, which has the lock, waits to start it again: the row says "running" all the while, with an end after the last start (container_end.c). */
static gboolean
is_restarting (Storage *storage, const char *id)
{
  g_autoptr (StateContainer) row = state_container_find (storage->state, id, NULL);
  cleanup_fd int monitor = live_open_monitor (storage, id);
  return monitor >= 0 && row != NULL && strcmp (row->status, "running") == 0 && row->finished > row->started
         && !json_is_true (json_object_get (row->config, "stopped_by_user"));
}

/* lock_stopped: RUN_ROOT/ID of a container that does not run, and its row as it is under that lock. Returns -1 without @error when it runs. */
static int
lock_stopped (Storage *storage, const char *id, StateContainer **ret_row, GError **error)
{
  for (gint64 begun = g_get_monotonic_time ();; g_usleep (1000))
    {
      GError *problem = NULL;
      pid_t pid;
      cleanup_fd int run_dir = storage_run_begin (storage, id, &problem);
      if (run_dir >= 0)
        {
          g_autoptr (StateContainer) row = state_container_find (storage->state, id, error);
          if (row != NULL && strcmp (row->status, "running") == 0)
            {
              run_dir = settle (storage, id, fd_steal (&run_dir), error);
              g_clear_pointer (&row, state_container_free);
              row = run_dir >= 0 ? state_container_find (storage->state, id, error) : NULL;
            }
          *ret_row = g_steal_pointer (&row);
          if (*ret_row == NULL && run_dir >= 0)
            storage_run_end (storage, id, fd_steal (&run_dir));
          return fd_steal (&run_dir);
        }
      cleanup_fd int init = live_open_init (storage, id, &pid);
      if (init >= 0 || is_restarting (storage, id))
        {
          g_clear_error (&problem);
          return -1;
        }
      if (!g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_IN_USE) || g_get_monotonic_time () - begun > LEAVING_TIME)
        {
          g_propagate_error (error, problem);
          return -1;
        }
      g_clear_error (&problem);
    }
}

static gboolean
start_stopped (Storage *storage, IdMap *map, StateContainer *row, int run_dir, const ContainerStart *how, int *ret_status, GError **error)
{
  g_autoptr (ContainerOptions) options = container_options_from_json (json_object_get (row->config, "options"));
  g_auto (Run) run;
  process_init (&run, storage->paths, options);
  run.notice = how->notice;
  run.notice_data = how->notice_data;
  run.attached = how->attach;
  run.hold = how->hold;
  run.interactive = how->interactive && options->interactive;
  run.sig_proxy = how->sig_proxy;
  run.detach_keys = how->detach_keys != NULL ? how->detach_keys : options->detach_keys;
  if (!process_resume (&run, storage, map, row, run_dir, error) || !container_start_apart (how->mounts, error) || !process_share (&run, how->mounts, error) || !make_folders (&run.make, error) || !make_config (&run.make, error)
      || !process_start (&run, error))
    {
      process_fail (&run, error != NULL ? *error : NULL);
      return FALSE;
    }
  if (!how->attach)
    {
      process_leave (&run);
      return TRUE;
    }
  gboolean done = process_stay (&run, ret_status, error);
  process_rest (&run);
  return done;
}

/* ---- init: all but the command, and then that */

typedef struct {
  Storage *storage;
  const ContainerView *view;
} Letting;

static gboolean
note_go (StateContainer *row, void *data, GError **error)
{
  (void) data;
  (void) error;
  row->started = g_get_real_time ();
  return TRUE;
}

/* after_go: what goes with a command that runs; a hook that fails is told of (runtime-spec, lifecycle). */
static gboolean
after_go (Storage *storage, const ContainerView *view, json_t *config, const char *folder, GError **error)
{
  event_container (storage, view->row, "start");
  return hooks_poststart_of (config, view->row->id, folder, view->pid, error);
}

/* let_go: the command of an initialized container runs. Its start is on record before, as that of any other: who sees its output finds it running. */
static gboolean
let_go (void *data, GError **error)
{
  const Letting *letting = data;
  Storage *storage = letting->storage;
  const char *id = letting->view->row->id;
  g_autofree char *folder = g_build_filename (storage->paths->root, "containers", id, NULL), *path = g_build_filename (folder, "config.json", NULL), *text = NULL;
  cleanup_fd int run_dir = openat (storage->run_fd, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (!path_read_file (AT_FDCWD, path, CONFIG_MAX, &text, NULL, error) || !state_container_edit (storage->state, id, note_go, NULL, error))
    return FALSE;
  json_auto_t *config = json_loads (text, 0, NULL);
  int r = run_dir >= 0 ? monitor_client_control (run_dir, MONITOR_GO, NULL, 0) : -ENOENT;
  /* somebody else was quicker */
  if (r == -EALREADY)
    return TRUE;
  return r < 0 ? runtime_throw_failure (config, -r, error) : after_go (storage, letting->view, config, folder, error);
}

static gboolean
start_held (Storage *storage, const ContainerView *view, const ContainerStart *how, int *ret_status, GError **error)
{
  Letting letting = { .storage = storage, .view = view };
  const ContainerAttach attach = { .no_stdin = !how->interactive, .sig_proxy = how->sig_proxy, .detach_keys = how->detach_keys, .begin = let_go, .begin_data = &letting };
  gboolean done = how->attach ? container_attach (storage, view, &attach, ret_status, error) : let_go (&letting, error);
  return done || coracle_prefix (error, "unable to start container %s", view->row->id);
}

/* join_running: it runs already: be one more terminal of it. */
static gboolean
join_running (Storage *storage, const char *id, const ContainerStart *how, int *ret_status, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, id, error);
  const ContainerAttach attach = { .no_stdin = !how->interactive, .sig_proxy = how->sig_proxy, .detach_keys = how->detach_keys };
  return view != NULL && container_attach (storage, view, &attach, ret_status, error);
}

gboolean
container_start (Storage *storage, IdMap *map, const char *name_or_id, const ContainerStart *how, int *ret_status, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, name_or_id, error);
  if (view == NULL)
    return FALSE;
  *ret_status = 0;
  if (strcmp (view->status, "paused") == 0)
    return coracle_throw (error, CORACLE_ERROR_IN_USE, "unable to start container %s: it is paused: unpause it: container state improper", view->row->id);
  if (container_is_held (view))
    return how->hold || start_held (storage, view, how, ret_status, error);
  GError *problem = NULL;
  g_autoptr (StateContainer) row = NULL;
  int run_dir = view->pid > 0 ? -1 : lock_stopped (storage, view->row->id, &row, &problem);
  if (problem != NULL)
    {
      g_propagate_error (error, problem);
      return FALSE;
    }
  if (run_dir >= 0)
    return start_stopped (storage, map, row, run_dir, how, ret_status, error) || coracle_prefix (error, "unable to start container %s", view->row->id);
  return !how->attach || join_running (storage, view->row->id, how, ret_status, error);
}

gboolean
container_init (Storage *storage, IdMap *map, const char *name_or_id, const ContainerStart *how, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, name_or_id, error);
  ContainerStart held = *how;
  int status;
  if (view == NULL)
    return FALSE;
  if (view->pid > 0 && !container_is_held (view))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unable to initialize container %s: container %s has already been created in runtime: container state improper", view->row->id, view->row->id);
  held.hold = TRUE;
  return container_start (storage, map, view->row->id, &held, &status, error);
}

gboolean
container_started (Storage *storage, const char *id, int init_pidfd, GError **error)
{
  g_autoptr (StateContainer) row = state_container_find (storage->state, id, error);
  g_autofree char *folder = g_build_filename (storage->paths->root, "containers", id, NULL), *path = g_build_filename (folder, "config.json", NULL), *text = NULL;
  pid_t pid = proc_pidfd_number (init_pidfd);
  if (row == NULL || !path_read_file (AT_FDCWD, path, CONFIG_MAX, &text, NULL, error))
    return FALSE;
  /* it has ended already: the next start follows, or none */
  if (pid <= 0)
    return TRUE;
  const char *pidfile = json_string_value (json_object_get (json_object_get (row->config, "options"), "pidfile"));
  g_autofree char *number = g_strdup_printf ("%d", (int) pid);
  int r = pidfile != NULL ? path_write_file (AT_FDCWD, pidfile, number, strlen (number), 0644, FALSE) : 0;
  json_auto_t *config = json_loads (text, 0, NULL);
  gboolean done = hooks_poststart_of (config, row->id, folder, pid, error);
  return done && (r >= 0 || coracle_throw_errno (error, -r, "writing pid file %s", pidfile));
}

/* ---- restart */

/* keep_at_end: an end that is only half of a restart removes nothing. */
static gboolean
keep_at_end (StateContainer *row, void *data, GError **error)
{
  (void) data;
  (void) error;
  row->auto_remove = FALSE;
  return TRUE;
}

gboolean
container_restart (Storage *storage, IdMap *map, const char *name_or_id, gint64 timeout, const ContainerStart *how, char **ret_warning, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, name_or_id, error);
  if (view == NULL || (view->row->auto_remove && !state_container_edit (storage->state, view->row->id, keep_at_end, NULL, error)))
    return FALSE;
  ContainerStop stop = { .id = view->row->id };
  container_stop (storage, &stop, 1, timeout);
  *ret_warning = g_steal_pointer (&stop.warning);
  int status;
  if (stop.error != NULL)
    {
      g_propagate_error (error, stop.error);
      return FALSE;
    }
  if (!container_start (storage, map, view->row->id, how, &status, error))
    return FALSE;
  event_container (storage, view->row, "restart");
  return TRUE;
}
