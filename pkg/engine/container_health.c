#include "pkg/engine/container_health.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_exec.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/container_notify.h"
#include "pkg/engine/container_stop.h"
#include "pkg/engine/container_update.h"
#include "pkg/engine/container_words.h"
#include "pkg/engine/event.h"
#include "pkg/monitor/client.h"

enum { FILE_MAX = 64 << 20, INIT_MAX = 256 };
/* What is kept of a check's output where nothing limits it */
#define OUTPUT_MAX (1u << 20)
/* How long, in milliseconds, the init of a container that was killed with all its processes may outlive them */
#define DYING_MS 2000
/* How long, in milliseconds, the monitor of a container that we ended may take to record it */
#define LEAVING_MS 2000

/* ---- what is known */

/* current_run: what RUN_ROOT/ID/init.pid says. */
static char *
current_run (Storage *storage, const char *id)
{
  g_autofree char *path = g_build_filename (id, "init.pid", NULL), *text = NULL;
  return path_read_file (storage->run_fd, path, INIT_MAX, &text, NULL, NULL) ? g_strdup (g_strstrip (text)) : NULL;
}

static json_t *
begin_state (const char *run)
{
  return json_pack ("{s:s, s:s, s:i, s:[]}", "Run", run != NULL ? run : "", "Status", "starting", "FailingStreak", 0, "Log");
}

/* read_state: NULL: nothing was written yet. @run: of another run it is begun anew; NULL: take it as it is. */
static json_t *
read_state (Storage *storage, const char *id, const char *run)
{
  g_autofree char *path = g_build_filename ("containers", id, "healthcheck.json", NULL), *text = NULL;
  json_t *state = path_read_file (storage->root_fd, path, FILE_MAX, &text, NULL, NULL) ? json_loads (text, 0, NULL) : NULL;
  if (state == NULL || run == NULL || g_strcmp0 (json_string_value (json_object_get (state, "Run")), run) == 0)
    return state;
  json_decref (state);
  return begin_state (run);
}

static gboolean
is_alive (const ContainerView *view)
{
  return view->pid > 0 && !container_is_held (view);
}

json_t *
container_health_show (Storage *storage, const ContainerView *view)
{
  state_container_read_config (view->row);
  if (health_check_of (json_object_get (view->row->config, "health"), FALSE) == NULL)
    return NULL;
  g_autofree char *run = is_alive (view) ? current_run (storage, view->row->id) : NULL;
  json_auto_t *state = read_state (storage, view->row->id, run);
  const char *status = state != NULL ? json_string_value (json_object_get (state, "Status")) : view->row->started == 0 ? "" : "starting";
  json_t *log = json_object_get (state, "Log");
  json_t *shown = json_pack ("{s:s, s:I}", "Status", status != NULL ? status : "", "FailingStreak", health_number (state, "FailingStreak"));
  json_object_set_new (shown, "Log", json_array_size (log) > 0 ? json_incref (log) : json_null ());
  return shown;
}

char *
container_health_word (Storage *storage, const ContainerView *view)
{
  /* in a text of JSON the quotes would be escaped: what is found is a key */
  if (view->row->config == NULL && (view->row->config_text == NULL || strstr (view->row->config_text, "\"Healthcheck\":") == NULL))
    return NULL;
  json_auto_t *shown = container_health_show (storage, view);
  return shown != NULL ? g_strdup (json_string_value (json_object_get (shown, "Status"))) : NULL;
}

static gint64
interval_of (json_t *check)
{
  return health_number (check, "Interval") / 1000;
}

static gboolean
edit_health (StateContainer *row, void *data, GError **error)
{
  json_t *health = health_update (data, json_object_get (row->config, "health"), error);
  return health != NULL && json_object_set_new (row->config, "health", health) == 0;
}

