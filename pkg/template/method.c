#include "pkg/template/method.h"

#include <stdint.h>
#include <string.h>

#include "pkg/template/time_layout.h"

#define NSEC_PER_SEC INT64_C (1000000000)

/* Go's UnixNano wraps around where it does not fit, and so do the others. */
static json_int_t
unix_in (const Value *self, guint64 per_second)
{
  guint64 whole = (guint64) self->time.when.tv_sec * per_second, rest = (guint64) self->time.when.tv_nsec / ((guint64) NSEC_PER_SEC / per_second), sum = whole + rest;
  return (json_int_t) sum;
}

static json_int_t unix_seconds (const Value *self) { return self->time.when.tv_sec; }
static json_int_t unix_milli (const Value *self) { return unix_in (self, 1000); }
static json_int_t unix_micro (const Value *self) { return unix_in (self, 1000000); }
static json_int_t unix_nano (const Value *self) { return unix_in (self, NSEC_PER_SEC); }
static json_int_t time_year (const Value *self) { return go_time_parts (&self->time).tm_year + 1900; }
static json_int_t time_month (const Value *self) { return go_time_parts (&self->time).tm_mon + 1; }
static json_int_t time_day (const Value *self) { return go_time_parts (&self->time).tm_mday; }
static json_int_t time_hour (const Value *self) { return go_time_parts (&self->time).tm_hour; }
static json_int_t time_minute (const Value *self) { return go_time_parts (&self->time).tm_min; }
static json_int_t time_second (const Value *self) { return go_time_parts (&self->time).tm_sec; }
static json_int_t time_nanosecond (const Value *self) { return self->time.when.tv_nsec; }
static json_int_t time_weekday (const Value *self) { return go_time_parts (&self->time).tm_wday; }
static json_int_t time_year_day (const Value *self) { return go_time_parts (&self->time).tm_yday + 1; }

static gboolean time_is_zero (const Value *self, const Value *argument) { (void) argument; return go_time_is_zero (&self->time); }
static gboolean time_is_dst (const Value *self, const Value *argument) { (void) argument; return go_time_parts (&self->time).tm_isdst > 0; }
static gboolean time_before (const Value *self, const Value *argument) { return go_time_compare (&self->time, &argument->time) < 0; }
static gboolean time_after (const Value *self, const Value *argument) { return go_time_compare (&self->time, &argument->time) > 0; }
static gboolean time_equal (const Value *self, const Value *argument) { return go_time_compare (&self->time, &argument->time) == 0; }

static void
time_compare (const Value *self, const Value *argument, Value *ret_value)
{
  *ret_value = value_own (json_integer (go_time_compare (&self->time, &argument->time)));
}

static void
time_sub (const Value *self, const Value *argument, Value *ret_value)
{
  *ret_value = value_number (go_time_sub (&self->time, &argument->time), VALUE_DURATION);
}

static void
time_add (const Value *self, const Value *argument, Value *ret_value)
{
  GoTime sum = go_time_add (&self->time, json_integer_value (argument->json));
  *ret_value = value_of_time (&sum);
}

static void
in_zone (const Value *self, GoZone zone, Value *ret_value)
{
  GoTime time = { .when = self->time.when, .zone = zone };
  *ret_value = value_of_time (&time);
}

static void time_utc (const Value *self, const Value *argument, Value *ret_value) { (void) argument; in_zone (self, GO_UTC, ret_value); }
static void time_local (const Value *self, const Value *argument, Value *ret_value) { (void) argument; in_zone (self, GO_LOCAL, ret_value); }

static void
time_location (const Value *self, const Value *argument, Value *ret_value)
{
  (void) argument;
  const char *name = go_time_location (&self->time);
  *ret_value = value_string (name, strlen (name));
}

