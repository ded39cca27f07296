#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"
#include "pkg/events/event.h"

#define LINE_LIMIT ((gsize) 1 << 20)
#define CHUNK 65536
#define NS 1000000000

/* One source of lines: a file that is appended to, or a pipe. */
typedef struct {
  int fd;
  GString *partial;     /* the beginning of a line whose end is not there yet */
  gboolean too_long;    /* the line is dropped to its end */
} Lines;

typedef struct {
  const EventsRequest *request;
  EventVisit visit;
  void *data;
  gboolean (*parse) (const char *line, size_t size, Event *ret_event);
  gboolean fresh;       /* the next line is the first of a file that took the place of one that was read */
  gboolean known;       /* what is read now has been read in that one */
  gboolean ended;       /* @visit has enough, or @until has passed */
} Reader;

static void
lines_clear (Lines *lines)
{
  fd_close (fd_steal (&lines->fd));
  if (lines->partial != NULL)
    g_string_free (lines->partial, TRUE);
  lines->partial = NULL;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Lines, lines_clear)

static gboolean
is_mark (const Event *event, const char *word)
{
  return g_strcmp0 (event->status, EVENTS_ROTATE_STATUS) == 0 && g_strcmp0 (json_string_value (json_object_get (event->attributes, EVENTS_ROTATE_KEY)), word) == 0;
}

/* is_known: a line that a shortened log took over from the one before it. */
static gboolean
is_known (Reader *reader, const Event *event)
{
  if (reader->fresh)
    reader->known = is_mark (event, "begin");
  reader->fresh = FALSE;
  if (reader->known && is_mark (event, "end"))
    reader->known = FALSE;
  return reader->known;
}

/* take_line: FALSE with @error from the visitor. */
static gboolean
take_line (Reader *reader, const char *line, size_t size, GError **error)
{
  const EventsRequest *request = reader->request;
  g_auto (Event) event = { 0 };
  if (!reader->parse (line, size, &event) || is_known (reader, &event) || (request->since != 0 && event.time < request->since))
    return TRUE;
  if (request->until != 0 && event.time > request->until)
    {
      /* writers do not wait for each other, so one from before may follow: only what streams ends here */
      reader->ended = request->stream;
      return TRUE;
    }
  GError *problem = NULL;
  if (reader->visit (&event, reader->data, &problem))
    return TRUE;
  reader->ended = TRUE;
  if (problem == NULL)
    return TRUE;
  g_propagate_error (error, problem);
  return FALSE;
}

static gboolean
take_bytes (Reader *reader, Lines *lines, const char *bytes, size_t size, GError **error)
{
  while (size > 0 && !reader->ended)
    {
      const char *end = memchr (bytes, '\n', size);
      size_t length = end != NULL ? (size_t) (end - bytes) : size;
      if (lines->partial->len + length > LINE_LIMIT)
        lines->too_long = TRUE;
      if (!lines->too_long)
        g_string_append_len (lines->partial, bytes, (gssize) length);
      if (end == NULL)
        return TRUE;
      gboolean ok = lines->too_long || take_line (reader, lines->partial->str, lines->partial->len, error);
      lines->too_long = FALSE;
      g_string_truncate (lines->partial, 0);
      if (!ok)
        return FALSE;
      bytes = end + 1;
      size -= length + 1;
    }
  return TRUE;
}

/* drain: all that is there now. @ret_end: end of file was met (a pipe's writer left). */
static gboolean
drain (Reader *reader, Lines *lines, gboolean *ret_end, GError **error)
{
  g_autofree char *chunk = g_malloc (CHUNK);
  *ret_end = FALSE;
  while (lines->fd >= 0 && !reader->ended)
    {
      ssize_t n = read (lines->fd, chunk, CHUNK);
      int errsv = errno;
      if (n < 0 && (errsv == EINTR))
        continue;
      if (n < 0 && errsv == EAGAIN)
        return TRUE;
      if (n < 0)
        return coracle_throw_errno (error, errsv, "reading events");
      *ret_end = n == 0;
      if (n == 0)
        return TRUE;
      if (!take_bytes (reader, lines, chunk, (size_t) n, error))
        return FALSE;
    }
  return TRUE;
}

/* time_left: milliseconds until @until; -1 = for ever. */
static int
time_left (const Reader *reader)
{
  struct timespec now;
  if (reader->request->until == 0)
    return -1;
  (void) clock_gettime (CLOCK_REALTIME, &now);
  gint64 left = (reader->request->until - ((gint64) now.tv_sec * NS + now.tv_nsec)) / 1000000 + 1;
  return (int) CLAMP (left, 0, G_MAXINT);
}

/* ---- the file */

typedef struct {
  Reader reader;
  char *path;
  Lines current, previous;   /* what was read when a new file took its place may have a last line yet */
  int inotify;
} Files;

static void
files_clear (Files *files)
{
  lines_clear (&files->current);
  lines_clear (&files->previous);
  fd_close (fd_steal (&files->inotify));
  g_free (files->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Files, files_clear)

static void
open_lines (Lines *lines, const char *path)
{
  lines_clear (lines);
  *lines = (Lines){ .fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), .partial = g_string_new (NULL) };
}

