#include "pkg/log/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"
#include "pkg/log/private.h"

#define FILES_MAX 10000
#define TRIES 100

/* ---- the chain of files */

static int
open_number (const LogReader *reader, guint number)
{
  g_autofree char *name = number > 0 ? g_strdup_printf ("%s.%u", reader->path, number) : g_strdup (reader->path);
  int fd = open (name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  return fd >= 0 ? fd : -errno;
}

static gboolean
same_file (int a, int b)
{
  struct stat one, two;
  return fstat (a, &one) == 0 && fstat (b, &two) == 0 && one.st_ino == two.st_ino && one.st_dev == two.st_dev;
}

static gboolean
is_newest (const LogReader *reader, int fd)
{
  struct stat mine, there;
  return fstat (fd, &mine) == 0 && stat (reader->path, &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

static int
last_fd (const LogReader *reader)
{
  return reader->files->len > 0 ? g_array_index (reader->files, int, reader->files->len - 1) : -1;
}

static void
close_all (GArray *files)
{
  for (guint i = 0; i < files->len; i++)
    fd_close (g_array_index (files, int, i));
  g_array_set_size (files, 0);
}

/* collect: open what is newer than @last (-1: all), newest first. FALSE: the newest was rotated away meanwhile, so that the numbers do not fit together. */
static gboolean
collect (const LogReader *reader, int last, GArray *found, int *ret_error)
{
  *ret_error = 0;
  for (guint number = 0; number < FILES_MAX; number++)
    {
      int fd = open_number (reader, number);
      if (fd < 0)
        {
          *ret_error = number == 0 && fd != -ENOENT ? -fd : 0;
          break;
        }
      if (last >= 0 && same_file (fd, last))
        {
          fd_close (fd);
          break;
        }
      g_array_append_val (found, fd);
    }
  return found->len == 0 || is_newest (reader, g_array_index (found, int, 0));
}

/* extend: put what is newer behind the last file that we have. */
static gboolean
extend (LogReader *reader, GError **error)
{
  int last = last_fd (reader), errsv = 0;
  if (last >= 0 && is_newest (reader, last))
    return TRUE;
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (int));
  for (int tries = 0; tries < TRIES && !collect (reader, last, found, &errsv); tries++)
    close_all (found);
  if (errsv != 0)
    return coracle_throw_errno (error, errsv, "opening %s", reader->path);
  for (guint i = found->len; i > 0; i--)
    g_array_append_val (reader->files, g_array_index (found, int, i - 1));
  return TRUE;
}

/* ---- opening */

static LogReader *
reader_new (const char *path, gboolean follow)
{
  LogReader *reader = g_new0 (LogReader, 1);
  reader->path = g_strdup (path);
  reader->follow = follow;
  reader->files = g_array_new (FALSE, FALSE, sizeof (int));
  reader->limit = -1;
  reader->size = LOG_CHUNK;
  reader->buffer = g_malloc (reader->size);
  reader->inotify = -1;
  reader->scratch = g_string_new (NULL);
  return reader;
}

void
log_reader_free (LogReader *reader)
{
  if (reader == NULL)
    return;
  close_all (reader->files);
  g_array_unref (reader->files);
  fd_close (reader->inotify);
  proc_cleanup_pid (&reader->pid);
  g_string_free (reader->scratch, TRUE);
  log_export_free (reader->export);
  g_free (reader->path);
  g_free (reader->id);
  g_free (reader->buffer);
  g_free (reader);
}

/* watch: the folder, since the file is replaced. Before the files are opened, so that nothing happens unseen. */
static gboolean
watch (LogReader *reader, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (reader->path);
  reader->inotify = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  if (reader->inotify >= 0 && inotify_add_watch (reader->inotify, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >= 0)
    return TRUE;
  int errsv = errno;
  return coracle_throw_errno (error, errsv, "watching %s", folder);
}

static void
drop_first (LogReader *reader)
{
  fd_close (g_array_index (reader->files, int, 0));
  g_array_remove_index (reader->files, 0);
  reader->at = 0;
  reader->last_look = FALSE;
}

/* drop_old: whole files that were written to last before @since. */
static void
drop_old (LogReader *reader, gint64 since)
{
  struct stat st;
  while (reader->files->len > 1 && fstat (g_array_index (reader->files, int, 0), &st) == 0 && (gint64) st.st_mtime + 1 < since / 1000000000)
    drop_first (reader);
}

LogReader *
log_reader_file (const char *path, gint64 tail, gint64 since, gboolean follow, GError **error)
{
  g_autoptr (LogReader) reader = reader_new (path, follow);
  struct stat st;
  if ((follow && !watch (reader, error)) || !extend (reader, error))
    return NULL;
  if (!follow && reader->files->len > 0 && fstat (last_fd (reader), &st) == 0)
    reader->limit = st.st_size;
  if (tail >= 0 && !log_tail (reader, tail, error))
    return NULL;
  drop_old (reader, since);
  return g_steal_pointer (&reader);
}

/* ---- reading */

/* make_room: for more bytes behind those that are not given out yet. FALSE: the line is too long. */
static gboolean
make_room (LogReader *reader)
{
  if (reader->begin > 0)
    {
      memmove (reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
      reader->end -= reader->begin;
      reader->begin = 0;
    }
  if (reader->end < reader->size)
    return TRUE;
  if (reader->size >= LOG_LINE_MAX)
    return FALSE;
  reader->size *= 2;
  reader->buffer = g_realloc (reader->buffer, reader->size);
  return TRUE;
}

/* next_file: the first is read to its end. FALSE: there is no other yet. */
static gboolean
next_file (LogReader *reader)
{
  if (reader->files->len < 2)
    return FALSE;
  /* found after its end was met: what was written between the two is still to be read */
  if (!reader->last_look)
    {
      reader->last_look = TRUE;
      return TRUE;
    }
  drop_first (reader);
  /* half a record at the end of an old file has no other half */
  reader->begin = reader->end = reader->scanned = 0;
  reader->skipping = FALSE;
  return TRUE;
}

/* forget_changes: those told until now are seen by the next read; those after it wake up who waits. */
static void
forget_changes (LogReader *reader)
{
  char changes[4096];
  while (read (reader->inotify, changes, sizeof changes) == sizeof changes)
    ;
}

/* fill: read more. @ret_more: FALSE: there is nothing now. */
static gboolean
fill (LogReader *reader, gboolean *ret_more, GError **error)
{
  *ret_more = FALSE;
  if (reader->inotify >= 0)
    {
      forget_changes (reader);
      if (!extend (reader, error))
        return FALSE;
    }
  if (!make_room (reader))
    {
      reader->skipping = TRUE;
      reader->end = reader->scanned = 0;
    }
  while (reader->files->len > 0)
    {
      gsize want = reader->size - reader->end;
      if (reader->limit >= 0 && reader->files->len == 1)
        want = (gsize) MIN ((goffset) want, MAX (reader->limit - reader->at, 0));
      int fd = g_array_index (reader->files, int, 0);
      ssize_t n = want == 0 ? 0 : reader->journal ? read (fd, reader->buffer + reader->end, want) : pread (fd, reader->buffer + reader->end, want, reader->at);
      int errsv = errno;
      if (n < 0 && errsv == EINTR)
        continue;
      if (n < 0 && errsv == EAGAIN)
        return TRUE;
      if (n < 0)
        return coracle_throw_errno (error, errsv, "reading %s", reader->path);
      reader->at += n;
      reader->end += (gsize) n;
      *ret_more = n > 0;
      if (n > 0 || !next_file (reader))
        return TRUE;
    }
  return TRUE;
}

/* take_line: the next whole line of the buffer. */
static gboolean
take_line (LogReader *reader, const char **ret_line, gsize *ret_size)
{
  const char *begin = reader->buffer + reader->begin, *end = memchr (begin + reader->scanned, '\n', reader->end - reader->begin - reader->scanned);
  reader->scanned = end != NULL ? 0 : reader->end - reader->begin;
  if (end == NULL)
    return FALSE;
  *ret_line = begin;
  *ret_size = (gsize) (end - begin);
  reader->begin += *ret_size + 1;
  return TRUE;
}

/* take: the next record of the buffer. What is no record is passed over. */
static gboolean
take (LogReader *reader, LogRecord *ret_record)
{
  const char *line;
  gsize size;
  if (reader->journal)
    return log_journal_take (reader, ret_record);
  while (take_line (reader, &line, &size))
    {
      gboolean skip = reader->skipping;
      reader->skipping = FALSE;
      if (!skip && log_record_parse (line, size, reader->scratch, ret_record))
        return TRUE;
    }
  return FALSE;
}

/* take_rest: at the very end: a record that its writer could not finish. */
static gboolean
take_rest (LogReader *reader, LogRecord *ret_record)
{
  gsize size = reader->end - reader->begin;
  const char *line = reader->buffer + reader->begin;
  reader->begin = reader->end = reader->scanned = 0;
  if (size == 0 || reader->journal || reader->skipping || (reader->follow && !reader->finished) || !log_record_parse (line, size, reader->scratch, ret_record))
    return FALSE;
  ret_record->partial = TRUE;
  return TRUE;
}

LogRead
log_reader_next (LogReader *reader, LogRecord *ret_record, GError **error)
{
  for (;;)
    {
      gboolean more;
      if (take (reader, ret_record))
        return LOG_RECORD;
      if (!fill (reader, &more, error))
        return LOG_FAILED;
      if (more)
        continue;
      if (reader->follow && !reader->finished)
        return LOG_WAIT;
      return take_rest (reader, ret_record) ? LOG_RECORD : LOG_WAIT;
    }
}

int
log_reader_fd (const LogReader *reader)
{
  if (!reader->follow || reader->finished)
    return -1;
  return reader->journal ? last_fd (reader) : reader->inotify;
}

gboolean
log_reader_finish (LogReader *reader, GError **error)
{
  if (reader->finished)
    return TRUE;
  reader->finished = TRUE;
  return !reader->journal || log_journal_finish (reader, error);
}