static void
time_format (const Value *self, const Value *argument, Value *ret_value)
{
  g_autoptr (GString) out = g_string_new (NULL);
  go_time_format (out, &self->time, json_string_value (argument->json), json_string_length (argument->json));
  *ret_value = value_string (out->str, out->len);
}

/* String, of all of them. */
static void
to_string (const Value *self, const Value *argument, Value *ret_value)
{
  (void) argument;
  g_autofree char *text = value_text (self);
  *ret_value = value_string (text, strlen (text));
}

static json_int_t duration_in (const Value *self, gint64 unit) { return json_integer_value (self->json) / unit; }
static json_int_t duration_nano (const Value *self) { return duration_in (self, 1); }
static json_int_t duration_micro (const Value *self) { return duration_in (self, 1000); }
static json_int_t duration_milli (const Value *self) { return duration_in (self, 1000000); }

static json_int_t
duration_abs (const Value *self)
{
  json_int_t nsec = json_integer_value (self->json);
  return nsec == G_MININT64 ? G_MAXINT64 : nsec < 0 ? -nsec : nsec;
}

/* Whole units and the rest apart, as Go adds them. */
static void
real_in (const Value *self, gint64 unit, Value *ret_value)
{
  json_int_t nsec = json_integer_value (self->json), whole = nsec / unit, rest = nsec % unit;
  *ret_value = value_own (json_real ((double) whole + (double) rest / (double) unit));
}

static void duration_seconds (const Value *self, const Value *argument, Value *ret_value) { (void) argument; real_in (self, NSEC_PER_SEC, ret_value); }
static void duration_minutes (const Value *self, const Value *argument, Value *ret_value) { (void) argument; real_in (self, 60 * NSEC_PER_SEC, ret_value); }
static void duration_hours (const Value *self, const Value *argument, Value *ret_value) { (void) argument; real_in (self, 3600 * NSEC_PER_SEC, ret_value); }

static void
duration_truncate (const Value *self, const Value *argument, Value *ret_value)
{
  json_int_t nsec = json_integer_value (self->json), unit = json_integer_value (argument->json);
  *ret_value = value_number (unit > 0 ? nsec - nsec % unit : nsec, VALUE_DURATION);
}

/* To the nearest, halves away from zero; what does not fit is the longest. */
static void
duration_round (const Value *self, const Value *argument, Value *ret_value)
{
  json_int_t nsec = json_integer_value (self->json), unit = json_integer_value (argument->json), rest = unit > 0 ? nsec % unit : 0, rounded = nsec - rest;
  if (rest >= 0 ? rest >= unit - rest : -rest >= unit + rest)
    rounded = unit <= 0 ? nsec : __builtin_add_overflow (rounded, rest < 0 ? -unit : unit, &rounded) ? (rest < 0 ? G_MININT64 : G_MAXINT64) : rounded;
  *ret_value = value_number (rounded, VALUE_DURATION);
}

#define NUMBER(type, word, function, result) { .of = (type), .name = (word), .number = (function), .gives = (result) }
#define TRUTH(word, wants, function) { .of = VALUE_TIME, .name = (word), .argument = (wants), .truth = (function) }
#define CALL(type, word, wants, function) { .of = (type), .name = (word), .argument = (wants), .call = (function) }
#define REFUSED(word, why) { .of = VALUE_TIME, .name = (word), .refusal = (why) }

