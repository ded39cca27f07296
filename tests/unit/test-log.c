#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/path.h"
#include "pkg/log/export.h"
#include "pkg/log/reader.h"

#define T "2026-01-02T03:04:05.000000006+00:00 "

static void
test_record (void)
{
  static const struct { const char *line, *text; gboolean is_err, partial; } rows[] = {
    { T "stdout F hello there", "hello there", FALSE, FALSE },
    { T "stderr P ", "", TRUE, TRUE },
    { T "stdout F", "", FALSE, FALSE },
    { T "stdout F  two  blanks ", " two  blanks ", FALSE, FALSE },
    { T "stdout F:x:y text", "text", FALSE, FALSE },
    { "{\"log\":\"a line\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05.000000006Z\"}", "a line", FALSE, FALSE },
    { "{\"log\":\"a \\\"part\\\" \\u00e9\\ud83d\\ude00\\t\",\"stream\":\"stderr\",\"time\":\"2026-01-02T03:04:05.000000006Z\"}", "a \"part\" \303\251\360\237\230\200\t", TRUE, TRUE },
    { "{\"log\":\"\\\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05.000000006Z\"}", "\\n", FALSE, TRUE },
    { "{\"log\":\"\\\\\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05.000000006Z\"}", "\\", FALSE, FALSE },
    { "{ \"time\" : \"2026-01-02T03:04:05.000000006Z\", \"attrs\":{\"a\":\"}\",\"b\":[1,2]}, \"log\":\"\\n\" }", "", FALSE, FALSE },
    { "{\"log\":\"\\ud800x\\uzzzz\\n\",\"time\":\"2026-01-02T03:04:05.000000006Z\"}", "\357\277\275x\357\277\275zzzz", FALSE, FALSE },
  };
  g_autoptr (GString) scratch = g_string_new (NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      LogRecord record;
      g_assert_true (log_record_parse (rows[i].line, strlen (rows[i].line), scratch, &record));
      g_autofree char *text = g_strndup (record.text, record.size);
      g_assert_cmpstr (text, ==, rows[i].text);
      g_assert_cmpint (record.is_err, ==, rows[i].is_err);
      g_assert_cmpint (record.partial, ==, rows[i].partial);
      g_assert_cmpint (log_record_time (&record), ==, G_GINT64_CONSTANT (1767323045000000006));
    }
}

static void
test_strangers (void)
{
  static const char *const lines[] = { "", " ", "x", "x stdout", T, T "stdout", T "stdout X text", T "stdxxx F text", "2026 stdout F text", T "stdout Fx", T "stdout F:x", "{", "{}", "{\"log\":", "{\"log\":\"x",
                                       "{\"log\":\"x\"}", "{\"log\":1,\"time\":\"x\"}", "{\"log\":\"x\",\"time\":\"y\"", "[1]" };
  g_autoptr (GString) scratch = g_string_new (NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      LogRecord record;
      g_assert_false (log_record_parse (lines[i], strlen (lines[i]), scratch, &record));
    }
}

static void
test_time (void)
{
  static const struct { const char *stamp; gint64 time; const char *text; } rows[] = {
    { "2026-01-02T03:04:05.000000006+00:00", G_GINT64_CONSTANT (1767323045000000006), "2026-01-02T03:04:05.000000006Z" },
    { "2026-01-02T05:34:05.5+02:30", G_GINT64_CONSTANT (1767323045500000000), "2026-01-02T03:04:05.500000000Z" },
    { "2024-02-29T23:59:59-01:00", G_GINT64_CONSTANT (1709254799000000000), "2024-03-01T00:59:59.000000000Z" },
    { "1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000000000Z" },
    { "2024-13-01T00:00:00Z", 0, NULL },
    { "2024-01-01 00:00:00Z", 0, NULL },
    { "2024-01-01T00:00:00", 0, NULL },
    { "", 0, NULL },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      LogRecord record = { .stamp = rows[i].stamp, .stamp_size = strlen (rows[i].stamp) };
      char text[64];
      g_assert_cmpint (log_record_time (&record), ==, rows[i].time);
      if (rows[i].text != NULL)
        {
          g_assert_cmpint (log_time_text (rows[i].time, text), ==, strlen (rows[i].text));
          g_assert_cmpstr (text, ==, rows[i].text);
        }
    }
}

/* ---- files */

static char *folder, *path;

static void
begin (void)
{
  folder = g_dir_make_tmp ("log.XXXXXX", NULL);
  path = g_build_filename (folder, "ctr.log", NULL);
}

