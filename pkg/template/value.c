#include "pkg/template/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/text.h"
#include "pkg/template/template.h"
#include "pkg/template/time_layout.h"

#define PRINT_MAX_DEPTH 256

void
value_clear (Value *value)
{
  json_decref (value->json);
  *value = (Value) { NULL };
}

Value
value_ref (const Value *value)
{
  json_incref (value->json);
  return *value;
}

Value
value_own (json_t *json)
{
  return (Value) { .json = json };
}

json_t *
value_string_json (const char *text, size_t length)
{
  json_t *json = json_stringn (text, length);
  if (json != NULL)
    return json;
  g_autofree char *valid = g_utf8_make_valid (text, length);
  return json_string (valid);
}

Value
value_string (const char *text, size_t length)
{
  return value_own (value_string_json (text, length));
}

static gboolean
key_is_time (const char *key)
{
  static const char *const keys[] = { "Created", "StartedAt", "FinishedAt", "CheckpointedAt", "RestoredAt", "CreatedAt", "UpdatedAt", "created", NULL };
  return g_strv_contains (keys, key);
}

Value
value_number (json_int_t number, ValueType type)
{
  return (Value) { .json = json_integer (number), .type = type };
}

Value
value_of_time (const GoTime *time)
{
  g_autofree char *text = go_time_rfc3339 (time);
  return (Value) { .json = json_string (text), .type = VALUE_TIME, .time = *time };
}

Value
value_child (json_t *json, const char *key)
{
  Value child = { .json = json_incref (json) };
  child.is_map = (json_is_object (json) || json_is_null (json)) && key != NULL && template_key_is_map (key);
  child.is_check = json_is_object (json) && key != NULL && (strcmp (key, "Healthcheck") == 0 || strcmp (key, "StartupHealthCheck") == 0);
  if (json_is_string (json) && key != NULL && key_is_time (key) && go_time_parse (json_string_value (json), &child.time))
    child.type = VALUE_TIME;
  return child;
}

Value
value_field (const Value *parent, json_t *json, const char *key)
{
  static const char *const durations[] = { "Interval", "Timeout", "StartPeriod", NULL };
  gboolean is_duration = parent->is_check && g_strv_contains (durations, key);
  if (json == NULL)
    return is_duration ? value_number (0, VALUE_DURATION) : (Value) { NULL };
  Value child = value_child (json, key);
  if (is_duration && json_is_integer (json))
    child.type = VALUE_DURATION;
  else if (parent->no_times && child.type == VALUE_TIME)
    child.type = VALUE_PLAIN;
  return child;
}

char *
value_text (const Value *value)
{
  json_int_t number = json_integer_value (value->json);
  switch (value->type)
    {
    case VALUE_TIME:
      return go_time_string (&value->time);
    case VALUE_DURATION:
      return text_duration_go (number);
    case VALUE_MONTH:
      return g_strdup (time_months[CLAMP (number, 1, 12) - 1]);
    case VALUE_WEEKDAY:
      return g_strdup (time_days[CLAMP (number, 0, 6)]);
    default:
      return NULL;
    }
}

gboolean
value_is_nil (const Value *value)
{
  return value->json == NULL || json_is_null (value->json);
}

gboolean
value_is_string (const Value *value)
{
  return json_is_string (value->json) && value->type == VALUE_PLAIN;
}

gboolean
value_truth (const Value *value)
{
  if (value_is_nil (value))
    return FALSE;
  switch (json_typeof (value->json))
    {
    case JSON_OBJECT:
      return !value->is_map || json_object_size (value->json) > 0;
    case JSON_ARRAY:
      return json_array_size (value->json) > 0;
    case JSON_STRING:
      return json_string_length (value->json) > 0;
    case JSON_INTEGER:
      return json_integer_value (value->json) != 0;
    case JSON_REAL:
      return json_real_value (value->json) != 0;
    default:
      return json_is_true (value->json);
    }
}

const char *
value_type_name (const Value *value)
{
  static const char *const types[] = { [VALUE_TIME] = "time.Time", [VALUE_DURATION] = "time.Duration", [VALUE_MONTH] = "time.Month", [VALUE_WEEKDAY] = "time.Weekday", [VALUE_INT64] = "int64" };
  if (value_is_nil (value))
    return "<nil>";
  if (value->type != VALUE_PLAIN)
    return types[value->type];
  switch (json_typeof (value->json))
    {
    case JSON_OBJECT:
      return value->is_map ? "map[string]interface {}" : "object";
    case JSON_ARRAY:
      return "[]interface {}";
    case JSON_STRING:
      return "string";
    case JSON_INTEGER:
      return "int";
    case JSON_REAL:
      return "float64";
    default:
      return "bool";
    }
}

