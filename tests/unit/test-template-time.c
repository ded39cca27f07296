/* Times in templates: Go's layouts, the methods of what a time and a duration are there, and how they print. What is expected was read off Podman 5.8. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pkg/base/error.h"
#include "pkg/template/go_time.h"
#include "pkg/template/template.h"
#include "pkg/template/time_layout.h"
#include "tests/unit/template-rows.h"

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"   /* needs no files */

static const char sample[] = "{\"Id\":\"abc\",\"Created\":\"2024-05-01T10:00:05.12045Z\",\"Other\":\"2024-05-01T10:00:05Z\",\"Old\":{\"Created\":\"2024-01-09T02:03:04+01:00\"},"
                             "\"Far\":{\"Created\":\"2024-05-01T15:30:05+05:30\"},\"State\":{\"StartedAt\":\"2024-05-01T10:00:06.5Z\",\"FinishedAt\":\"0001-01-01T00:00:00Z\"},"
                             "\"Healthcheck\":{\"Interval\":90000000000},\"List\":[{\"CreatedAt\":\"2024-05-01T10:00:05Z\"}],"
                             "\"Bad\":{\"Created\":\"2024-05-01T10:00:05\"},\"Empty\":{\"Created\":\"\"},\"Null\":{\"Created\":null}}";

static void
use_zone (const char *zone)
{
  g_setenv ("TZ", zone, TRUE);
  tzset ();
}

static void
test_layout (void)
{
  static const struct { const char *layout, *morning, *evening; } rows[] = {
    { "2006-01-02T15:04:05Z07:00", "2024-05-01T10:00:05Z", "2024-09-19T23:00:05+05:30" },
    { "Mon Jan _2 15:04:05 2006", "Wed May  1 10:00:05 2024", "Thu Sep 19 23:00:05 2024" },
    { "Monday, 02-Jan-06 15:04:05 MST", "Wednesday, 01-May-24 10:00:05 UTC", "Thursday, 19-Sep-24 23:00:05 +0530" },
    { "January 2, 2006 at 3:04pm", "May 1, 2024 at 10:00am", "September 19, 2024 at 11:00pm" },
    { "Jan-Janet-January-Januaryx Mon-Money-Monday-Mondayx", "May-Janet-May-Mayx Wed-Money-Wednesday-Wednesdayx", "Sep-Janet-September-Septemberx Thu-Money-Thursday-Thursdayx" },
    { "1/2/06 01/02 3:4:5 03 PM pm Pm", "5/1/24 05/01 10:0:5 10 AM am Pm", "9/19/24 09/19 11:0:5 11 PM pm Pm" },
    { "002 __2 _2 _2006 __2006 ___2 02 2 20 200 20060", "122 122  1 _2024 122024 _122 01 1 10 100 20240", "263 263 19 _2024 263024 _263 19 19 190 1900 20240" },
    { "05.000 05.999 05,000000 05,999999999 .00 .99 .0x .9x .01 .90 .0000000000 .9999999999 . .1 ,",
      "05.120 05.12 05,120450 05,12045 .12 .12 .1x .1x .05 .90 .120450000 .12045 . .5 ,", "05.000 05 05,000000 05,000000001 .00  .0x x .09 .90 .000000001 .000000001 . .9 ," },
    { "-070000 -07:00:00 -0700 -07:00 -07 -0", "+000000 +00:00:00 +0000 +00:00 +00 -0", "+053000 +05:30:00 +0530 +05:30 +05 -0" },
    { "Z070000 Z07:00:00 Z0700 Z07:00 Z07 Z0", "Z Z Z Z Z Z0", "+053000 +05:30:00 +0530 +05:30 +05 Z0" },
    { "01020304050607 12345 15 115 151", "05011000052407 511005 10 510 105", "09191100052407 9191105 23 923 239" },
    { "%d \xc3\xa9 \xff \n MS MST MSTT M J Ja P PMPM 0 00 000 0002", "%d \xc3\xa9 \xff \n MS UTC UTCT M J Ja P AMAM 0 00 000 0122", "%d \xc3\xa9 \xff \n MS +0530 +0530T M J Ja P PMPM 0 00 000 0263" },
    { "", "", "" },
  };
  const GoTime morning = { .when = { 1714557605, 120450000 }, .zone = GO_UTC }, evening = { .when = { 1726786805 - 19800, 1 }, .zone = GO_FIXED, .offset = 19800 };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GString) first = g_string_new (NULL), second = g_string_new (NULL);
      go_time_format (first, &morning, rows[i].layout, strlen (rows[i].layout));
      go_time_format (second, &evening, rows[i].layout, strlen (rows[i].layout));
      g_assert_cmpstr (first->str, ==, rows[i].morning);
      g_assert_cmpstr (second->str, ==, rows[i].evening);
      for (size_t length = 0; length < strlen (rows[i].layout); length++)   /* cut off anywhere: it is not read past its end */
        {
          g_autofree char *copy = g_memdup2 (rows[i].layout, length);
          g_string_truncate (first, 0);
          go_time_format (first, &morning, copy, length);
          g_assert_cmpuint (first->len, <=, length * TIME_LAYOUT_GROWTH);
        }
    }
}

