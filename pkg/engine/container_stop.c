#include "pkg/engine/container_stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/container_pause.h"
#include "pkg/engine/event.h"
#include "pkg/engine/network_connect.h"
#include "pkg/monitor/client.h"

/* How long, in microseconds, the killed may take to die */
#define DYING_TIME (10 * G_USEC_PER_SEC)
/* … and its monitor, or the command that stays with it, to record the end. One that is stopped at its terminal (^Z) does not; the container has ended all the same. */
#define LEAVING_TIME (2 * G_USEC_PER_SEC)
#define NEVER G_MAXINT64

/* The exit code of a container whose monitor was killed: as for the sweep (storage/sweep.c) */
#define LOST_CODE (128 + SIGKILL)

typedef enum { LISTENING, DYING, LEAVING, DONE } Phase;

/* One container on its way out. */
typedef struct {
  ContainerStop *stop;
  StateContainer *row;
  Phase phase;
  int pidfd;         /* of init, then of the monitor */
  int noted;         /* holds the lock on CONTAINER_STOPPING_FILE */
  gint64 timeout;    /* seconds */
  gint64 deadline;   /* of this phase, monotonic */
} Ending;

void
container_stop_clear (ContainerStop *stop)
{
  g_clear_error (&stop->error);
  g_clear_pointer (&stop->warning, g_free);
}

gboolean
container_wait_pidfd (int pidfd, int timeout_ms)
{
  struct pollfd waiting = { .fd = pidfd, .events = POLLIN };
  int n;
  do
    n = poll (&waiting, 1, timeout_ms);
  while (n < 0 && errno == EINTR);
  return n > 0;
}

/* ---- what the others are told */

static gboolean
mark_stopped (StateContainer *row, void *data, GError **error)
{
  json_object_set_new (row->config, "stopped_by_user", json_true ());
  return TRUE;
}

/* wake: a monitor that somebody stopped (SIGSTOP) could not hear us, nor record the end. */
static void
wake (Storage *storage, const char *id)
{
  cleanup_fd int monitor = live_open_monitor (storage, id);
  if (monitor >= 0)
    (void) proc_pidfd_signal (monitor, SIGCONT);
}

/* The row first: a clean-up that the monitor has started already may read it, and one that has read it leaves the monitor in its
 * pause before the next start, which the message ends. */
