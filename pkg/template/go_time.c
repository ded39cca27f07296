#include "pkg/template/go_time.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/text.h"
#include "pkg/template/time_layout.h"

#define NSEC_PER_SEC INT64_C (1000000000)
#define ZERO_TIME INT64_C (-62135596800)   /* 0001-01-01T00:00:00Z */
#define LAST_TIME INT64_C (253402300799)   /* 9999-12-31T23:59:59Z */

/* "+02:00" at the end of @text, whose form has been checked. */
static int
offset_of (const char *text)
{
  const char *sign = text + strlen (text) - strlen ("+02:00");
  int seconds = atoi (sign + 1) * 3600 + atoi (sign + 4) * 60;
  return *sign == '-' ? -seconds : seconds;
}

gboolean
go_time_parse (const char *text, GoTime *ret_time)
{
  GoTime time = { .zone = GO_UTC };
  size_t length = strlen (text);
  if (length < strlen ("2024-05-01T10:00:00Z") || text[10] != 'T' || (text[length - 1] != 'Z' && text[length - 6] != '+' && text[length - 6] != '-')
      || !text_time_parse (text, (struct timespec) { 0, 0 }, &time.when, NULL))
    return FALSE;
  if (text[length - 1] != 'Z')
    {
      time.zone = GO_LOCAL;
      time.offset = offset_of (text);
      if (go_time_parts (&time).tm_gmtoff != time.offset)
        time.zone = GO_FIXED;
    }
  *ret_time = time;
  return TRUE;
}

struct tm
go_time_parts (const GoTime *time)
{
  time_t seconds = CLAMP ((gint64) time->when.tv_sec, ZERO_TIME, LAST_TIME) + (time->zone == GO_FIXED ? time->offset : 0);
  struct tm parts;
  memset (&parts, 0, sizeof parts);
  if (time->zone == GO_LOCAL)
    localtime_r (&seconds, &parts);
  else
    gmtime_r (&seconds, &parts);
  if (time->zone == GO_FIXED)
    parts.tm_gmtoff = time->offset;
  if (time->zone != GO_LOCAL)
    parts.tm_zone = time->zone == GO_UTC ? "UTC" : "";
  return parts;
}

void
go_time_format (GString *out, const GoTime *time, const char *layout, size_t length)
{
  struct tm parts = go_time_parts (time);
  time_layout_print (out, layout, length, &parts, time->when.tv_nsec);
}

static char *
format_new (const GoTime *time, const char *layout)
{
  GString *out = g_string_new (NULL);
  go_time_format (out, time, layout, strlen (layout));
  return g_string_free (out, FALSE);
}

char *
go_time_string (const GoTime *time)
{
  return format_new (time, "2006-01-02 15:04:05.999999999 -0700 MST");
}

char *
go_time_rfc3339 (const GoTime *time)
{
  return format_new (time, "2006-01-02T15:04:05.999999999Z07:00");
}

const char *
go_time_location (const GoTime *time)
{
  const char *zone = getenv ("TZ");
  if (time->zone != GO_LOCAL)
    return time->zone == GO_UTC ? "UTC" : "";
  if (zone == NULL)
    return "Local";
  zone += *zone == ':';
  return *zone != 0 ? zone : "UTC";
}

gboolean
go_time_is_zero (const GoTime *time)
{
  return time->when.tv_sec == ZERO_TIME && time->when.tv_nsec == 0;
}

int
go_time_compare (const GoTime *a, const GoTime *b)
{
  if (a->when.tv_sec != b->when.tv_sec)
    return a->when.tv_sec < b->when.tv_sec ? -1 : 1;
  return (a->when.tv_nsec > b->when.tv_nsec) - (a->when.tv_nsec < b->when.tv_nsec);
}

gint64
go_time_sub (const GoTime *a, const GoTime *b)
{
  gint64 nsec;
  if (!__builtin_mul_overflow ((gint64) a->when.tv_sec - b->when.tv_sec, NSEC_PER_SEC, &nsec) && !__builtin_add_overflow (nsec, (gint64) a->when.tv_nsec - b->when.tv_nsec, &nsec))
    return nsec;
  return a->when.tv_sec < b->when.tv_sec ? G_MININT64 : G_MAXINT64;
}

GoTime
go_time_add (const GoTime *time, gint64 nsec)
{
  GoTime sum = *time;
  gint64 seconds = (gint64) time->when.tv_sec + nsec / NSEC_PER_SEC, rest = time->when.tv_nsec + nsec % NSEC_PER_SEC;
  if (rest < 0 || rest >= NSEC_PER_SEC)
    {
      seconds += rest < 0 ? -1 : 1;
      rest += rest < 0 ? NSEC_PER_SEC : -NSEC_PER_SEC;
    }
  sum.when = (struct timespec) { .tv_sec = CLAMP (seconds, ZERO_TIME, LAST_TIME), .tv_nsec = rest };
  return sum;
}
