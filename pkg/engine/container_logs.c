#include "pkg/engine/container_logs.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/container_live.h"
#include "pkg/log/reader.h"

#define LOG_FILE "ctr.log"

/* One container's log. */
typedef struct {
  StateContainer *row;
  LogReader *reader;
  int monitor;         /* pidfd of who writes it; -1 = nobody, or not followed */
  gboolean held;       /* @record is the next to be given out */
  gboolean ended;      /* there is nothing more, and will not be */
  gint64 time;         /* @record's; 0 where nobody asks for it */
  LogRecord record;
} Source;

typedef struct {
  const ContainerLogsRequest *request;
  Source *sources;
  guint count;
  gint64 middle;       /* the source that is in the middle of a line; -1 = none */
  gboolean timed;      /* the times of records matter */
} Logs;

static void
logs_clear (Logs *logs)
{
  for (guint i = 0; i < logs->count; i++)
    {
      state_container_free (logs->sources[i].row);
      log_reader_free (logs->sources[i].reader);
      fd_close (logs->sources[i].monitor);
    }
  g_free (logs->sources);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Logs, logs_clear)

/* ---- where it is */

static json_t *
option (StateContainer *row, const char *key)
{
  state_container_read_config (row);
  return json_object_get (json_object_get (row->config, "options"), key);
}

const char *
container_log_driver (StateContainer *row)
{
  const char *driver = json_string_value (option (row, "log_driver"));
  return driver != NULL && driver[0] != '\0' ? driver : "k8s-file";
}

char *
container_log_path (Storage *storage, StateContainer *row)
{
  const char *driver = container_log_driver (row), *path = NULL;
  const json_t *words = option (row, "log_opt");
  if (strcmp (driver, "k8s-file") != 0 && strcmp (driver, "json-file") != 0)
    return NULL;
  for (size_t i = 0; i < json_array_size (words); i++)
    {
      const char *word = json_string_value (json_array_get (words, i));
      path = word != NULL && g_str_has_prefix (word, "path=") ? word + strlen ("path=") : path;
    }
  return path != NULL && path[0] == '/' ? g_strdup (path) : g_build_filename (storage->paths->root, "containers", row->id, LOG_FILE, NULL);
}

static gboolean
open_source (Storage *storage, const ContainerLogsRequest *request, const char *id, Source *source, GError **error)
{
  source->row = state_container_find (storage->state, id, error);
  if (source->row == NULL)
    return FALSE;
  const char *driver = container_log_driver (source->row);
  g_autofree char *path = container_log_path (storage, source->row);
  gboolean journal = strcmp (driver, "journald") == 0;
  if (path == NULL && !journal)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "this container is using the '%s' log driver, cannot read logs: this container is not logging output", driver);
  /* before the log is opened: what a monitor that dies meanwhile has written is there then */
  source->monitor = request->follow ? live_open_monitor (storage, source->row->id) : -1;
  gboolean follow = source->monitor >= 0;
  source->reader = journal ? log_reader_journal (source->row->id, request->tail, request->since, follow, error) : log_reader_file (path, request->tail, request->since, follow, error);
  return source->reader != NULL;
}

/* ---- reading */