gboolean
container_call_off (Storage *storage, const StateContainer *row, GError **error)
{
  if (!json_is_true (json_object_get (row->config, "stopped_by_user")) && !state_container_edit (storage->state, row->id, mark_stopped, NULL, error))
    return FALSE;
  /* without a listener there is no restart; a monitor that is about to leave need not hear it */
  cleanup_fd int run_dir = openat (storage->run_fd, row->id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (run_dir < 0)
    return TRUE;
  wake (storage, row->id);
  (void) monitor_client_control (run_dir, MONITOR_STOPPING, NULL, 0);
  return TRUE;
}

int
container_note_stopping (Storage *storage, const char *id)
{
  g_autofree char *path = g_build_filename (id, CONTAINER_STOPPING_FILE, NULL);
  int fd = openat (storage->run_fd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
  if (fd >= 0)
    (void) fcntl (fd, F_OFD_SETLK, &lock);
  return fd;
}

static int
stop_signal (const StateContainer *row)
{
  int number = (int) json_integer_value (json_object_get (row->config, "stop_signal"));
  return number > 0 ? number : SIGTERM;
}

static char *
signal_word (int number)
{
  const char *name = proc_signal_name (number);
  return name != NULL ? g_strdup (name) : g_strdup_printf ("%d", number);
}

static gint64
own_timeout (const StateContainer *row)
{
  json_t *seconds = json_object_get (json_object_get (row->config, "options"), "stop_timeout");
  return seconds != NULL ? json_integer_value (seconds) : 10;   /* what container_options_new has is left out of the row */
}

/* ---- one container, step by step */

static void
fail (Ending *ending, GError *problem)
{
  ending->stop->error = problem;
  ending->phase = DONE;
}

/* open_leaving: what ends when the monitor has done its work: a connection to its socket, which the kernel closes at once, and with it the lock. The process itself takes some 20 ms
 * more: taking a tap down waits for grace periods, which are nobody's business here. */
static int
open_leaving (Storage *storage, const char *id)
{
  cleanup_fd int run_dir = openat (storage->run_fd, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int socket = run_dir >= 0 ? monitor_client_connect (run_dir) : -1;
  return socket >= 0 ? socket : live_open_monitor (storage, id);
}

/* leave: init is dead: what is left is that its end be recorded. */
static void
leave (Storage *storage, Ending *ending)
{
  fd_close (fd_steal (&ending->pidfd));
  ending->pidfd = open_leaving (storage, ending->row->id);
  ending->phase = ending->pidfd >= 0 ? LEAVING : DONE;
  ending->deadline = g_get_monotonic_time () + LEAVING_TIME;
}

static void
kill_init (Ending *ending)
{
  (void) proc_pidfd_signal (ending->pidfd, SIGKILL);
  ending->phase = DYING;
  ending->deadline = g_get_monotonic_time () + DYING_TIME;
}

static gint64
deadline_after (gint64 seconds)
{
  gint64 now = g_get_monotonic_time ();
  return seconds < 0 || seconds > (NEVER - now) / G_USEC_PER_SEC ? NEVER : now + seconds * G_USEC_PER_SEC;
}

static void
signal_init (Storage *storage, Ending *ending)
{
  if (ending->timeout == 0)
    {
      kill_init (ending);
      return;
    }
  ending->noted = container_note_stopping (storage, ending->row->id);
  ending->phase = LISTENING;
  ending->deadline = deadline_after (ending->timeout);
  int r = proc_pidfd_signal (ending->pidfd, stop_signal (ending->row));
  container_thaw (storage, ending->row->id);
  GError *problem = NULL;
  if (r < 0 && r != -ESRCH)
    {
      coracle_throw_errno (&problem, -r, "sending signal to container %s", ending->row->id);
      fail (ending, problem);
    }
}

static gboolean
throw_lost (const char *id, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_SYSTEM, "container %s conmon exited prematurely, exit code could not be retrieved: conmon process killed", id);
}

static gboolean
forget_loss (StateContainer *row, void *data, GError **error)
{
  json_object_del (row->config, STORAGE_LOST);
  return TRUE;
}

/* note_lost: as the sweep would, unless somebody has meanwhile. *@data: it was lost. */
static gboolean
note_lost (StateContainer *row, void *data, GError **error)
{
  gboolean *lost = data;
  *lost = strcmp (row->status, "running") == 0 || json_is_true (json_object_get (row->config, STORAGE_LOST));
  json_object_del (row->config, STORAGE_LOST);
  if (strcmp (row->status, "running") != 0)
    return TRUE;
  row->status = (g_free (row->status), g_strdup ("exited"));
  row->exit_code = LOST_CODE;
  row->finished = g_get_real_time ();
  return TRUE;
}

/* is_unrecorded: nobody holds it, and its end is on record nowhere: its monitor was killed, and no sweep has come since. */
static gboolean
is_unrecorded (Storage *storage, const char *id)
{
  g_autofree char *path = g_build_filename (id, MONITOR_EXIT_FILE, NULL);
  return faccessat (storage->run_fd, id, F_OK, 0) == 0 && !storage_run_alive (storage, id) && faccessat (storage->run_fd, path, F_OK, 0) < 0;
}

/* check_lost: FALSE where its monitor was killed while it was being stopped, or since the sweep that this command began with. What is left of it the next sweep takes. */
static gboolean
check_lost (Storage *storage, StateContainer *row, GError **error)
{
  gboolean lost = FALSE;
  if (!is_unrecorded (storage, row->id) || !state_container_edit (storage->state, row->id, note_lost, &lost, NULL) || !lost)
    return TRUE;
  row->exit_code = LOST_CODE;
  event_container (storage, row, "died cleanup");
  return throw_lost (row->id, error);
}

/* check_end: of one that does not live. When its monitor was killed nobody knows how it ended: the first who would stop it is told. */
static gboolean
check_end (Storage *storage, StateContainer *row, GError **error)
{
  state_container_read_config (row);
  if (!json_is_true (json_object_get (row->config, STORAGE_LOST)))
    return check_lost (storage, row, error);
  return state_container_edit (storage->state, row->id, forget_loss, NULL, error) && throw_lost (row->id, error);
}

/* let_go: a process that was killed loses its descriptors one by one: when its socket is closed, it may for a moment have the lock. */
static void
let_go (Storage *storage, const Ending *ending)
{
  g_autofree char *path = g_build_filename (ending->row->id, MONITOR_EXIT_FILE, NULL);
  while (faccessat (storage->run_fd, path, F_OK, 0) < 0 && storage_run_alive (storage, ending->row->id) && g_get_monotonic_time () < ending->deadline)
    g_usleep (500);
}

static void
finish (Storage *storage, Ending *ending)
{
  fd_close (ending->pidfd);
  fd_close (ending->noted);
  if (ending->row != NULL && ending->stop->error == NULL)
    {
      let_go (storage, ending);
      (void) check_lost (storage, ending->row, &ending->stop->error);
    }
  if (ending->row != NULL && ending->stop->error == NULL)
    {
      network_tell_left (storage->paths, ending->row->id);
      event_container (storage, ending->row, "stop");
    }
  state_container_free (ending->row);
}

static void
begin (Storage *storage, Ending *ending, gint64 timeout)
{
  GError *problem = NULL;
  pid_t pid;
  g_autoptr (ContainerView) view = container_find (storage, ending->stop->id, &problem);
  /* also one that has ended, while its monitor waits to start it again */
  gboolean alive = view != NULL && (view->row->started > 0 || container_is_held (view)) && storage_run_alive (storage, view->row->id);
  if (view == NULL || (alive && !container_call_off (storage, view->row, &problem)))
    {
      fail (ending, problem);
      return;
    }
  ending->phase = DONE;
  if (view != NULL && !alive && !check_end (storage, view->row, &problem))
    fail (ending, problem);
  if (!alive)
    return;
  ending->row = g_steal_pointer (&view->row);
  ending->timeout = timeout == CONTAINER_OWN_TIMEOUT ? own_timeout (ending->row) : timeout;
  /* only now: until it was told, the monitor may have started it again */
  ending->pidfd = live_open_init (storage, ending->row->id, &pid);
  if (ending->pidfd >= 0)
    signal_init (storage, ending);
  else
    leave (storage, ending);
}

/* go_on: @ended: the process that is waited for has ended; else the time is over. */
static void
go_on (Storage *storage, Ending *ending, gboolean ended)
{
  const StateContainer *row = ending->row;
  GError *problem = NULL;
  switch (ending->phase)
    {
    case LISTENING:
      if (!ended)
        {
          g_autofree char *word = signal_word (stop_signal (row));
          ending->stop->warning = g_strdup_printf ("StopSignal %s failed to stop container %s in %" G_GINT64_FORMAT " seconds, resorting to SIGKILL", word, row->name,
                                                   ending->timeout);
          kill_init (ending);
        }
      else
        leave (storage, ending);
      break;
    case DYING:
      if (ended)
        leave (storage, ending);
      else
        {
          coracle_throw (&problem, CORACLE_ERROR_SYSTEM, "container %s: given PID did not die within timeout", row->id);
          fail (ending, problem);
        }
      break;
    default:
      ending->phase = DONE;
    }
}

/* ---- all of them */

/* allow_files: a descriptor for each. */
static void
allow_files (gsize n)
{
  struct rlimit limit;
  if (n < 512 || getrlimit (RLIMIT_NOFILE, &limit) < 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  (void) setrlimit (RLIMIT_NOFILE, &limit);
}

static int
time_left (const Ending *endings, gsize n)
{
  gint64 first = NEVER, now = g_get_monotonic_time ();
  for (gsize i = 0; i < n; i++)
    if (endings[i].phase != DONE)
      first = MIN (first, endings[i].deadline);
  if (first == NEVER)
    return -1;
  return first <= now ? 0 : (int) MIN ((first - now + 999) / 1000, G_MAXINT);
}

static gboolean
wait_for_some (Storage *storage, Ending *endings, struct pollfd *polls, gsize n)
{
  gboolean any = FALSE;
  for (gsize i = 0; i < n; i++)
    {
      polls[i] = (struct pollfd){ .fd = endings[i].phase == DONE ? -1 : endings[i].pidfd, .events = POLLIN };
      any = any || endings[i].phase != DONE;
    }
  if (!any)
    return FALSE;
  if (poll (polls, n, time_left (endings, n)) < 0)
    return TRUE;
  gint64 now = g_get_monotonic_time ();
  for (gsize i = 0; i < n; i++)
    if (endings[i].phase != DONE && (polls[i].revents != 0 || endings[i].deadline <= now))
      go_on (storage, &endings[i], polls[i].revents != 0);
  return TRUE;
}

void
container_stop (Storage *storage, ContainerStop *stops, gsize n, gint64 timeout)
{
  g_autofree Ending *endings = g_new0 (Ending, n);
  g_autofree struct pollfd *polls = g_new (struct pollfd, n);
  allow_files (n);
  for (gsize i = 0; i < n; i++)
    {
      endings[i] = (Ending){ .stop = &stops[i], .pidfd = -1, .noted = -1 };
      begin (storage, &endings[i], timeout);
    }
  while (wait_for_some (storage, endings, polls, n))
    continue;
  for (gsize i = 0; i < n; i++)
    finish (storage, &endings[i]);
}

gboolean
container_waits_for_restart (Storage *storage, const ContainerView *view)
{
  if (view->pid > 0 || view->row->started == 0)
    return FALSE;
  state_container_read_config (view->row);
  const char *policy = json_string_value (json_object_get (json_object_get (view->row->config, "options"), "restart"));
  return policy != NULL && strcmp (policy, "no") != 0 && storage_run_alive (storage, view->row->id);
}

/* ---- kill */

/* await_end: as stop does: whoever looks at it next, or removes it, finds it ended. */
static void
await_end (Storage *storage, const char *id, int init)
{
  if (!container_wait_pidfd (init, (int) (DYING_TIME / 1000)))
    return;
  cleanup_fd int leaving = open_leaving (storage, id);
  if (leaving >= 0)
    (void) container_wait_pidfd (leaving, (int) (LEAVING_TIME / 1000));
}

static gboolean
is_meant_to_end (const StateContainer *row, int number)
{
  static const int ending[] = { SIGKILL, SIGTERM, SIGINT, SIGQUIT, SIGABRT };
  for (gsize i = 0; i < G_N_ELEMENTS (ending); i++)
    if (ending[i] == number)
      return TRUE;
  return number == stop_signal (row);
}

gboolean
container_kill (Storage *storage, const char *id, int signal, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, id, error);
  if (view == NULL)
    return FALSE;
  StateContainer *row = view->row;
  if (view->pid == 0 || container_is_held (view))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "can only kill running containers. %s is in state %s: container state improper", row->id, view->status);
  if (is_meant_to_end (row, signal) && !container_call_off (storage, row, error))
    return FALSE;
  pid_t pid;
  cleanup_fd int init = live_open_init (storage, row->id, &pid);
  int r = init >= 0 ? proc_pidfd_signal (init, 0) : -ESRCH;
  /* before the signal: whoever records the end must not tell of it first */
  if (r == 0)
    {
      event_container (storage, row, "kill");
      r = proc_pidfd_signal (init, signal);
    }
  if (r == -ESRCH)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "can only kill running containers. %s is in state exited: container state improper", row->id);
  if (r < 0)
    return coracle_throw_errno (error, -r, "sending signal to container %s", row->id);
  if (signal == SIGKILL)
    await_end (storage, row->id, init);
  return TRUE;
}
