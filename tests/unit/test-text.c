#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"

static void
test_size (void)
{
  static const struct { guint64 bytes; const char *four, *three, *binary; } rows[] = {
    { 0, "0B", "0 B", "0B" },
    { 999, "999B", "999 B", "999B" },
    { 1000, "1kB", "1 kB", "1000B" },
    { 1024, "1.024kB", "1.02 kB", "1KiB" },
    { 7404000, "7.404MB", "7.4 MB", "7.061MiB" },
    { 999999, "1000kB", "1e+03 kB", "976.6KiB" },
    { 1610612736, "1.611GB", "1.61 GB", "1.5GiB" },
    { UINT64_C (3420000000000), "3.42TB", "3.42 TB", "3.11TiB" },
    { G_MAXUINT64, "18.45EB", "18.4 EB", "16EiB" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *four = text_size (rows[i].bytes, 4), *three = text_size_spaced (rows[i].bytes), *binary = text_size_binary (rows[i].bytes);
      g_assert_cmpstr (four, ==, rows[i].four);
      g_assert_cmpstr (three, ==, rows[i].three);
      g_assert_cmpstr (binary, ==, rows[i].binary);
    }
}

static void
test_size_parse (void)
{
  static const struct { const char *text; gint64 bytes; const char *problem; } rows[] = {
    { "0", 0, NULL }, { "1024", 1024, NULL }, { "64m", 67108864, NULL }, { "64M", 67108864, NULL }, { "64mb", 67108864, NULL }, { "64MiB", 67108864, NULL },
    { "1g", 1073741824, NULL }, { "1.5GiB", 1610612736, NULL }, { "10 kb", 10240, NULL }, { "32b", 32, NULL }, { "0.3k", 307, NULL }, { "1t", INT64_C (1) << 40, NULL }, { "1p", INT64_C (1) << 50, NULL },
    { "", 0, "invalid size: ''" }, { "m", 0, "invalid size: 'm'" }, { "-1", 0, "invalid size: '-1'" }, { "1..2", 0, "invalid size: '1..2'" }, { ".", 0, "invalid size: '.'" },
    { "10x", 0, "invalid suffix: 'x'" }, { "10kk", 0, "invalid suffix: 'kk'" }, { "10bb", 0, "invalid suffix: 'bb'" }, { "10 ", 0, "invalid suffix: ' '" }, { "10kibs", 0, "invalid suffix: 'kibs'" },
    { "8192p", 0, "invalid size: '8192p': too large" }, { "1e5", 0, "invalid suffix: 'e5'" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gint64 bytes = -1;
      g_autoptr (GError) error = NULL;
      gboolean ok = text_size_parse (rows[i].text, &bytes, &error);
      g_assert_cmpstr (error != NULL ? error->message : NULL, ==, rows[i].problem);
      g_assert_cmpint (ok, ==, rows[i].problem == NULL);
      g_assert_cmpint (bytes, ==, ok ? rows[i].bytes : -1);
    }
}

static void
test_ago (void)
{
  static const struct { gint64 seconds; const char *text; } rows[] = {
    { -5, "Less than a second" }, { 0, "Less than a second" }, { 1, "1 second" }, { 45, "45 seconds" }, { 59, "59 seconds" }, { 60, "About a minute" }, { 119, "About a minute" },
    { 120, "2 minutes" }, { 3599, "59 minutes" }, { 3600, "About an hour" }, { 5399, "About an hour" }, { 5400, "2 hours" }, { 47 * 3600, "47 hours" }, { 48 * 3600, "2 days" },
    { 13 * 86400, "13 days" }, { 14 * 86400, "2 weeks" }, { 59 * 86400, "8 weeks" }, { 60 * 86400, "2 months" }, { 729 * 86400, "24 months" }, { 730 * 86400, "2 years" }, { INT64_C (8000) * 86400, "21 years" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *duration = text_duration (rows[i].seconds * G_USEC_PER_SEC), *ago = text_ago (1000000, 1000000 + rows[i].seconds * G_USEC_PER_SEC);
      g_assert_cmpstr (duration, ==, rows[i].text);
      g_assert_true (g_str_has_prefix (ago, duration) && strcmp (ago + strlen (duration), " ago") == 0);
    }
  g_autofree char *ago = text_ago (G_MININT64, G_MAXINT64);
  g_assert_cmpstr (ago, ==, "292471 years ago");
}

static void
test_duration (void)
{
  static const struct { const char *text; gint64 nsec; const char *printed, *problem; } rows[] = {
    { "0", 0, "0s", NULL }, { "10s", INT64_C (10000000000), "10s", NULL }, { "1h30m", INT64_C (5400000000000), "1h30m0s", NULL }, { "-1.5h", -INT64_C (5400000000000), "-1h30m0s", NULL },
    { "300ms", 300000000, "300ms", NULL }, { "1.5s", 1500000000, "1.5s", NULL }, { ".5s", 500000000, "500ms", NULL }, { "5.s", INT64_C (5000000000), "5s", NULL }, { "1us", 1000, "1\xc2\xb5s", NULL },
    { "1\xc2\xb5s", 1000, "1\xc2\xb5s", NULL }, { "100ns", 100, "100ns", NULL }, { "+5m3.0625s", INT64_C (303062500000), "5m3.0625s", NULL }, { "3000h", INT64_C (10800000000000000), "3000h0m0s", NULL },
    { "", 0, NULL, "time: invalid duration \"\"" }, { "-", 0, NULL, "time: invalid duration \"-\"" }, { "s", 0, NULL, "time: invalid duration \"s\"" }, { ".s", 0, NULL, "time: invalid duration \".s\"" },
    { "10", 0, NULL, "time: missing unit in duration \"10\"" }, { "10x", 0, NULL, "time: unknown unit \"x\" in duration \"10x\"" }, { "1d", 0, NULL, "time: unknown unit \"d\" in duration \"1d\"" },
    { "9999999999h", 0, NULL, "time: invalid duration \"9999999999h\"" }, { "99999999999999999999s", 0, NULL, "time: invalid duration \"99999999999999999999s\"" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gint64 nsec = -7;
      g_autoptr (GError) error = NULL;
      gboolean ok = text_duration_parse (rows[i].text, &nsec, &error);
      g_assert_cmpstr (error != NULL ? error->message : NULL, ==, rows[i].problem);
      g_assert_cmpint (ok, ==, rows[i].problem == NULL);
      g_assert_cmpint (nsec, ==, ok ? rows[i].nsec : -7);
      g_autofree char *printed = ok ? text_duration_go (nsec) : NULL;
      g_assert_cmpstr (printed, ==, rows[i].printed);
    }
  gint64 nsec = 0;
  g_assert_true (text_seconds_parse ("10", &nsec, NULL) && nsec == INT64_C (10000000000));
  g_assert_true (text_seconds_parse ("0.5", &nsec, NULL) && nsec == 500000000);
  g_assert_true (text_seconds_parse ("-1", &nsec, NULL) && nsec == -INT64_C (1000000000));
  g_assert_true (text_seconds_parse ("2m", &nsec, NULL) && nsec == INT64_C (120000000000));
  g_assert_false (text_seconds_parse ("1.2.3", &nsec, NULL));
  g_assert_false (text_seconds_parse ("x", &nsec, NULL));
}

static void
test_time (void)
{
  static const struct { gint64 seconds; long nsec; const char *rfc3339, *go; } rows[] = {
    { 1714557600, 123456789, "2024-05-01T10:00:00.123456789Z", "2024-05-01 10:00:00.123456789 +0000 UTC" },
    { 1714557600, 120000000, "2024-05-01T10:00:00.12Z", "2024-05-01 10:00:00.12 +0000 UTC" },
    { 0, 0, "1970-01-01T00:00:00Z", "1970-01-01 00:00:00 +0000 UTC" },
    { -1, 0, "1969-12-31T23:59:59Z", "1969-12-31 23:59:59 +0000 UTC" },
    { INT64_C (-62135596800), 0, "0001-01-01T00:00:00Z", "0001-01-01 00:00:00 +0000 UTC" },
    { G_MAXINT64, 0, "9999-12-31T23:59:59Z", "9999-12-31 23:59:59 +0000 UTC" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      struct timespec when = { rows[i].seconds, rows[i].nsec };
      g_autofree char *rfc3339 = text_time_rfc3339 (when, FALSE), *go = text_time_go (when, FALSE);
      g_assert_cmpstr (rfc3339, ==, rows[i].rfc3339);
      g_assert_cmpstr (go, ==, rows[i].go);
    }
  g_assert_cmpint (text_time_from_usec (0).tv_sec, ==, INT64_C (-62135596800));
  g_assert_cmpint (text_time_to_usec (text_time_from_usec (0)), ==, 0);
  g_assert_cmpint (text_time_to_usec (text_time_from_usec (-1500000)), ==, -1500000);
  setenv ("TZ", "XST-2:30", 1);
  tzset ();
  struct timespec when = { 1714557600, 0 };
  g_autofree char *rfc3339 = text_time_rfc3339 (when, TRUE), *go = text_time_go (when, TRUE);
  g_assert_cmpstr (rfc3339, ==, "2024-05-01T12:30:00+02:30");
  g_assert_cmpstr (go, ==, "2024-05-01 12:30:00 +0230 XST");
}

static void
test_time_parse (void)
{
  setenv ("TZ", "XST-2:30", 1);
  tzset ();
  static const struct { const char *text; gint64 seconds; long nsec; } rows[] = {
    { "2024-05-01T10:00:00Z", 1714557600, 0 }, { "2024-05-01T10:00:00.5Z", 1714557600, 500000000 }, { "2024-05-01T12:00:00.123456789012+02:00", 1714557600, 123456789 },
    { "2024-05-01T08:00:00-02:00", 1714557600, 0 }, { "2024-05-01T12:30:00", 1714557600, 0 }, { "2024-05-01T12:30", 1714557600, 0 }, { "2024-05-01 12:30:00", 1714557600, 0 },
    { "2024-05-01", 1714557600 - 45000, 0 }, { "2024-05-01Z", 1714557600 - 36000, 0 }, { "1714557600", 1714557600, 0 }, { "1714557600.000000001", 1714557600, 1 },
    { "10m", 1000000000 - 600, 250000000 }, { "500ms", 1000000000 - 1, 750000000 }, { "-1h", 1000000000 + 3600, 250000000 }, { "-900ms", 1000000001, 150000000 }, { "0", 0, 0 },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      struct timespec when = { 0, 0 };
      g_autoptr (GError) error = NULL;
      g_assert_true (text_time_parse (rows[i].text, (struct timespec) { 1000000000, 250000000 }, &when, &error));
      g_assert_no_error (error);
      g_assert_cmpint (when.tv_sec, ==, rows[i].seconds);
      g_assert_cmpint (when.tv_nsec, ==, rows[i].nsec);
    }
  static const char *const bad[] = { "", "x", "2024-13-01", "2023-02-29", "2024-05-01T25:00", "2024-05-01T10:00:00X", "2024-05-01T10:00:00+2:00", "2024-5-1", "17145576000000000", "1.2.3" };
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      struct timespec when;
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", bad[i]);
      g_assert_false (text_time_parse (bad[i], (struct timespec) { 0, 0 }, &when, &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
    }
}

static void
test_columns (void)
{
  static const struct { const char *text; size_t min; const char *expected; } rows[] = {
    { "", 12, "" },
    { "one\ntwo\n", 12, "one\ntwo\n" },
    { "CONTAINER ID\tIMAGE\tNAMES\n0123456789ab\tlocalhost/x:latest\tbob\n", 12, "CONTAINER ID  IMAGE               NAMES\n0123456789ab  localhost/x:latest  bob\n" },
    { "a\tb\n", 12, "a           b\n" },
    { "a\t\tc\nbb\tx\ty\n", 0, "a      c\nbb  x  y\n" },
    { "a\tb\t\n", 0, "a  b  \n" },
    /* a column ends where a line lacks it */
    { "aaaa\tb\nx\naa\tb", 0, "aaaa  b\nx\naa  b" },
    { "\xc3\xa9\xc3\xa9\tb\nabc\td\n", 0, "\xc3\xa9\xc3\xa9   b\nabc  d\n" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);
      text_columns (rows[i].text, rows[i].min, 2, out);
      g_assert_cmpstr (out->str, ==, rows[i].expected);
    }
}

static void
test_words (void)
{
  static const struct { const char *text; size_t max; const char *ellipsis, *expected; } rows[] = {
    { "/usr/bin/run-httpd", 20, "...", "/usr/bin/run-httpd" }, { "/usr/bin/run-httpd-please", 20, "...", "/usr/bin/run-http..." },
    { "\xc3\xa9\xc3\xa8\xc3\xaa", 2, "\xe2\x80\xa6", "\xc3\xa9\xe2\x80\xa6" }, { "0123456789abcdef", 12, "", "0123456789ab" }, { "abcdef", 2, "...", ".." }, { "", 0, "", "" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = text_truncate (rows[i].text, rows[i].max, rows[i].ellipsis);
      g_assert_cmpstr (text, ==, rows[i].expected);
    }
  const char *argv[] = { "sh", "-c", "echo $HOME; it's", "", "a=b", "\xc3\xa9", NULL };
  g_autofree char *quoted = text_quote (argv);
  g_assert_cmpstr (quoted, ==, "sh -c 'echo $HOME; it'\\''s' '' a=b \xc3\xa9");
  g_auto (GStrv) again = NULL;
  g_assert_true (g_shell_parse_argv (quoted, NULL, &again, NULL));
  g_assert_true (g_strv_equal ((const char *const *) again, argv));
  g_autofree char *none = text_quote (NULL);
  g_assert_cmpstr (none, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text/size", test_size);
  g_test_add_func ("/text/size-parse", test_size_parse);
  g_test_add_func ("/text/ago", test_ago);
  g_test_add_func ("/text/duration", test_duration);
  g_test_add_func ("/text/time", test_time);
  g_test_add_func ("/text/time-parse", test_time_parse);
  g_test_add_func ("/text/columns", test_columns);
  g_test_add_func ("/text/words", test_words);
  return g_test_run ();
}
