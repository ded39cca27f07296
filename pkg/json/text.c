/* JSON as Go's encoding/json writes it: jansson's own output differs in floats, escapes and line separators. */
#include "pkg/json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WRITE_MAX_DEPTH 1024   /* values made by us, not parsed: far above any, below the stack */

static void
write_char (GString *out, gunichar c, JsonTextFlags flags)
{
  switch (c)
    {
    case '"':
      g_string_append (out, "\\\"");
      return;
    case '\\':
      g_string_append (out, "\\\\");
      return;
    case '\n':
      g_string_append (out, "\\n");
      return;
    case '\r':
      g_string_append (out, "\\r");
      return;
    case '\t':
      g_string_append (out, "\\t");
      return;
    case '\b':
      g_string_append (out, "\\b");
      return;
    case '\f':
      g_string_append (out, "\\f");
      return;
    }
  gboolean html = (flags & JSON_TEXT_ESCAPE_HTML) && (c == '<' || c == '>' || c == '&');
  if (c < 0x20 || html || c == 0x2028 || c == 0x2029)
    g_string_append_printf (out, "\\u%04x", c);
  else
    g_string_append_unichar (out, c);
}

void
json_write_string (GString *out, const char *text, size_t length, JsonTextFlags flags)
{
  g_string_append_c (out, '"');
  for (const char *at = text, *end = text + length; at < end;)
    {
      gunichar c = *at != 0 ? g_utf8_get_char_validated (at, end - at) : 0;
      if (c == (gunichar) -1 || c == (gunichar) -2)
        {
          g_string_append (out, "\\ufffd");
          at++;
          continue;
        }
      write_char (out, c, flags);
      at = c != 0 ? g_utf8_next_char (at) : at + 1;
    }
  g_string_append_c (out, '"');
}

void
json_write_real (GString *out, double value)
{
  char buffer[64], shortest[G_ASCII_DTOSTR_BUF_SIZE];
  if (!isfinite (value))
    {
      g_string_append (out, "null");
      return;
    }
  double size = fabs (value);
  gboolean exponent = size != 0 && (size < 1e-6 || size >= 1e21);
  /* the fewest digits that read back as the same number */
  for (int digits = 0; digits <= 17; digits++)
    {
      g_ascii_formatd (shortest, sizeof shortest, digits == 0 ? "%.0e" : (g_snprintf (buffer, sizeof buffer, "%%.%de", digits), buffer), value);
      if (g_ascii_strtod (shortest, NULL) == value)
        break;
    }
  if (exponent)
    {
      /* Go's encoder writes 1e-7 where its formatter writes 1e-07 */
      char *zero = strstr (shortest, "e-0");
      if (zero != NULL)
        memmove (zero + 2, zero + 3, strlen (zero + 3) + 1);
      g_string_append (out, shortest);
      return;
    }
  /* digits after the point: those of the mantissa, less the exponent */
  const char *e = strchr (shortest, 'e');
  const char *point = strchr (shortest, '.');
  int decimals = (point != NULL ? (int) (e - point - 1) : 0) - atoi (e + 1);
  g_autofree char *format = g_strdup_printf ("%%.%df", MAX (decimals, 0));
  char plain[G_ASCII_DTOSTR_BUF_SIZE + 32];
  g_string_append (out, g_ascii_formatd (plain, sizeof plain, format, value));
}

static void
write_break (GString *out, int indent, int depth)
{
  if (indent == 0)
    return;
  g_string_append_c (out, '\n');
  for (int i = 0; i < indent * depth; i++)
    g_string_append_c (out, ' ');
}

static int
compare_keys (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static const char **
object_keys (const json_t *object, gboolean sort, size_t *ret_count)
{
  size_t count = 0;
  const char **keys = g_new (const char *, json_object_size (object) + 1);
  for (void *iter = json_object_iter ((json_t *) object); iter != NULL; iter = json_object_iter_next ((json_t *) object, iter))
    keys[count++] = json_object_iter_key (iter);
  if (sort)
    qsort (keys, count, sizeof *keys, compare_keys);
  *ret_count = count;
  return keys;
}

static void write_value (GString *out, const json_t *value, int indent, int depth, JsonTextFlags flags);

static void
write_object (GString *out, const json_t *object, int indent, int depth, JsonTextFlags flags)
{
  size_t count;
  g_autofree const char **keys = object_keys (object, (flags & JSON_TEXT_SORT) != 0, &count);
  g_string_append_c (out, '{');
  for (size_t i = 0; i < count; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      write_break (out, indent, depth + 1);
      json_write_string (out, keys[i], strlen (keys[i]), flags);
      g_string_append (out, indent > 0 ? ": " : ":");
      write_value (out, json_object_get (object, keys[i]), indent, depth + 1, flags);
    }
  if (count > 0)
    write_break (out, indent, depth);
  g_string_append_c (out, '}');
}

static void
write_array (GString *out, const json_t *array, int indent, int depth, JsonTextFlags flags)
{
  size_t count = json_array_size (array);
  g_string_append_c (out, '[');
  for (size_t i = 0; i < count; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      write_break (out, indent, depth + 1);
      write_value (out, json_array_get (array, i), indent, depth + 1, flags);
    }
  if (count > 0)
    write_break (out, indent, depth);
  g_string_append_c (out, ']');
}

static void
write_value (GString *out, const json_t *value, int indent, int depth, JsonTextFlags flags)
{
  if (value == NULL || json_is_null (value) || depth > WRITE_MAX_DEPTH)
    g_string_append (out, "null");
  else if (json_is_object (value))
    write_object (out, value, indent, depth, flags);
  else if (json_is_array (value))
    write_array (out, value, indent, depth, flags);
  else if (json_is_string (value))
    json_write_string (out, json_string_value (value), json_string_length (value), flags);
  else if (json_is_integer (value))
    g_string_append_printf (out, "%" JSON_INTEGER_FORMAT, json_integer_value (value));
  else if (json_is_real (value))
    json_write_real (out, json_real_value (value));
  else
    g_string_append (out, json_is_true (value) ? "true" : "false");
}

void
json_write (GString *out, const json_t *value, int indent, JsonTextFlags flags)
{
  write_value (out, value, indent, 0, flags);
}

char *
json_to_text (const json_t *value, int indent, JsonTextFlags flags)
{
  GString *out = g_string_new (NULL);
  json_write (out, value, indent, flags);
  return g_string_free (out, FALSE);
}
