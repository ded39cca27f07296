/* Go's fmt.Sprintf over template values. Source: the documentation of package fmt. */
#include <string.h>

#include "pkg/template/value.h"

#define WIDTH_MAX 1000000   /* Go's own limit */

typedef struct {
  gboolean plus, minus, sharp, space, zero;
  int width, precision;   /* -1: not given */
} Spec;

static void
pad_to (GString *out, const char *text, size_t length, const Spec *spec, gboolean zero)
{
  size_t characters = length > 0 ? g_utf8_strlen (text, length) : 0;
  size_t fill = spec->width > 0 && (size_t) spec->width > characters ? spec->width - characters : 0;
  size_t sign = zero && fill > 0 && length > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  if (spec->minus)
    {
      g_string_append_len (out, text, length);
      zero = FALSE;
    }
  g_string_append_len (out, text, sign);
  for (size_t i = 0; i < fill; i++)
    g_string_append_c (out, zero ? '0' : ' ');
  if (!spec->minus)
    g_string_append_len (out, text + sign, length - sign);
}

static void
bad_verb (GString *out, char verb, const Value *arg)
{
  g_string_append_printf (out, "%%!%c(", verb);
  if (!value_is_nil (arg))
    g_string_append_printf (out, "%s=", value_type_name (arg));
  value_print (out, arg, FALSE);
  g_string_append_c (out, ')');
}

