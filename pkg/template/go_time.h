/* go_time: a point in time and the zone it is told in, as Go's time.Time. Private to pkg/template. */
#pragma once

#include <glib.h>
#include <time.h>

typedef enum {
  GO_UTC,
  GO_LOCAL,   /* the machine's */
  GO_FIXED,   /* @offset, without a name */
} GoZone;

typedef struct {
  struct timespec when;   /* years 1 to 9999 */
  GoZone zone;
  int offset;             /* FIXED: seconds east of UTC */
} GoTime;

/* go_time_parse: RFC 3339, as Go reads it: "Z" is UTC, an offset that is the machine's at that time is the machine's zone. Returns FALSE if @text is anything else. */
gboolean go_time_parse (const char *text, GoTime *ret_time);
/* go_time_parts: broken down in its zone; tm_zone is "" in a FIXED one. */
struct tm go_time_parts (const GoTime *time);
/* go_time_format: Go's Time.Format, appended to @out. */
void go_time_format (GString *out, const GoTime *time, const char *layout, size_t length);
/* go_time_string: Go's Time.String: "2024-05-01 10:00:00.5 +0000 UTC". Free with g_free. */
char *go_time_string (const GoTime *time);
/* go_time_rfc3339: what it is in JSON. Free with g_free. */
char *go_time_rfc3339 (const GoTime *time);
/* go_time_location: "UTC", "Local" or what TZ says, "" for a FIXED zone. Borrowed. */
const char *go_time_location (const GoTime *time);
gboolean go_time_is_zero (const GoTime *time);   /* 0001-01-01T00:00:00Z */
/* go_time_compare: -1, 0 or 1; the zones do not count. */
int go_time_compare (const GoTime *a, const GoTime *b);
/* go_time_sub: nanoseconds from @b to @a; what does not fit is the longest duration. */
gint64 go_time_sub (const GoTime *a, const GoTime *b);
/* go_time_add: @nsec later; outside years 1 to 9999 it is the nearest of them. */
GoTime go_time_add (const GoTime *time, gint64 nsec);
