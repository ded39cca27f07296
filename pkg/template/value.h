/* value: what a template computes with: a JSON value, or nothing. Private to pkg/template. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/template/go_time.h"

/* What JSON has no type for, and Go has: these print in a way of their own and have methods (method.h); in JSON they stay what they are there. */
typedef enum {
  VALUE_PLAIN,
  VALUE_TIME,       /* time.Time: a string, RFC 3339; @time is the same */
  VALUE_DURATION,   /* time.Duration: an integer, nanoseconds */
  VALUE_MONTH,      /* time.Month: an integer from 1 */
  VALUE_WEEKDAY,    /* time.Weekday: an integer, 0 is Sunday */
  VALUE_INT64,      /* int64: an integer; only its type's name differs */
} ValueType;

typedef struct {
  json_t *json;        /* owned; NULL: no value (a key its map does not have) */
  ValueType type;
  GoTime time;         /* of VALUE_TIME */
  gboolean is_map;     /* an object, or null, that is a map in Go */
  gboolean is_check;   /* an object of health checks, whose integers but Retries are Go's time.Durations */
  gboolean no_times;   /* an object, or a list of them, whose fields are no time.Time: TEMPLATE_NO_TIMES */
  gboolean heading;    /* a table's first line is being made: a string that stands for its field */
} Value;

void value_clear (Value *value);
Value value_ref (const Value *value);
/* value_own: takes over the caller's reference. */
Value value_own (json_t *json);
Value value_string (const char *text, size_t length);
/* value_number: of an integer's type. */
Value value_number (json_int_t number, ValueType type);
Value value_of_time (const GoTime *time);
/* value_string_json: any bytes as a JSON string; what is no UTF-8 becomes U+FFFD. */
json_t *value_string_json (const char *text, size_t length);
/* value_child: @json, an element or field of something, under @key (NULL in a list). */
Value value_child (json_t *json, const char *key);

gboolean value_is_nil (const Value *value);      /* null or nothing */
gboolean value_is_string (const Value *value);   /* in Go too: no time */
gboolean value_truth (const Value *value);
const char *value_type_name (const Value *value);   /* as Go would call it */

/* value_print: as Go's %v; @plus: as %+v, with the names of fields. */
void value_print (GString *out, const Value *value, gboolean plus);
/* value_field: as value_child, of a field of @parent. Without @json (the key is not there) it is nothing, but for a health check's durations: 0s. */
Value value_field (const Value *parent, json_t *json, const char *key);
/* value_keys: an object's keys, sorted; free with g_free. */
const char **value_keys (json_t *object, size_t *ret_count);
/* value_text: what Go's method String gives: "2024-05-01 10:00:00 +0000 UTC", "1m30s", "May", "Wednesday"; NULL for a value without one. Free with g_free. */
char *value_text (const Value *value);
/* value_print_real: Go's %v of a float64. */
void value_print_real (GString *out, double real);
/* value_quote: Go's %q: in double quotes, with escapes. */
void value_quote (GString *out, const char *text, size_t length);

/* value_printf: Go's Sprintf. Wrong and missing arguments show in the text, as there. Returns FALSE if the result would pass @limit bytes. */
gboolean value_printf (GString *out, const char *format, size_t length, const Value *args, size_t n_args, size_t limit);