static void
test_zones (void)
{
  static const struct { const char *text, *string, *json; GoZone zone; } rows[] = {
    { "2024-05-01T10:00:05Z", "2024-05-01 10:00:05 +0000 UTC", "2024-05-01T10:00:05Z", GO_UTC },
    { "2024-05-01T10:00:05.5+02:00", "2024-05-01 10:00:05.5 +0200 CEST", "2024-05-01T10:00:05.5+02:00", GO_LOCAL },
    { "2024-01-01T10:00:05+01:00", "2024-01-01 10:00:05 +0100 CET", "2024-01-01T10:00:05+01:00", GO_LOCAL },
    { "2024-05-01T10:00:05+01:00", "2024-05-01 10:00:05 +0100 +0100", "2024-05-01T10:00:05+01:00", GO_FIXED },
    { "2024-05-01T10:00:05-09:30", "2024-05-01 10:00:05 -0930 -0930", "2024-05-01T10:00:05-09:30", GO_FIXED },
    { "0001-01-01T00:00:00Z", "0001-01-01 00:00:00 +0000 UTC", "0001-01-01T00:00:00Z", GO_UTC },
    { "9999-12-31T23:59:59.999999999Z", "9999-12-31 23:59:59.999999999 +0000 UTC", "9999-12-31T23:59:59.999999999Z", GO_UTC },
  };
  use_zone (BERLIN);
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      GoTime time;
      g_test_message ("%s", rows[i].text);
      g_assert_true (go_time_parse (rows[i].text, &time));
      g_autofree char *string = go_time_string (&time), *json = go_time_rfc3339 (&time);
      g_assert_cmpstr (string, ==, rows[i].string);
      g_assert_cmpstr (json, ==, rows[i].json);
      g_assert_cmpint (time.zone, ==, rows[i].zone);
      g_assert_cmpint (go_time_is_zero (&time), ==, g_str_has_prefix (rows[i].text, "0001"));
    }
  static const char *const none[] = { "", "now", "2024-05-01", "2024-05-01T10:00:05", "2024-05-01T10:00:05.123456", "2024-05-01 10:00:05 +0000 UTC", "2024-13-01T10:00:05Z", "2024-05-01T10:00Z",
                                      "2024-05-01T10:00:05+0200", "2024-05-01T10:00:05Zjunk" };
  for (size_t i = 0; i < G_N_ELEMENTS (none); i++)
    g_assert_false (go_time_parse (none[i], &(GoTime) { .zone = GO_UTC }));
  use_zone ("UTC");
}

