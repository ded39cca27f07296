/* A container's log in the journal, read by journalctl: the program, as libsystemd is not ours to link. Source: journalctl(1); systemd, "Journal Export Formats"; the fields are
 * those that the monitor sends. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"
#include "pkg/json/json.h"
#include "pkg/log/private.h"

static gboolean
start (LogReader *reader, gboolean follow, const char *extra, const char *since, GError **error)
{
  g_autofree char *match = g_strconcat ("CONTAINER_ID_FULL=", reader->id, NULL);
  const char *argv[16];
  guint n = 0;
  const char *const words[] = { "journalctl", "--quiet", "--all", "--no-pager", "--output=json", "--output-fields=MESSAGE,PRIORITY,CONTAINER_PARTIAL_MESSAGE,_SOURCE_REALTIME_TIMESTAMP", match, extra, since, follow ? "--follow" : NULL };
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (words[i] != NULL)
      argv[n++] = words[i];
  argv[n] = NULL;
  int fd;
  if (!proc_spawn_reader (argv, &reader->pid, &fd, error))
    return FALSE;
  if (follow)
    (void) fcntl (fd, F_SETFL, O_NONBLOCK);
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
  reader->text = g_string_new (NULL);
  g_autofree char *lines = tail >= 0 ? g_strdup_printf ("--lines=%lld", (long long) tail) : g_strdup (follow ? "--no-tail" : NULL);
  g_autofree char *from = since > 0 ? g_strdup_printf ("--since=@%lld", (long long) (since / 1000000000)) : NULL;
  if (start (reader, follow, lines, from, error))
    return reader;
  log_reader_free (reader);
  return NULL;
}

/* take_message: text, or an array of bytes when it is no UTF-8. */
static gboolean
take_message (LogReader *reader, const json_t *message)
{
  g_string_truncate (reader->text, 0);
  if (json_is_string (message))
    g_string_append_len (reader->text, json_string_value (message), (gssize) json_string_length (message));
  for (size_t i = 0; i < json_array_size (message); i++)
    g_string_append_c (reader->text, (char) json_integer_value (json_array_get (message, i)));
  return json_is_string (message) || json_is_array (message);
}

gboolean
log_journal_parse (LogReader *reader, const char *line, gsize size, LogRecord *ret_record)
{
  json_auto_t *entry = json_parse_bounded (line, size, LOG_LINE_MAX, JSON_PARSE_DEFAULT, NULL);
  const char *time = json_string_value (json_object_get (entry, "__REALTIME_TIMESTAMP")), *cursor = json_string_value (json_object_get (entry, "__CURSOR")),
             *priority = json_string_value (json_object_get (entry, "PRIORITY")), *sent = json_string_value (json_object_get (entry, "_SOURCE_REALTIME_TIMESTAMP"));
  if (!take_message (reader, json_object_get (entry, "MESSAGE")))
    return FALSE;
  if (cursor != NULL)
    {
      g_free (reader->cursor);
      reader->cursor = g_strdup (cursor);
    }
  time = sent != NULL ? sent : time;
  gint64 usec = time != NULL ? g_ascii_strtoll (time, NULL, 10) : 0;
  *ret_record = (LogRecord){ .text = reader->text->str, .size = reader->text->len, .is_err = g_strcmp0 (priority, "3") == 0, .stamp = reader->stamp,
                             .partial = json_object_get (entry, "CONTAINER_PARTIAL_MESSAGE") != NULL };
  ret_record->stamp_size = log_time_text (CLAMP (usec, 0, G_MAXINT64 / 1000) * 1000, reader->stamp);
  return TRUE;
}

/* log_journal_finish: journalctl --follow would wait for ever: what came after the last entry is asked for once more. */
gboolean
log_journal_finish (LogReader *reader, GError **error)
{
  if (!reader->follow)
    return TRUE;
  g_autofree char *after = reader->cursor != NULL ? g_strconcat ("--after-cursor=", reader->cursor, NULL) : NULL;
  proc_cleanup_pid (&reader->pid);
  reader->pid = 0;
  fd_close (g_array_index (reader->files, int, 0));
  g_array_set_size (reader->files, 0);
  reader->begin = reader->end = reader->scanned = 0;
  return start (reader, FALSE, after, NULL, error);
}