static int
compare_keys (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* In insertion order, as a struct's fields are. */
static const char **
fields_of (json_t *object, size_t *ret_count)
{
  size_t count = 0;
  const char **keys = g_new (const char *, json_object_size (object) + 1);
  for (void *iter = json_object_iter (object); iter != NULL; iter = json_object_iter_next (object, iter))
    keys[count++] = json_object_iter_key (iter);
  *ret_count = count;
  return keys;
}

const char **
value_keys (json_t *object, size_t *ret_count)
{
  const char **keys = fields_of (object, ret_count);
  qsort (keys, *ret_count, sizeof *keys, compare_keys);
  return keys;
}

void
value_print_real (GString *out, double real)
{
  char text[64], format[16];
  if (isnan (real) || isinf (real))
    {
      g_string_append (out, isnan (real) ? "NaN" : real > 0 ? "+Inf" : "-Inf");
      return;
    }
  /* the fewest digits that read back as the same number */
  for (int digits = 0; digits <= 17; digits++)
    {
      g_snprintf (format, sizeof format, "%%.%de", digits);
      g_ascii_formatd (text, sizeof text, format, real);
      if (g_ascii_strtod (text, NULL) == real)
        break;
    }
  const char *e = strchr (text, 'e'), *point = strchr (text, '.');
  int exponent = atoi (e + 1);
  if (exponent < -4 || exponent >= 6)
    {
      g_string_append (out, text);
      return;
    }
  int decimals = (point != NULL ? (int) (e - point - 1) : 0) - exponent;
  g_snprintf (format, sizeof format, "%%.%df", MAX (decimals, 0));
  g_string_append (out, g_ascii_formatd (text, sizeof text, format, real));
}

static void print_value (GString *out, const Value *value, gboolean plus, int depth);

static void
print_object (GString *out, const Value *value, gboolean plus, int depth)
{
  size_t count;
  g_autofree const char **keys = value->is_map ? value_keys (value->json, &count) : fields_of (value->json, &count);
  g_string_append (out, value->is_map ? "map[" : "{");
  for (size_t i = 0; i < count; i++)
    {
      Value item = value_field (value, json_object_get (value->json, keys[i]), keys[i]);
      if (i > 0)
        g_string_append_c (out, ' ');
      if (value->is_map || plus)
        g_string_append_printf (out, "%s:", keys[i]);
      print_value (out, &item, plus, depth + 1);
      value_clear (&item);
    }
  g_string_append_c (out, value->is_map ? ']' : '}');
}

static void
print_list (GString *out, const json_t *list, gboolean plus, int depth)
{
  g_string_append_c (out, '[');
  for (size_t i = 0; i < json_array_size (list); i++)
    {
      Value item = value_child (json_array_get (list, i), NULL);
      if (i > 0)
        g_string_append_c (out, ' ');
      print_value (out, &item, plus, depth + 1);
      value_clear (&item);
    }
  g_string_append_c (out, ']');
}

static void
print_value (GString *out, const Value *value, gboolean plus, int depth)
{
  json_t *json = value->json;
  g_autofree char *text = value_text (value);
  if (text != NULL)
    g_string_append (out, text);
  else if (value->is_map && json_is_null (json))
    g_string_append (out, "map[]");
  else if (json == NULL || json_is_null (json) || depth > PRINT_MAX_DEPTH)
    g_string_append (out, "<nil>");
  else if (json_is_object (json))
    print_object (out, value, plus, depth);
  else if (json_is_array (json))
    print_list (out, json, plus, depth);
  else if (json_is_string (json))
    g_string_append_len (out, json_string_value (json), json_string_length (json));
  else if (json_is_integer (json))
    g_string_append_printf (out, "%" JSON_INTEGER_FORMAT, json_integer_value (json));
  else if (json_is_real (json))
    value_print_real (out, json_real_value (json));
  else
    g_string_append (out, json_is_true (json) ? "true" : "false");
}

void
value_print (GString *out, const Value *value, gboolean plus)
{
  print_value (out, value, plus, 0);
}

void
value_quote (GString *out, const char *text, size_t length)
{
  static const char names[] = "abfnrtv\\\"", values[] = "\a\b\f\n\r\t\v\\\"";
  g_string_append_c (out, '"');
  for (const char *at = text, *end = text + length; at < end;)
    {
      gunichar c = *at != 0 ? g_utf8_get_char_validated (at, end - at) : 0;
      const char *known = c != 0 && c < 0x80 ? strchr (values, (int) c) : NULL;
      gboolean broken = c == (gunichar) -1 || c == (gunichar) -2;
      if (known != NULL)
        g_string_append_printf (out, "\\%c", names[known - values]);
      else if (broken || c < 0x20 || c == 0x7f)
        g_string_append_printf (out, "\\x%02x", (guchar) *at);
      else if (!g_unichar_isprint (c))
        g_string_append_printf (out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
      else
        g_string_append_unichar (out, c);
      at = broken || c == 0 ? at + 1 : g_utf8_next_char (at);
    }
  g_string_append_c (out, '"');
}