static void
test_methods (void)
{
  static const Row rows[] = {
    { "{{.Created.Unix}} {{.Created.UnixMilli}} {{.Created.UnixMicro}} {{.Created.UnixNano}}", "1714557605 1714557605120 1714557605120450 1714557605120450000" },
    { "{{.State.FinishedAt.Unix}} {{.State.FinishedAt.UnixMilli}} {{.State.FinishedAt.UnixNano}} {{.State.FinishedAt.IsZero}} {{.Created.IsZero}}", "-62135596800 -62135596800000 -6795364578871345152 true false" },
    { "{{.Created.Year}} {{.Created.Month}} {{.Created.Day}} {{.Created.Hour}} {{.Created.Minute}} {{.Created.Second}} {{.Created.Nanosecond}} {{.Created.Weekday}} {{.Created.YearDay}}",
      "2024 May 1 10 0 5 120450000 Wednesday 122" },
    { "{{.Created}}|{{.Created.UTC}}|{{.Created.String}}|{{.Created.Location}}|{{.Created.IsDST}}", "2024-05-01 10:00:05.12045 +0000 UTC|2024-05-01 10:00:05.12045 +0000 UTC|2024-05-01 10:00:05.12045 +0000 UTC|UTC|false" },
    { "{{.Created.Local}}|{{.Created.Local.Hour}}|{{.Created.Local.IsDST}}|{{json .Created.Local}}|{{.Created.Local.Location}}|{{.Created.Local.UTC}}",
      "2024-05-01 12:00:05.12045 +0200 CEST|12|true|\"2024-05-01T12:00:05.12045+02:00\"|" BERLIN "|2024-05-01 10:00:05.12045 +0000 UTC" },
    { "{{.Old.Created}} {{.Old.Created.Format \"15:04 MST\"}} {{.Far.Created}} {{.Far.Created.Local}} [{{.Far.Created.Location}}]", "2024-01-09 02:03:04 +0100 CET 02:03 CET 2024-05-01 15:30:05 +0530 +0530 2024-05-01 12:00:05 +0200 CEST []" },
    { "{{.Created.Format \"2006-01-02\"}} {{\"15:04\" | .Created.Format}} {{.Created.UTC.Format `Jan 2`}} {{len (.Created.Format .Id)}} {{(.Created).Format \"06\"}}", "2024-05-01 10:00 May 1 3 24" },
    { "{{$c := .Created}}{{$c.Unix}} {{$c.Format \"06\"}} {{with .Created}}{{.Unix}} {{.Format \"06\"}}{{end}} {{(.Created).Unix}}", "1714557605 24 1714557605 24 1714557605" },
    { "{{.Created.Before .State.StartedAt}} {{.Created.After .State.StartedAt}} {{.Created.Equal .Created.Local}} {{.Created.Compare .State.StartedAt}} {{lt .Created.Unix .State.StartedAt.Unix}}", "true false true -1 true" },
    { "{{eq .Created .Created}} {{ne .Created .State.StartedAt}} {{eq .Created .Created.Local}} {{if .State.FinishedAt}}y{{end}}", "true true false y" },
    { "{{.State.StartedAt.Sub .Created}} {{.Created.Sub .State.StartedAt}} {{.Created.Sub .State.FinishedAt}} {{(.State.StartedAt.Sub .Created).Seconds}}", "1.37955s -1.37955s 2562047h47m16.854775807s 1.37955" },
    { "{{.Created.Add 3600000000000}} {{.Created.Add .Healthcheck.Interval}} {{.Created.Add -200000000}}", "2024-05-01 11:00:05.12045 +0000 UTC 2024-05-01 10:01:35.12045 +0000 UTC 2024-05-01 10:00:04.92045 +0000 UTC" },
    { "{{json .Created}} {{json .Created.Unix}} {{json .Created.Month}} {{json .Created.Weekday}} {{.Created.UTC | json}}", "\"2024-05-01T10:00:05.12045Z\" 1714557605 5 3 \"2024-05-01T10:00:05.12045Z\"" },
    { "{{printf \"%v|%s|%q|%.10s\" .Created .Created .Created .Created}}", "2024-05-01 10:00:05.12045 +0000 UTC|2024-05-01 10:00:05.12045 +0000 UTC|\"2024-05-01 10:00:05.12045 +0000 UTC\"|2024-05-01" },
    { "{{printf \"%q %x %s %v %d %02d\" .Created.Month .Created.Month .Created.Month .Created.Weekday .Created.Weekday .Created.Month}}", "\"May\" 4d6179 May Wednesday 3 05" },
    { "{{printf \"%T %T %T %T %T\" .Created .Created.Month .Created.Weekday .Created.Unix .Created.Year}} {{printf \"%T\" (.Created.Sub .Created)}}", "time.Time time.Month time.Weekday int64 int time.Duration" },
    { "{{eq .Created.Month 5}} {{eq .Created.Weekday 3}} {{lt .Created.Month 6}} {{eq .Created.Month.String \"May\"}} {{.Created.Weekday.String | upper}}", "true true true true WEDNESDAY" },
    { "{{print .Created.Month .Created.Day \"x\" .Created.Year}} {{print .Created 3}}|{{println .Created.Weekday}}", "May 1x2024 2024-05-01 10:00:05.12045 +0000 UTC 3|Wednesday\n" },
    { "{{.State}} {{.Healthcheck}} {{.List}} {{printf \"%+v\" .Old}}", "{2024-05-01 10:00:06.5 +0000 UTC 0001-01-01 00:00:00 +0000 UTC} {1m30s} [{2024-05-01 10:00:05 +0000 UTC}] {Created:2024-01-09 02:03:04 +0100 CET}" },
    { "{{range .List}}{{.CreatedAt.Year}}{{end}}{{range .Created.Month}}x{{end}}", "2024xxxxx" },
    { "{{.Other}} {{len .Other}} {{slice .Other 0 10}} {{.Bad.Created}} {{.Empty.Created}} {{.Null.Created}}", "2024-05-01T10:00:05Z 20 2024-05-01 2024-05-01T10:00:05  <nil>" },
  };
  use_zone (BERLIN);
  check_rows (sample, rows, G_N_ELEMENTS (rows));
  use_zone ("UTC");
}

