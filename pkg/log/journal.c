/* A container's log in the journal, read by journalctl: the program, as libsystemd is not ours to link. Source: journalctl(1). In the export format: JSON takes both sides six times
 * as long. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"
#include "pkg/log/private.h"

#define PIPE_SIZE (1 << 20)

static gboolean
start (LogReader *reader, gboolean follow, const char *extra, const char *since, GError **error)
{
  g_autofree char *match = g_strconcat ("CONTAINER_ID_FULL=", reader->id, NULL);
  const char *argv[16];
  guint n = 0;
  const char *const words[] = { "journalctl", "--quiet", "--all", "--no-pager", "--output=export", "--output-fields=MESSAGE,PRIORITY,CONTAINER_PARTIAL_MESSAGE,_SOURCE_REALTIME_TIMESTAMP", match, extra, since, follow ? "--follow" : NULL };
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (words[i] != NULL)
      argv[n++] = words[i];
  argv[n] = NULL;
  int fd;
  if (!proc_spawn_reader (argv, &reader->pid, &fd, error))
    return FALSE;
  if (follow)
    (void) fcntl (fd, F_SETFL, O_NONBLOCK);
  /* the two take turns less often; a user may be out of room for it */
  (void) fcntl (fd, F_SETPIPE_SZ, PIPE_SIZE);
  g_array_append_val (reader->files, fd);
  return TRUE;
}

LogReader *
log_reader_journal (const char *id, gint64 tail, gint64 since, gboolean follow, GError **error)
{
  LogReader *reader = g_new0 (LogReader, 1);
  reader->path = g_strdup ("the journal");
  reader->id = g_strdup (id);
  reader->journal = TRUE;
  reader->follow = follow;
  reader->files = g_array_new (FALSE, FALSE, sizeof (int));
  reader->limit = -1;
  reader->size = LOG_CHUNK;
  reader->buffer = g_malloc (reader->size);
  reader->inotify = -1;
  reader->scratch = g_string_new (NULL);
  reader->export = log_export_new ();
  g_autofree char *lines = tail >= 0 ? g_strdup_printf ("--lines=%lld", (long long) tail) : g_strdup (follow ? "--no-tail" : NULL);
  g_autofree char *from = since > 0 ? g_strdup_printf ("--since=@%lld", (long long) (since / 1000000000)) : NULL;
  if (start (reader, follow, lines, from, error))
    return reader;
  log_reader_free (reader);
  return NULL;
}

gboolean
log_journal_take (LogReader *reader, LogRecord *ret_record)
{
  LogExport *export = reader->export;
  gboolean ended;
  gsize n;
  do
    {
      n = log_export_take (export, reader->buffer + reader->begin, reader->end - reader->begin, &reader->scanned, &ended);
      reader->begin += n;
    }
  while (n > 0 && !(ended && export->has_text));
  if (n == 0)
    return FALSE;
  *ret_record = (LogRecord){ .text = export->text->str, .size = export->text->len, .is_err = export->is_err, .partial = export->partial, .stamp = reader->stamp };
  ret_record->stamp_size = log_time_text (MIN (export->time, G_MAXINT64 / 1000) * 1000, reader->stamp);
  return TRUE;
}

/* log_journal_finish: journalctl --follow would wait for ever: what came after the last entry is asked for once more. */
gboolean
log_journal_finish (LogReader *reader, GError **error)
{
  if (!reader->follow)
    return TRUE;
  g_autofree char *after = reader->export->cursor->len > 0 ? g_strconcat ("--after-cursor=", reader->export->cursor->str, NULL) : NULL;
  proc_cleanup_pid (&reader->pid);
  reader->pid = 0;
  fd_close (g_array_index (reader->files, int, 0));
  g_array_set_size (reader->files, 0);
  reader->begin = reader->end = reader->scanned = 0;
  log_export_free (reader->export);
  reader->export = log_export_new ();
  return start (reader, FALSE, after, NULL, error);
}