gboolean
container_health_update (Storage *storage, const char *id, const ContainerOptions *options, GError **error)
{
  g_autoptr (ContainerView) before = g_strcmp0 (options->health_on_failure, "restart") == 0 ? container_find (storage, id, NULL) : NULL;
  if (before != NULL && !container_update_restarts (storage, before, error))
    return FALSE;
  if (!state_container_edit (storage->state, id, edit_health, (void *) (uintptr_t) options, error))
    return FALSE;
  g_autoptr (ContainerView) view = container_find (storage, id, error);
  if (view == NULL)
    return FALSE;
  json_t *health = json_object_get (view->row->config, "health");
  cleanup_fd int run_dir = view->pid > 0 ? openat (storage->run_fd, view->row->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (run_dir < 0)
    return TRUE;
  g_autofree char *run = current_run (storage, view->row->id);
  json_auto_t *state = read_state (storage, view->row->id, run);
  gboolean startup = health_check_of (health, TRUE) != NULL && !json_is_true (json_object_get (state, "StartupDone"));
  MonitorHealth clock = { .interval_us = (uint64_t) interval_of (health_check_of (health, startup)) };
  (void) monitor_client_control (run_dir, MONITOR_HEALTH, &clock, sizeof clock);
  return TRUE;
}

MonitorHealth
container_health_clock (json_t *health)
{
  json_t *startup = health_check_of (health, TRUE);
  return (MonitorHealth) { .interval_us = (uint64_t) interval_of (startup != NULL ? startup : health_check_of (health, FALSE)) };
}

/* ---- one check */

typedef struct {
  Storage *storage;
  StateContainer *row;
  json_t *health, *check;      /* borrowed from the row */
  gboolean startup;            /* @check is the start-up check */
  int run_dir, init_pidfd;
  pid_t pid;
  char *run;
  struct timespec begun, ended;
  gboolean ok, timed_out;
  gboolean killed;             /* perhaps with the whole container */
  char *output;
  json_t *state;
} Check;

static void
check_clear (Check *check)
{
  state_container_free (check->row);
  fd_close (check->run_dir);
  fd_close (check->init_pidfd);
  g_free (check->run);
  g_free (check->output);
  json_decref (check->state);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Check, check_clear)

/* find_row: whoever brings its init knows that it lives; a view would look for it by a number that means nothing there, and wait for the end of what it does not find. */
static StateContainer *
find_row (Storage *storage, const char *name_or_id, const ContainerHealthRun *how, GError **error)
{
  if (how->init_pidfd >= 0)
    return state_container_find (storage->state, name_or_id, error);
  g_autoptr (ContainerView) view = container_find (storage, name_or_id, error);
  return view != NULL ? g_steal_pointer (&view->row) : NULL;
}

static gboolean
find (Check *check, const char *name_or_id, const ContainerHealthRun *how, GError **error)
{
  check->row = find_row (check->storage, name_or_id, how, error);
  if (check->row == NULL)
    return FALSE;
  const char *id = check->row->id;
  check->run_dir = how->run_dir >= 0 ? fcntl (how->run_dir, F_DUPFD_CLOEXEC, 3) : openat (check->storage->run_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check->init_pidfd = how->init_pidfd >= 0 ? fcntl (how->init_pidfd, F_DUPFD_CLOEXEC, 3) : live_open_init (check->storage, id, &check->pid);
  check->run = current_run (check->storage, id);
  if (check->run_dir < 0 || check->init_pidfd < 0 || check->run == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "container %s is not running", id);
  state_container_read_config (check->row);
  check->health = json_object_get (check->row->config, "health");
  check->check = health_check_of (check->health, FALSE);
  return check->check != NULL || coracle_throw (error, CORACLE_ERROR_INVALID, "container %s has no defined healthcheck", id);
}

/* words: what is run for a Test. */
static char **
words (json_t *test)
{
  g_auto (GStrv) all = words_from_json (test);
  if (g_ascii_strcasecmp (all[0], "CMD-SHELL") == 0)
    {
      g_autofree char *line = g_strjoinv (" ", all + 1);
      return g_strdupv ((char *[]){ (char *) "/bin/sh", (char *) "-c", line, NULL });
    }
  return g_strdupv (all + (g_ascii_strcasecmp (all[0], "CMD") == 0));
}

/* keep_output: in a child: the beginning of what comes from @from, into @to; the rest is read and forgotten, so that nobody waits for us. */
static void G_GNUC_NORETURN
keep_output (int from, int to, gsize limit)
{
  char buffer[16384];
  for (ssize_t n; (n = read (from, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR);)
    if (n > 0 && limit > 0)
      {
        gsize wanted = MIN (limit, (gsize) n);
        limit -= wanted;
        (void) fd_write_all (to, buffer, wanted);
      }
  _exit (0);
}

/* collect: what was kept, in at most @limit characters; what is no text is shown as such. */
static char *
collect (int fd, gsize limit)
{
  g_autofree char *text = NULL;
  size_t size = 0;
  if (lseek (fd, 0, SEEK_SET) < 0 || !fd_read_file (fd, 8 * (size_t) OUTPUT_MAX, &text, &size, NULL))
    return g_strdup ("");
  char *valid = g_utf8_make_valid (text, (gssize) size);
  if ((gsize) g_utf8_strlen (valid, -1) > limit)
    *g_utf8_offset_to_pointer (valid, (glong) limit) = '\0';
  return valid;
}

static gboolean
perform (Check *check, int out, GError **error)
{
  g_auto (GStrv) argv = words (json_object_get (check->check, "Test"));
  g_auto (ContainerExecResult) result = { 0 };
  ContainerView view = { .row = check->row, .alive = TRUE, .pid = check->pid, .status = "running" };
  ContainerExec request = { .argv = (const char *const *) argv, .hidden = TRUE, .out_fd = out, .err_fd = out, .init_pidfd = &check->init_pidfd,
                            .timeout_us = (guint64) health_number (check->check, "Timeout") / 1000, .detach_keys = "" };
  GError *problem = NULL;
  if (argv[0] == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "container %s has no defined healthcheck", check->row->id);
  check->begun = text_time_from_usec (g_get_real_time ());
  gboolean done = container_exec (check->storage, &view, &request, &result, &problem);
  check->ended = text_time_from_usec (g_get_real_time ());
  check->ok = done && result.status == 0 && !result.timed_out;
  check->timed_out = result.timed_out;
  check->killed = !result.timed_out && (!done || result.status == 128 + SIGKILL);
  /* a command that is not there has failed; what keeps us from trying is another matter */
  if (!done && !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NO_COMMAND) && !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_CANNOT_INVOKE)
      && proc_pidfd_signal (check->init_pidfd, 0) == 0)
    {
      g_propagate_error (error, problem);
      return FALSE;
    }
  g_clear_error (&problem);
  return TRUE;
}

static gboolean
run_command (Check *check, GError **error)
{
  int ends[2];
  gint64 size = health_number (check->health, "MaxLogSize");
  gsize limit = size > 0 && size < OUTPUT_MAX ? (gsize) size : OUTPUT_MAX;
  cleanup_fd int kept = memfd_create ("coracle-health", MFD_CLOEXEC);
  if (kept < 0 || pipe2 (ends, O_CLOEXEC) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making a pipe for the health check");
    }
  cleanup_fd int from = ends[0], to = ends[1];
  cleanup_pid pid_t reader = fork ();
  if (reader == 0)
    {
      fd_close (to);
      keep_output (from, kept, limit * 4);   /* a character of UTF-8 has at most so many bytes */
    }
  gboolean done = perform (check, to, error);
  fd_close (fd_steal (&to));
  /* what is left running in the container may hold the pipe open: it was heard long enough */
  for (int tries = 0; reader > 0 && tries < 100; tries++)
    if (waitpid (reader, NULL, WNOHANG) == 0)
      g_usleep (tries < 20 ? 200 : 5000);
    else
      reader = 0;
  check->output = collect (kept, limit);
  return done;
}

/* ---- what follows from it */

static gboolean
wait_end (int pidfd, int timeout_ms)
{
  struct pollfd end = { .fd = pidfd, .events = POLLIN };
  int n;
  do
    n = poll (&end, 1, timeout_ms);
  while (n < 0 && errno == EINTR);
  return n > 0;
}

static gboolean
has_ended (const Check *check)
{
  /* a pid namespace's init is the last of its processes to go */
  return wait_end (check->init_pidfd, check->killed ? DYING_MS : 0);
}

static void
set_number (json_t *object, const char *key, gint64 number)
{
  json_object_set_new (object, key, json_integer (number));
}

static void
add_log (Check *check)
{
  json_t *log = json_object_get (check->state, "Log");
  g_autofree char *begun = text_time_rfc3339 (check->begun, FALSE), *ended = text_time_rfc3339 (check->ended, FALSE);
  gint64 count = health_number (check->health, "MaxLogCount");
  json_array_append_new (log, json_pack ("{s:s, s:s, s:i, s:s}", "Start", begun, "End", ended, "ExitCode", check->timed_out ? 125 : check->ok ? 0 : 1, "Output", check->output));
  while (count > 0 && (gint64) json_array_size (log) > count)
    json_array_remove (log, 0);
}

/* is_forgiven: failures in the start period do not count. */
static gboolean
is_forgiven (const Check *check)
{
  gint64 period = health_number (check->check, "StartPeriod") / 1000;
  struct stat st;
  /* init.pid is as old as this run */
  return period > 0 && fstatat (check->run_dir, "init.pid", &st, AT_SYMLINK_NOFOLLOW) == 0
         && g_get_real_time () < (gint64) st.st_mtim.tv_sec * G_USEC_PER_SEC + st.st_mtim.tv_nsec / 1000 + period;
}

typedef enum { FOLLOW_NOTHING, FOLLOW_ACTION, FOLLOW_RESTART } Follow;

static Follow
judge_startup (Check *check)
{
  json_t *state = check->state;
  const char *key = check->ok ? "StartupSuccesses" : "StartupFailures";
  gint64 n = health_number (state, key) + 1, wanted = health_number (check->check, "Successes"), retries = health_number (check->check, "Retries");
  set_number (state, key, n);
  set_number (state, check->ok ? "StartupFailures" : "StartupSuccesses", 0);
  if (check->ok && n >= wanted)
    {
      json_object_set_new (state, "StartupDone", json_true ());
      json_object_set_new (state, "Status", json_string ("healthy"));
    }
  return !check->ok && retries > 0 && n >= retries ? FOLLOW_RESTART : FOLLOW_NOTHING;
}

static Follow
judge (Check *check)
{
  json_t *state = check->state;
  if (check->startup)
    return judge_startup (check);
  if (check->ok)
    {
      set_number (state, "FailingStreak", 0);
      json_object_set_new (state, "Status", json_string ("healthy"));
      return FOLLOW_NOTHING;
    }
  if (is_forgiven (check))
    return FOLLOW_NOTHING;
  gint64 streak = health_number (state, "FailingStreak") + 1;
  set_number (state, "FailingStreak", streak);
  if (streak < health_number (check->check, "Retries"))
    return FOLLOW_NOTHING;
  json_object_set_new (state, "Status", json_string ("unhealthy"));
  return FOLLOW_ACTION;
}

static int
lock_state (const Check *check)
{
  g_autofree char *path = g_build_filename ("containers", check->row->id, "healthcheck.lock", NULL);
  int fd = openat (check->storage->root_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  while (fd >= 0 && flock (fd, LOCK_EX) < 0 && errno == EINTR)
    continue;
  return fd;
}

static void
write_folder_log (const Check *check)
{
  const char *destination = json_string_value (json_object_get (check->health, "Destination"));
  if (destination == NULL || destination[0] != '/')
    return;
  json_auto_t *shown = json_pack ("{s:O, s:O, s:O}", "Status", json_object_get (check->state, "Status"), "FailingStreak", json_object_get (check->state, "FailingStreak"), "Log",
                                  json_object_get (check->state, "Log"));
  g_autofree char *path = g_strdup_printf ("%s/%s-healthcheck.log", destination, check->row->id);
  char *text = json_dumps (shown, JSON_COMPACT);
  /* the folder is the user's own affair: a check is no less a check when it is gone */
  (void) path_write_file (AT_FDCWD, path, text, strlen (text), 0600, FALSE);
  free (text);
}

static gboolean
write_state (const Check *check, GError **error)
{
  g_autofree char *path = g_build_filename ("containers", check->row->id, "healthcheck.json", NULL);
  char *text = json_dumps (check->state, JSON_COMPACT);
  int r = path_write_file (check->storage->root_fd, path, text, strlen (text), 0600, FALSE);
  free (text);
  if (r < 0 && r != -ENOENT)   /* the container is being removed */
    return coracle_throw_errno (error, -r, "writing %s", path);
  write_folder_log (check);
  /* who waits for a state looks at this folder */
  const char *status = json_string_value (json_object_get (check->state, "Status"));
  (void) path_write_file (check->run_dir, "health", status, strlen (status), 0600, FALSE);
  return TRUE;
}

static void
tell_event (const Check *check)
{
  gboolean logged = g_strcmp0 (json_string_value (json_object_get (check->health, "Destination")), "events_logger") == 0;
  event_container_health (check->storage, check->row, json_string_value (json_object_get (check->state, "Status")), health_number (check->state, "FailingStreak"),
                          logged ? check->output : NULL);
}

/* record: also when the container ended meanwhile, which says nothing of its health. */
static gboolean
record (Check *check, Follow *ret_follow, GError **error)
{
  cleanup_fd int lock = lock_state (check);
  if (lock < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "locking the health of container %s", check->row->id);
    }
  json_decref (check->state);
  check->state = read_state (check->storage, check->row->id, check->run);
  if (check->state == NULL)
    check->state = begin_state (check->run);
  if (has_ended (check))
    json_object_set_new (check->state, "Status", json_string ("stopped"));
  else
    {
      add_log (check);
      *ret_follow = judge (check);
      tell_event (check);
    }
  return write_state (check, error);
}

static gboolean
mark_stopped (StateContainer *row, void *data, GError **error)
{
  json_object_set_new (row->config, "stopped_by_user", json_true ());
  return TRUE;
}

/* end: let the container end, with its stop signal if @politely; its monitor records it. */
static void
end (const Check *check, gboolean politely)
{
  json_t *seconds = json_object_get (json_object_get (check->row->config, "options"), "stop_timeout");
  gint64 timeout = seconds != NULL ? json_integer_value (seconds) : 10;   /* what container_options_new has is left out of the row */
  int signal = (int) json_integer_value (json_object_get (check->row->config, "stop_signal"));
  cleanup_fd int noted = politely && timeout != 0 ? container_note_stopping (check->storage, check->row->id) : -1;
  if (!politely || timeout == 0 || proc_pidfd_signal (check->init_pidfd, signal > 0 ? signal : SIGTERM) < 0
      || !wait_end (check->init_pidfd, timeout < 0 || timeout > G_MAXINT / 1000 ? -1 : (int) timeout * 1000))
    (void) proc_pidfd_signal (check->init_pidfd, SIGKILL);
  (void) wait_end (check->init_pidfd, LEAVING_MS);
}

static void
restart (const Check *check)
{
  /* a monitor that cannot start it again (ENOTSUP) leaves it ended */
  (void) monitor_client_control (check->run_dir, MONITOR_RESTART, NULL, 0);
  end (check, TRUE);
}

static gboolean
act (const Check *check, GError **error)
{
  const char *action = json_string_value (json_object_get (check->health, "OnFailure"));
  if (g_strcmp0 (action, "restart") == 0)
    restart (check);
  else if (g_strcmp0 (action, "kill") == 0 || g_strcmp0 (action, "stop") == 0)
    {
      if (!state_container_edit (check->storage->state, check->row->id, mark_stopped, NULL, error))
        return FALSE;
      (void) monitor_client_control (check->run_dir, MONITOR_STOPPING, NULL, 0);
      end (check, strcmp (action, "stop") == 0);
      for (int tries = 0; tries < LEAVING_MS / 5 && storage_run_alive (check->storage, check->row->id); tries++)
        g_usleep (5000);
    }
  return TRUE;
}

/* set_clock: the start-up check has a clock of its own; so has every new run, whatever the last one came to. */
static void
set_clock (const Check *check)
{
  json_t *startup = health_check_of (check->health, TRUE);
  if (startup == NULL)
    return;
  gboolean done = json_is_true (json_object_get (check->state, "StartupDone"));
  MonitorHealth clock = { .interval_us = (uint64_t) interval_of (done ? health_check_of (check->health, FALSE) : startup) };
  (void) monitor_client_control (check->run_dir, MONITOR_HEALTH, &clock, sizeof clock);
}

gboolean
container_health_run (Storage *storage, const char *name_or_id, const ContainerHealthRun *how, ContainerHealthResult *ret_result, GError **error)
{
  g_auto (Check) check = { .storage = storage, .run_dir = -1, .init_pidfd = -1 };
  Follow follow = FOLLOW_NOTHING;
  *ret_result = (ContainerHealthResult) { 0 };
  if (!find (&check, name_or_id, how, error))
    return FALSE;
  check.state = read_state (storage, check.row->id, check.run);
  json_t *startup = health_check_of (check.health, TRUE);
  check.startup = startup != NULL && !json_is_true (json_object_get (check.state, "StartupDone"));
  if (check.startup)
    check.check = startup;
  gboolean fresh = check.state == NULL || json_array_size (json_object_get (check.state, "Log")) == 0;
  if (!run_command (&check, error) || !record (&check, &follow, error))
    return FALSE;
  if (g_strcmp0 (json_string_value (json_object_get (check.state, "Status")), "healthy") == 0)
    notify_healthy (check.run_dir);
  if (follow == FOLLOW_RESTART)
    restart (&check);
  else if (follow == FOLLOW_ACTION && !act (&check, error))
    return FALSE;
  else if (check.startup && (fresh || check.ok))
    set_clock (&check);
  const char *status = json_string_value (json_object_get (check.state, "Status"));
  ret_result->ok = check.ok;
  if (check.timed_out)
    {
      g_autofree char *limit = text_duration_go (health_number (check.check, "Timeout"));
      return coracle_throw (error, CORACLE_ERROR_SYSTEM, "healthcheck command exceeded timeout of %s", limit);
    }
  if (!check.ok)
    ret_result->word = g_strcmp0 (status, "stopped") == 0 ? "stopped" : "unhealthy";
  return TRUE;
}