static gboolean
same_file (int fd, const char *path)
{
  struct stat mine, there;
  return fd >= 0 && fstat (fd, &mine) == 0 && stat (path, &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

static gboolean
drain_files (Files *files, GError **error)
{
  gboolean end;
  if (!drain (&files->reader, &files->previous, &end, error) || !drain (&files->reader, &files->current, &end, error))
    return FALSE;
  struct stat st;
  while (!files->reader.ended && stat (files->path, &st) == 0 && !same_file (files->current.fd, files->path))
    {
      lines_clear (&files->previous);
      files->previous = files->current;
      files->current = (Lines){ .fd = -1 };
      open_lines (&files->current, files->path);
      if (files->current.fd < 0)
        return TRUE;
      if (!drain (&files->reader, &files->previous, &end, error))
        return FALSE;
      files->reader.fresh = files->previous.fd >= 0;
      if (!drain (&files->reader, &files->current, &end, error))
        return FALSE;
    }
  return TRUE;
}

/* watch_folder: made if need be, so that there is something to watch before the first event. */
static gboolean
watch_folder (Files *files, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (files->path);
  (void) g_mkdir_with_parents (folder, 0700);
  files->inotify = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  if (files->inotify >= 0 && inotify_add_watch (files->inotify, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >= 0)
    return TRUE;
  int errsv = errno;
  return coracle_throw_errno (error, errsv, "watching %s", folder);
}

static gboolean
follow_files (Files *files, GError **error)
{
  char changes[4096];
  while (drain_files (files, error))
    {
      int left = time_left (&files->reader);
      struct pollfd waiting = { .fd = files->inotify, .events = POLLIN };
      if (files->reader.ended || left == 0)
        return TRUE;
      if (poll (&waiting, 1, left) < 0 && errno != EINTR)
        {
          int errsv = errno;
          return coracle_throw_errno (error, errsv, "waiting for events");
        }
      while (read (files->inotify, changes, sizeof changes) > 0)
        ;
    }
  return FALSE;
}

static gboolean
read_files (const Reader *reader, GError **error)
{
  const EventsRequest *request = reader->request;
  g_auto (Files) files = { .reader = *reader, .path = events_path (request->run_root), .current.fd = -1, .previous.fd = -1, .inotify = -1 };
  gboolean end, stream = request->stream && time_left (reader) != 0;
  files.reader.parse = event_parse;
  if (stream && !watch_folder (&files, error))
    return FALSE;
  open_lines (&files.current, files.path);
  if (!request->from_start && files.current.fd >= 0)
    (void) lseek (files.current.fd, 0, SEEK_END);
  if (stream)
    return follow_files (&files, error);
  return drain (&files.reader, &files.current, &end, error);
}

/* ---- the journal: journalctl reads it, as libsystemd is not ours to link */

static gboolean
start_journalctl (const EventsRequest *request, gboolean stream, pid_t *ret_pid, int *ret_fd, GError **error)
{
  g_autofree char *root = g_strconcat ("CORACLE_ROOT=", request->root, NULL), *since = request->since != 0 ? g_strdup_printf ("--since=@%lld", (long long) (request->since / NS)) : NULL;
  const char *argv[12];
  guint n = 0;
  const char *const words[] = { "journalctl", "--quiet", "--all", "--no-pager", "--output=json", root, "SYSLOG_IDENTIFIER=podman" };
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    argv[n++] = words[i];
  if (since != NULL)
    argv[n++] = since;
  if (stream)
    argv[n++] = "--follow";
  if (stream)
    argv[n++] = request->from_start ? "--no-tail" : "--lines=0";
  argv[n] = NULL;
  return proc_spawn_reader (argv, ret_pid, ret_fd, error);
}

static gboolean
read_journal (const Reader *reader, GError **error)
{
  gboolean end = FALSE, stream = reader->request->stream && time_left (reader) != 0;
  cleanup_pid pid_t pid = 0;
  g_auto (Lines) lines = { .fd = -1, .partial = g_string_new (NULL) };
  Reader here = *reader;
  here.parse = event_parse_journal;
  if (!start_journalctl (reader->request, stream, &pid, &lines.fd, error))
    return FALSE;
  (void) fcntl (lines.fd, F_SETFL, O_NONBLOCK);
  for (;;)
    {
      int left = stream ? time_left (&here) : -1;
      struct pollfd waiting = { .fd = lines.fd, .events = POLLIN };
      if (here.ended || end || left == 0)
        return TRUE;
      if (poll (&waiting, 1, left) > 0 && !drain (&here, &lines, &end, error))
        return FALSE;
    }
}

gboolean
events_read (const EventsRequest *request, EventVisit visit, void *data, GError **error)
{
  const Reader reader = { .request = request, .visit = visit, .data = data };
  switch (events_backend ())
    {
    case EVENTS_FILE:
      return read_files (&reader, error);
    case EVENTS_JOURNALD:
      return read_journal (&reader, error);
    case EVENTS_NONE:
      break;
    }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot read events with the \"none\" backend");
}