static void
test_durations (void)
{
  static const Row rows[] = {
    { "{{$d := (.Created.Add 5400500000000).Sub .Created}}{{$d}} {{$d.Seconds}} {{$d.Minutes}} {{$d.Hours}} {{$d.Milliseconds}} {{$d.Microseconds}} {{$d.Nanoseconds}}",
      "1h30m0.5s 5400.5 90.00833333333334 1.500138888888889 5400500 5400500000 5400500000000" },
    { "{{$d := (.Created.Add 5400500000000).Sub .Created}}{{$d.Round 1000000000}} {{$d.Truncate 60000000000}} {{$d.Abs}} {{$d.String}} {{printf \"%d %s %q\" $d $d $d}} {{json $d}}",
      "1h30m1s 1h30m0s 1h30m0.5s 1h30m0.5s 5400500000000 1h30m0.5s \"1h30m0.5s\" 5400500000000" },
    { "{{$d := .Created.Sub (.Created.Add 2500000000)}}{{$d}} {{$d.Abs}} {{$d.Seconds}} {{$d.Round 1000000000}} {{$d.Truncate 1000000000}} {{$d.Round 0}} {{$d.Round -5}} {{$d.Truncate -5}} {{.Created.Add $d}}",
      "-2.5s 2.5s -2.5 -3s -2s -2.5s -2.5s -2.5s 2024-05-01 10:00:02.62045 +0000 UTC" },
    { "{{(.State.FinishedAt.Sub .Created).Abs}} {{(.State.FinishedAt.Sub .Created).Round 9000000000000000000}} {{.State.FinishedAt.Add -1}}", "2562047h47m16.854775807s -2500000h0m0s 0001-01-01 00:00:00.999999999 +0000 UTC" },
    { "{{.Healthcheck.Interval}} {{.Healthcheck.Interval.Seconds}} {{.Healthcheck.Timeout}} {{.Healthcheck.Timeout.Seconds}}", "1m30s 90 0s 0" },
  };
  check_rows (sample, rows, G_N_ELEMENTS (rows));
}