/* @value in base @base, digits of "0123456789abcdef" or capitals. */
static void
digits_of (GString *text, guint64 value, unsigned base, gboolean capitals)
{
  char digits[64];
  size_t count = 0;
  do
    digits[count++] = (capitals ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
  while ((value /= base) > 0);
  while (count > 0)
    g_string_append_c (text, digits[--count]);
}

static void
print_integer (GString *out, json_int_t value, char verb, const Spec *spec)
{
  static const struct { char verb; unsigned base; const char *prefix; } bases[] = { { 'd', 10, "" }, { 'v', 10, "" }, { 'b', 2, "0b" }, { 'o', 8, "0" }, { 'O', 8, "" }, { 'x', 16, "0x" }, { 'X', 16, "0X" } };
  g_autoptr (GString) text = g_string_new (NULL), number = g_string_new (NULL);
  if (value < 0)
    g_string_append_c (text, '-');
  else if (spec->plus || spec->space)
    g_string_append_c (text, spec->plus ? '+' : ' ');
  for (size_t i = 0; i < G_N_ELEMENTS (bases); i++)
    if (bases[i].verb == verb)
      {
        if (spec->sharp || verb == 'O')
          g_string_append (text, verb == 'O' ? "0o" : bases[i].prefix);
        digits_of (number, value < 0 ? -(guint64) value : (guint64) value, bases[i].base, verb == 'X');
      }
  for (int i = (int) number->len; i < spec->precision; i++)
    g_string_append_c (text, '0');
  if (spec->precision != 0 || value != 0)
    g_string_append_len (text, number->str, number->len);
  pad_to (out, text->str, text->len, spec, spec->zero && spec->precision < 0);
}

static void
print_character (GString *out, json_int_t value, char verb, const Spec *spec)
{
  char utf8[8] = "";
  gunichar c = value >= 0 && value <= 0x10ffff && !(value >= 0xd800 && value < 0xe000) ? (gunichar) value : 0xfffd;
  int length = g_unichar_to_utf8 (c, utf8);
  g_autoptr (GString) text = g_string_new (NULL);
  if (verb == 'U')
    g_string_append_printf (text, "U+%04X", c);
  else if (verb == 'q')
    g_string_append_printf (text, "'%.*s'", length, utf8);
  else
    g_string_append_len (text, utf8, length);
  pad_to (out, text->str, text->len, spec, FALSE);
}

static void
print_real (GString *out, double value, char verb, const Spec *spec)
{
  g_autoptr (GString) text = g_string_new (NULL);
  if (value >= 0 && (spec->plus || spec->space))
    g_string_append_c (text, spec->plus ? '+' : ' ');
  if ((verb == 'v' || verb == 'g' || verb == 'G') && spec->precision < 0)
    value_print_real (text, value);
  else
    {
      char buffer[2048];
      g_autofree char *format = g_strdup_printf ("%%.%d%c", spec->precision < 0 ? 6 : MIN (spec->precision, 1000), verb == 'v' ? 'g' : verb == 'F' ? 'f' : verb);
      g_string_append (text, g_ascii_formatd (buffer, sizeof buffer, format, value));
    }
  pad_to (out, text->str, text->len, spec, spec->zero);
}

static void
print_string (GString *out, const char *string, size_t length, char verb, const Spec *spec)
{
  g_autoptr (GString) text = g_string_new (NULL);
  if (spec->precision >= 0 && verb != 'x' && verb != 'X' && length > 0 && (size_t) spec->precision < (size_t) g_utf8_strlen (string, length))
    length = g_utf8_offset_to_pointer (string, spec->precision) - string;
  if (verb == 'q' && spec->sharp && memchr (string, '`', length) == NULL)
    {
      g_string_append_c (text, '`');
      g_string_append_len (text, string, length);
      g_string_append_c (text, '`');
    }
  else if (verb == 'q' || (verb == 'v' && spec->sharp))
    value_quote (text, string, length);
  else if (verb == 'x' || verb == 'X')
    for (size_t i = 0; i < length && (spec->precision < 0 || i < (size_t) spec->precision); i++)
      g_string_append_printf (text, "%s%s%02x", i == 0 && spec->sharp ? "0x" : "", spec->space && i > 0 ? " " : "", (guchar) string[i]);
  else
    g_string_append_len (text, string, length);
  if (verb == 'X')
    g_string_ascii_up (text);
  pad_to (out, text->str, text->len, spec, spec->zero && verb != 'v');
}

static void print_value (GString *out, const Value *arg, char verb, const Spec *spec, int depth);

/* A list or object: the verb for each item. */
static void
print_items (GString *out, const Value *arg, char verb, const Spec *spec, int depth)
{
  gboolean list = json_is_array (arg->json);
  size_t count = list ? json_array_size (arg->json) : 0;
  g_autofree const char **keys = list ? NULL : value_keys (arg->json, &count);
  g_string_append (out, list ? "[" : arg->is_map ? "map[" : "{");
  for (size_t i = 0; i < count; i++)
    {
      Value item = list ? value_child (json_array_get (arg->json, i), NULL) : value_field (arg, json_object_get (arg->json, keys[i]), keys[i]);
      if (i > 0)
        g_string_append_c (out, ' ');
      if (!list && arg->is_map)
        {
          print_string (out, keys[i], strlen (keys[i]), verb, spec);
          g_string_append_c (out, ':');
        }
      print_value (out, &item, verb, spec, depth + 1);
      value_clear (&item);
    }
  g_string_append_c (out, list || arg->is_map ? ']' : '}');
}

static void
print_value (GString *out, const Value *arg, char verb, const Spec *spec, int depth)
{
  json_t *json = arg->json;
  gboolean container = json_is_array (json) || json_is_object (json);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *string = value_text (arg);
  if (string != NULL && strchr ("vsqxX", verb) != NULL)
    print_string (out, string, strlen (string), verb, spec);
  else if (verb == 'T')
    pad_to (out, value_type_name (arg), strlen (value_type_name (arg)), spec, FALSE);
  else if (verb == 'v' && (container || value_is_nil (arg) || json_is_boolean (json)))
    {
      value_print (text, arg, spec->plus);
      pad_to (out, text->str, text->len, spec, FALSE);
    }
  else if (value_is_nil (arg))
    g_string_append_printf (out, "%%!%c(<nil>)", verb);
  else if (container && depth < 200)
    print_items (out, arg, verb, spec, depth);
  else if (json_is_string (json) && strchr ("svqxX", verb) != NULL)
    print_string (out, json_string_value (json), json_string_length (json), verb, spec);
  else if (json_is_integer (json) && strchr ("dvboOxX", verb) != NULL)
    print_integer (out, json_integer_value (json), verb, spec);
  else if (json_is_integer (json) && strchr ("cqU", verb) != NULL)
    print_character (out, json_integer_value (json), verb, spec);
  else if (json_is_real (json) && strchr ("vgGeEfF", verb) != NULL)
    print_real (out, json_real_value (json), verb, spec);
  else if (json_is_boolean (json) && verb == 't')
    pad_to (out, json_is_true (json) ? "true" : "false", json_is_true (json) ? 4 : 5, spec, FALSE);
  else
    bad_verb (out, verb, arg);
}

/* The walk through the format and its arguments. */
typedef struct {
  const char *at, *end;
  const Value *args;
  size_t n_args, next;
  gboolean reordered;
} Scan;

/* "[3]": the argument to take next. */
static void
take_index (Scan *scan)
{
  const char *at = scan->at;
  if (at >= scan->end || *at != '[')
    return;
  size_t index = 0;
  for (at++; at < scan->end && g_ascii_isdigit (*at) && index <= WIDTH_MAX; at++)
    index = index * 10 + (*at - '0');
  if (at >= scan->end || *at != ']' || index == 0)
    return;
  scan->at = at + 1;
  scan->next = index - 1;
  scan->reordered = TRUE;
}

/* A width or precision: digits, or '*' for an integer argument. */
static int
take_size (Scan *scan)
{
  take_index (scan);
  if (scan->at < scan->end && *scan->at == '*')
    {
      scan->at++;
      const json_t *json = scan->next < scan->n_args ? scan->args[scan->next++].json : NULL;
      if (!json_is_integer (json) || json_integer_value (json) > WIDTH_MAX || json_integer_value (json) < -WIDTH_MAX)
        return -1;
      return (int) json_integer_value (json);
    }
  int value = -1;
  for (; scan->at < scan->end && g_ascii_isdigit (*scan->at); scan->at++)
    value = MIN (MAX (value, 0) * 10 + (*scan->at - '0'), WIDTH_MAX);
  return value;
}

static Spec
take_spec (Scan *scan)
{
  Spec spec = { .width = -1, .precision = -1 };
  for (; scan->at < scan->end && *scan->at != 0 && strchr ("+-# 0", *scan->at) != NULL; scan->at++)
    {
      spec.plus |= *scan->at == '+';
      spec.minus |= *scan->at == '-';
      spec.sharp |= *scan->at == '#';
      spec.space |= *scan->at == ' ';
      spec.zero |= *scan->at == '0';
    }
  spec.width = take_size (scan);
  if (spec.width < -1)
    {
      spec.minus = TRUE;
      spec.width = -spec.width;
    }
  if (scan->at < scan->end && *scan->at == '.')
    {
      scan->at++;
      int precision = take_size (scan);
      spec.precision = MAX (precision, 0);
    }
  take_index (scan);
  return spec;
}

static void
print_extra (GString *out, const Scan *scan)
{
  g_string_append (out, "%!(EXTRA ");
  for (size_t i = scan->next; i < scan->n_args; i++)
    {
      if (i > scan->next)
        g_string_append (out, ", ");
      if (!value_is_nil (&scan->args[i]))
        g_string_append_printf (out, "%s=", value_type_name (&scan->args[i]));
      value_print (out, &scan->args[i], FALSE);
    }
  g_string_append_c (out, ')');
}

gboolean
value_printf (GString *out, const char *format, size_t length, const Value *args, size_t n_args, size_t limit)
{
  Scan scan = { format, format + length, args, n_args, 0, FALSE };
  while (scan.at < scan.end && out->len <= limit)
    {
      if (*scan.at != '%')
        {
          g_string_append_c (out, *scan.at++);
          continue;
        }
      scan.at++;
      Spec spec = take_spec (&scan);
      if (scan.at >= scan.end)
        {
          g_string_append (out, "%!(NOVERB)");
          break;
        }
      char verb = *scan.at++;
      if (verb == '%')
        g_string_append_c (out, '%');
      else if ((guchar) verb < 0x20 || (guchar) verb >= 0x7f)
        g_string_append (out, "%!(BADVERB)");
      else if (scan.next >= n_args)
        g_string_append_printf (out, scan.reordered ? "%%!%c(BADINDEX)" : "%%!%c(MISSING)", verb);
      else
        print_value (out, &args[scan.next++], verb, &spec, 0);
    }
  if (!scan.reordered && scan.next < n_args)
    print_extra (out, &scan);
  return out->len <= limit;
}