static gint64
now_ns (void)
{
  struct timespec now;
  (void) clock_gettime (CLOCK_REALTIME, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* is_wanted: by --since and --until. */
static gboolean
is_wanted (const Logs *logs, const Source *source)
{
  const ContainerLogsRequest *request = logs->request;
  return (request->since == 0 || source->time > request->since) && (request->until == 0 || source->time < request->until);
}

/* advance: hold the next record, if there is one now. */
static gboolean
advance (const Logs *logs, Source *source, GError **error)
{
  while (!source->held && !source->ended)
    switch (log_reader_next (source->reader, &source->record, error))
      {
      case LOG_FAILED:
        return FALSE;
      case LOG_WAIT:
        source->ended = source->monitor < 0;
        return TRUE;
      case LOG_RECORD:
        source->time = logs->timed ? log_record_time (&source->record) : 0;
        source->held = is_wanted (logs, source);
        break;
      }
  return TRUE;
}

/* choose: the source with the oldest record; -1 = none has one. A line that was begun is ended first, if its rest is there. */
static gint64
choose (const Logs *logs)
{
  gint64 best = -1;
  if (logs->middle >= 0 && logs->sources[logs->middle].held)
    return logs->middle;
  for (guint i = 0; i < logs->count; i++)
    if (logs->sources[i].held && (best < 0 || logs->sources[i].time < logs->sources[best].time))
      best = i;
  return best;
}

/* give_all: what is there now. *@ret_ended: the visitor has enough. */
static gboolean
give_all (Logs *logs, gboolean *ret_ended, GError **error)
{
  const ContainerLogsRequest *request = logs->request;
  for (;;)
    {
      for (guint i = 0; i < logs->count; i++)
        if (!logs->sources[i].held && !advance (logs, &logs->sources[i], error))
          return FALSE;
      gint64 next = choose (logs);
      if (next < 0)
        return TRUE;
      Source *source = &logs->sources[next];
      GError *problem = NULL;
      *ret_ended = !request->visit ((guint) next, source->row, &source->record, request->data, &problem);
      if (problem != NULL)
        g_propagate_error (error, problem);
      if (*ret_ended)
        return problem == NULL;
      source->held = FALSE;
      logs->middle = source->record.partial ? next : -1;
    }
}

/* ---- following */

static int
time_left (const ContainerLogsRequest *request)
{
  if (request->until == 0)
    return -1;
  return (int) CLAMP ((request->until - now_ns ()) / 1000000 + 1, 0, G_MAXINT);
}

/* wait_more: until there may be more, a container has ended, or the time is up. */
static gboolean
wait_more (Logs *logs, GError **error)
{
  g_autofree struct pollfd *fds = g_new0 (struct pollfd, 2 * logs->count);
  for (guint i = 0; i < logs->count; i++)
    {
      const Source *source = &logs->sources[i];
      fds[2 * i] = (struct pollfd){ .fd = source->ended ? -1 : log_reader_fd (source->reader), .events = POLLIN };
      fds[2 * i + 1] = (struct pollfd){ .fd = source->monitor, .events = POLLIN };
    }
  if (poll (fds, 2 * logs->count, time_left (logs->request)) < 0 && errno != EINTR)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "waiting for output");
    }
  for (guint i = 0; i < logs->count; i++)
    {
      Source *source = &logs->sources[i];
      /* who wrote it is dead: what is there now, read once more, is all */
      if (fds[2 * i + 1].revents == 0)
        continue;
      fd_close (fd_steal (&source->monitor));
      if (!log_reader_finish (source->reader, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
all_ended (const Logs *logs)
{
  for (guint i = 0; i < logs->count; i++)
    if (!logs->sources[i].ended)
      return FALSE;
  return TRUE;
}

gboolean
container_logs (Storage *storage, const ContainerLogsRequest *request, GError **error)
{
  guint count = g_strv_length ((char **) (guintptr) request->ids);
  g_auto (Logs) logs = { .request = request, .sources = g_new0 (Source, count), .count = count, .middle = -1, .timed = count > 1 || request->since != 0 || request->until != 0 };
  for (guint i = 0; i < count; i++)
    logs.sources[i].monitor = -1;
  for (guint i = 0; i < count; i++)
    if (!open_source (storage, request, request->ids[i], &logs.sources[i], error))
      return FALSE;
  gboolean ended = FALSE;
  while (give_all (&logs, &ended, error))
    {
      request->idle (request->data);
      if (ended || all_ended (&logs) || time_left (request) == 0)
        return TRUE;
      if (!wait_more (&logs, error))
        return FALSE;
    }
  return FALSE;
}