const Method *
method_find (ValueType of, const char *name)
{
  static const Method methods[] = {
    NUMBER (VALUE_TIME, "Unix", unix_seconds, VALUE_INT64),
    NUMBER (VALUE_TIME, "UnixMilli", unix_milli, VALUE_INT64),
    NUMBER (VALUE_TIME, "UnixMicro", unix_micro, VALUE_INT64),
    NUMBER (VALUE_TIME, "UnixNano", unix_nano, VALUE_INT64),
    NUMBER (VALUE_TIME, "Year", time_year, VALUE_PLAIN),
    NUMBER (VALUE_TIME, "Month", time_month, VALUE_MONTH),
    NUMBER (VALUE_TIME, "Day", time_day, VALUE_PLAIN),
    NUMBER (VALUE_TIME, "Hour", time_hour, VALUE_PLAIN),
    NUMBER (VALUE_TIME, "Minute", time_minute, VALUE_PLAIN),
    NUMBER (VALUE_TIME, "Second", time_second, VALUE_PLAIN),
    NUMBER (VALUE_TIME, "Nanosecond", time_nanosecond, VALUE_PLAIN),
    NUMBER (VALUE_TIME, "Weekday", time_weekday, VALUE_WEEKDAY),
    NUMBER (VALUE_TIME, "YearDay", time_year_day, VALUE_PLAIN),
    TRUTH ("IsZero", METHOD_NONE, time_is_zero),
    TRUTH ("IsDST", METHOD_NONE, time_is_dst),
    TRUTH ("Before", METHOD_TIME, time_before),
    TRUTH ("After", METHOD_TIME, time_after),
    TRUTH ("Equal", METHOD_TIME, time_equal),
    CALL (VALUE_TIME, "Compare", METHOD_TIME, time_compare),
    CALL (VALUE_TIME, "Sub", METHOD_TIME, time_sub),
    CALL (VALUE_TIME, "Add", METHOD_DURATION, time_add),
    CALL (VALUE_TIME, "UTC", METHOD_NONE, time_utc),
    CALL (VALUE_TIME, "Local", METHOD_NONE, time_local),
    CALL (VALUE_TIME, "Location", METHOD_NONE, time_location),
    CALL (VALUE_TIME, "Format", METHOD_STRING, time_format),
    CALL (VALUE_TIME, "String", METHOD_NONE, to_string),
    REFUSED ("Date", "function Date has 3 return values; should be 1 or 2"),
    REFUSED ("Clock", "function Clock has 3 return values; should be 1 or 2"),
    REFUSED ("ISOWeek", "invalid function signature for ISOWeek: second return value should be error; is int"),
    REFUSED ("Zone", "invalid function signature for Zone: second return value should be error; is int"),
    REFUSED ("ZoneBounds", "invalid function signature for ZoneBounds: second return value should be error; is time.Time"),
    NUMBER (VALUE_DURATION, "Nanoseconds", duration_nano, VALUE_INT64),
    NUMBER (VALUE_DURATION, "Microseconds", duration_micro, VALUE_INT64),
    NUMBER (VALUE_DURATION, "Milliseconds", duration_milli, VALUE_INT64),
    NUMBER (VALUE_DURATION, "Abs", duration_abs, VALUE_DURATION),
    CALL (VALUE_DURATION, "Seconds", METHOD_NONE, duration_seconds),
    CALL (VALUE_DURATION, "Minutes", METHOD_NONE, duration_minutes),
    CALL (VALUE_DURATION, "Hours", METHOD_NONE, duration_hours),
    CALL (VALUE_DURATION, "Truncate", METHOD_DURATION, duration_truncate),
    CALL (VALUE_DURATION, "Round", METHOD_DURATION, duration_round),
    CALL (VALUE_DURATION, "String", METHOD_NONE, to_string),
    CALL (VALUE_MONTH, "String", METHOD_NONE, to_string),
    CALL (VALUE_WEEKDAY, "String", METHOD_NONE, to_string),
  };
  for (size_t i = 0; i < G_N_ELEMENTS (methods); i++)
    if (methods[i].of == of && strcmp (methods[i].name, name) == 0)
      return &methods[i];
  return NULL;
}

void
method_call (const Method *method, const Value *self, const Value *argument, Value *ret_value)
{
  if (method->number != NULL)
    *ret_value = value_number (method->number (self), method->gives);
  else if (method->truth != NULL)
    *ret_value = value_own (json_boolean (method->truth (self, argument)));
  else
    method->call (self, argument, ret_value);
}