static void
end (void)
{
  (void) path_remove_tree (AT_FDCWD, folder);
  g_free (folder);
  g_free (path);
}

static void
append (const char *format, ...) G_GNUC_PRINTF (1, 2);

static void
append (const char *format, ...)
{
  FILE *file = fopen (path, "ae");
  va_list args;
  va_start (args, format);
  vfprintf (file, format, args);
  va_end (args);
  fclose (file);
}

static void
rotate (int keep)
{
  for (int i = keep; i > 0; i--)
    {
      g_autofree char *from = i > 1 ? g_strdup_printf ("%s.%d", path, i - 1) : g_strdup (path), *into = g_strdup_printf ("%s.%d", path, i);
      (void) rename (from, into);
    }
}

/* drain: the texts of all that there is now, each with a mark: '|' after a line, '+' after a part. */
static char *
drain (LogReader *reader)
{
  GString *all = g_string_new (NULL);
  LogRecord record;
  LogRead got;
  while ((got = log_reader_next (reader, &record, NULL)) == LOG_RECORD)
    {
      g_string_append_len (all, record.text, (gssize) record.size);
      g_string_append_c (all, record.partial ? '+' : '|');
    }
  g_assert_cmpint (got, ==, LOG_WAIT);
  return g_string_free (all, FALSE);
}

static void
check (gint64 tail, const char *expected)
{
  g_autoptr (LogReader) reader = log_reader_file (path, tail, 0, FALSE, NULL);
  g_assert_nonnull (reader);
  g_autofree char *all = drain (reader);
  g_assert_cmpstr (all, ==, expected);
}

static void
test_tail (void)
{
  begin ();
  check (-1, "");
  check (2, "");
  append (T "stdout F one\n" T "stdout F two\n");
  rotate (3);
  append (T "stdout P thr\n" T "stdout F ee\n");
  rotate (3);
  append (T "stdout F four\n" T "stderr F five\n");
  check (-1, "one|two|thr+ee|four|five|");
  check (0, "");
  check (1, "five|");
  check (2, "four|five|");
  check (3, "thr+ee|four|five|");
  check (4, "two|thr+ee|four|five|");
  check (9, "one|two|thr+ee|four|five|");
  append ("garbage\n" T "stdout P si");
  check (-1, "one|two|thr+ee|four|five|si+");
  check (1, "si+");
  check (2, "five|si+");
  end ();
}

/* Lines and their numbers that do not fit blocks and chunks. */
static void
test_tail_long (void)
{
  begin ();
  g_autofree char *text = g_strnfill (70000, 'x');
  for (int i = 0; i < 20; i++)
    append (T "stdout F %d%s\n", i, text);
  for (int n = 0; n <= 20; n++)
    {
      g_autoptr (LogReader) reader = log_reader_file (path, n, 0, FALSE, NULL);
      LogRecord record;
      for (int i = 20 - n; i < 20; i++)
        {
          g_assert_cmpint (log_reader_next (reader, &record, NULL), ==, LOG_RECORD);
          g_assert_cmpint (g_ascii_strtoll (record.text, NULL, 10), ==, i);
          g_assert_cmpint (record.size, ==, 70000 + (i < 10 ? 1 : 2));
        }
      g_assert_cmpint (log_reader_next (reader, &record, NULL), ==, LOG_WAIT);
    }
  end ();
}

static void
test_too_long (void)
{
  begin ();
  append (T "stdout F before\n" T "stdout F ");
  g_autofree char *text = g_strnfill (1 << 20, 'x');
  for (int i = 0; i < 20; i++)
    append ("%s", text);
  append ("\n" T "stdout F after\n");
  check (-1, "before|after|");
  check (1, "after|");
  end ();
}

static void
test_follow (void)
{
  begin ();
  append (T "stdout F one\n");
  g_autoptr (LogReader) reader = log_reader_file (path, -1, 0, TRUE, NULL);
  g_autofree char *first = drain (reader);
  g_assert_cmpstr (first, ==, "one|");
  append (T "stdout F tw");
  g_autofree char *nothing = drain (reader);
  g_assert_cmpstr (nothing, ==, "");
  append ("o\n");
  rotate (3);
  append (T "stdout F three\n");
  rotate (3);
  append (T "stdout F four\n");
  g_autofree char *second = drain (reader);
  g_assert_cmpstr (second, ==, "two|three|four|");
  rotate (3);
  append (T "stdout F half");
  g_assert_true (log_reader_finish (reader, NULL));
  g_autofree char *third = drain (reader);
  g_assert_cmpstr (third, ==, "half+");
  end ();
}