static void
test_errors (void)
{
#define AT(column, what) "template: format:1:" column ": executing \"format\" at <" what ">: "
  static const Row rows[] = {
    { "{{.Created.Foo}}", AT ("2", ".Created.Foo") "can't evaluate field Foo in type time.Time" },
    { "{{.Created.unix}}", AT ("2", ".Created.unix") "can't evaluate field unix in type time.Time" },
    { "{{.Created.Unix.Foo}}", AT ("2", ".Created.Unix.Foo") "can't evaluate field Foo in type int64" },
    { "{{.Created.Month.Foo}}", AT ("2", ".Created.Month.Foo") "can't evaluate field Foo in type time.Month" },
    { "{{(.Created.Sub .Created).Foo}}", AT ("2", "(.Created.Sub .Created).Foo") "can't evaluate field Foo in type time.Duration" },
    { "{{.Created.Nope 1}}", AT ("2", ".Created.Nope") "can't evaluate field Nope in type time.Time" },
    { "{{.Created.Unix 3}}", AT ("2", ".Created.Unix") "wrong number of args for Unix: want 0 got 1" },
    { "{{3 | .Created.Unix}}", AT ("6", ".Created.Unix") "wrong number of args for Unix: want 0 got 1" },
    { "{{.Created.Format}}", AT ("2", ".Created.Format") "wrong number of args for Format: want 1 got 0" },
    { "{{.Created.Format \"2006\" \"01\"}}", AT ("2", ".Created.Format") "wrong number of args for Format: want 1 got 2" },
    { "{{.Created.Format 3}}", AT ("18", "3") "expected string; found 3" },
    { "{{.Created.Format .Created}}", AT ("18", ".Created") "wrong type for value; expected string; got time.Time" },
    { "{{.Created.Before 3}}", AT ("18", "3") "can't handle 3 for arg of type time.Time" },
    { "{{.Created.Before \"x\"}}", AT ("18", "\"x\"") "can't handle \"x\" for arg of type time.Time" },
    { "{{.Created.Before .Id}}", AT ("18", ".Id") "wrong type for value; expected time.Time; got string" },
    { "{{.Created.Add \"x\"}}", AT ("15", "\"x\"") "expected integer; found \"x\"" },
    { "{{.Created.Add 1.5}}", AT ("15", "1.5") "expected integer; found 1.5" },
    { "{{.Created.Add .Created.Unix}}", AT ("15", ".Created.Unix") "wrong type for value; expected time.Duration; got int64" },
    { "{{.Created.Date}}", AT ("2", ".Created.Date") "function Date has 3 return values; should be 1 or 2" },
    { "{{.Created.Date 3}}", AT ("2", ".Created.Date") "wrong number of args for Date: want 0 got 1" },
    { "{{.Created.Zone}}", AT ("2", ".Created.Zone") "invalid function signature for Zone: second return value should be error; is int" },
    { "{{.Id.Format \"x\"}}", AT ("2", ".Id.Format") "Format has arguments but cannot be invoked as function" },
    { "{{.Id.Unix}}", AT ("2", ".Id.Unix") "can't evaluate field Unix in type string" },
    { "{{len .Created}}", AT ("2", "len .Created") "error calling len: len of type time.Time" },
    { "{{slice .Created 0 10}}", AT ("2", "slice .Created 0 10") "error calling slice: can't slice item of type time.Time" },
    { "{{index .Created 0}}", AT ("2", "index .Created 0") "error calling index: can't index item of type time.Time" },
    { "{{lt .Created .State.StartedAt}}", AT ("2", "lt .Created .State.StartedAt") "error calling lt: invalid type for comparison" },
    { "{{eq .Created \"x\"}}", AT ("2", "eq .Created \"x\"") "error calling eq: incompatible types for comparison" },
    { "{{upper .Created}}", AT ("2", "upper .Created") "error calling upper: wrong type for value; expected string; got time.Time" },
    { "{{range .Created}}{{end}}", AT ("8", ".Created") "range can't iterate over 2024-05-01 10:00:05.12045 +0000 UTC" },
    { "{{.Created.Format (pad \"x\" 1100000 0)}}", AT ("2", ".Created.Format") "error calling Format: the layout is longer than 1048576 bytes" },
  };
  check_rows (sample, rows, G_N_ELEMENTS (rows));
}

static void
check_list (const char *format, TemplateFlags flags, const char *expected)
{
  json_t *list = json_loads ("[{\"ID\":\"a\",\"CreatedAt\":\"2024-05-01T10:00:05Z\"},{\"ID\":\"b\",\"CreatedAt\":\"2024-05-02T10:00:05Z\"}]", 0, NULL);
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  gboolean ok = template_render_list (format, list, NULL, flags, out, &error);
  g_assert_cmpint (ok, ==, error == NULL);
  g_assert_cmpstr (ok ? out->str : error->message, ==, expected);
  json_decref (list);
}

static void
test_list (void)
{
  check_list ("{{.CreatedAt}} {{.CreatedAt.Unix}}", 0, "2024-05-01 10:00:05 +0000 UTC 1714557605\n2024-05-02 10:00:05 +0000 UTC 1714644005\n");
  check_list ("table {{.ID}}\\t{{.CreatedAt.Format \"06\"}}\\t{{.CreatedAt.Unix}}", 0, "ID          FORMAT      UNIX\na           24          1714557605\nb           24          1714644005\n");
  check_list ("{{.CreatedAt}}", TEMPLATE_NO_TIMES, "2024-05-01T10:00:05Z\n2024-05-02T10:00:05Z\n");
  check_list ("{{range .}}{{slice .CreatedAt 0 10}} {{end}}", TEMPLATE_NO_TIMES, "2024-05-01 2024-05-02 \n");
  check_list ("{{.CreatedAt.Unix}}", TEMPLATE_NO_TIMES, AT ("2", ".CreatedAt.Unix") "can't evaluate field Unix in type string");
}

int
main (int argc, char **argv)
{
  use_zone ("UTC");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/template-time/layout", test_layout);
  g_test_add_func ("/template-time/zones", test_zones);
  g_test_add_func ("/template-time/methods", test_methods);
  g_test_add_func ("/template-time/durations", test_durations);
  g_test_add_func ("/template-time/errors", test_errors);
  g_test_add_func ("/template-time/list", test_list);
  return g_test_run ();
}