/* What is added while it is read and not followed is not read: it would have no end. */
static void
test_limit (void)
{
  begin ();
  append (T "stdout F one\n");
  g_autoptr (LogReader) reader = log_reader_file (path, -1, 0, FALSE, NULL);
  append (T "stdout F two\n");
  g_autofree char *all = drain (reader);
  g_assert_cmpstr (all, ==, "one|");
  end ();
}

/* ---- the journal's export format */

/* exported: what @data says, fed @step bytes at a time: "TIME:TEXT" for each entry that has a text, "!" after what is an error's, "+" after a part. */
static char *
exported (const char *data, gsize size, gsize step, char **ret_cursor)
{
  g_autoptr (LogExport) export = log_export_new ();
  GString *said = g_string_new (NULL);
  gsize at = 0, end = 0, scanned = 0;
  while (end < size || at < end)
    {
      gboolean ended;
      gsize n = log_export_take (export, data + at, end - at, &scanned, &ended);
      at += n;
      if (n == 0 && end == size)
        break;
      if (n == 0)
        end = MIN (end + step, size);
      if (!ended || !export->has_text)
        continue;
      g_string_append_printf (said, "%lld:", (long long) export->time);
      g_string_append_len (said, export->text->str, (gssize) export->text->len);
      g_string_append_printf (said, "%s%s|", export->is_err ? "!" : "", export->partial ? "+" : "");
    }
  if (ret_cursor != NULL)
    *ret_cursor = g_strdup (export->cursor->str);
  return g_string_free (said, FALSE);
}

static void
test_export (void)
{
  static const char data[] = "__CURSOR=a\n__REALTIME_TIMESTAMP=1\n_BOOT_ID=x\nPRIORITY=6\nMESSAGE=one = two\n\n"
                             "__CURSOR=b\n__REALTIME_TIMESTAMP=2\nMESSAGE\n\5\0\0\0\0\0\0\0a\n\nb\0\n_SOURCE_REALTIME_TIMESTAMP=7\nPRIORITY=3\nCONTAINER_PARTIAL_MESSAGE=true\n\n"
                             "__CURSOR=c\n__REALTIME_TIMESTAMP=3\nPRIORITY=3\n\n"
                             "\n\n__CURSOR=d\n__REALTIME_TIMESTAMP=4\nMESSAGE=\nMESSAGE=the second\nUNKNOWN\n\1\0\0\0\0\0\0\0\n\n\n"
                             "__CURSOR=e\n__REALTIME_TIMESTAMP=5\nMESSAGE=half";
  static const char expected[] = "1:one = two|7:a\n\nb\0!+|4:|";
  for (gsize step = 1; step <= sizeof data; step++)
    {
      g_autofree char *cursor = NULL, *said = exported (data, sizeof data - 1, step, &cursor);
      g_assert_cmpmem (said, sizeof expected - 1, expected, sizeof expected - 1);
      g_assert_cmpstr (cursor, ==, "d");
    }
}

/* A field that is too long is passed over, whichever way it is written; what comes after it is not. */
static void
test_export_long (void)
{
  g_autoptr (GString) data = g_string_new ("__REALTIME_TIMESTAMP=1\nMESSAGE=");
  gsize length = LOG_EXPORT_FIELD_MAX + 5;
  guint64 size = GUINT64_TO_LE ((guint64) length);
  g_autofree char *filler = g_strnfill (length, '\n');
  for (gsize i = 0; i < length; i++)
    g_string_append_c (data, 'x');
  g_string_append (data, "\n\n__REALTIME_TIMESTAMP=2\nMESSAGE\n");
  g_string_append_len (data, (const char *) &size, sizeof size);
  g_string_append_len (data, filler, (gssize) length);
  g_string_append (data, "\n\n__REALTIME_TIMESTAMP=3\nMESSAGE=fine\n\n");
  g_autofree char *said = exported (data->str, data->len, 65536, NULL);
  g_assert_cmpstr (said, ==, "3:fine|");
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/log/record", test_record);
  g_test_add_func ("/log/strangers", test_strangers);
  g_test_add_func ("/log/time", test_time);
  g_test_add_func ("/log/tail", test_tail);
  g_test_add_func ("/log/tail-long", test_tail_long);
  g_test_add_func ("/log/too-long", test_too_long);
  g_test_add_func ("/log/follow", test_follow);
  g_test_add_func ("/log/limit", test_limit);
  g_test_add_func ("/log/export", test_export);
  g_test_add_func ("/log/export-long", test_export_long);
  return g_test_run ();
}
