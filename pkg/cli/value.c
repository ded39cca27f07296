#include "pkg/cli/value.h"

#include "pkg/base/error.h"
#include "pkg/base/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

void
cli_quote (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const unsigned char *p = (const unsigned char *) text; *p != '\0'; p++)
    if (*p == '"' || *p == '\\')
      g_string_append_printf (out, "\\%c", *p);
    else if (*p == '\n' || *p == '\t' || *p == '\r')
      g_string_append (out, *p == '\n' ? "\\n" : *p == '\t' ? "\\t" : "\\r");
    else if (*p < 0x20 || *p == 0x7f)
      g_string_append_printf (out, "\\x%02x", *p);
    else
      g_string_append_c (out, (char) *p);
  g_string_append_c (out, '"');
}

static gboolean
fail_parse (const char *function, const char *text, const char *why, GError **error)
{
  g_autoptr (GString) quoted = g_string_new (NULL);
  cli_quote (quoted, text);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "strconv.%s: parsing %s: %s", function, quoted->str, why);
}

static gboolean
check_bool (const char *text, gint64 *number, GError **error)
{
  static const char *const truths[] = { "1", "t", "T", "true", "TRUE", "True", NULL };
  static const char *const lies[] = { "0", "f", "F", "false", "FALSE", "False", NULL };
  *number = g_strv_contains (truths, text);
  if (*number || g_strv_contains (lies, text))
    return TRUE;
  return fail_parse ("ParseBool", text, "invalid syntax", error);
}

/* digits_base: the base that the prefix of @digits names, as Go's base 0; steps over the prefix. "0" alone and "017" are octal. */
static unsigned
digits_base (const char **digits)
{
  if ((*digits)[0] != '0' || (*digits)[1] == '\0')
    return 10;
  char kind = g_ascii_tolower ((*digits)[1]);
  unsigned base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
  *digits += g_ascii_isalpha (kind) && (kind == 'x' || kind == 'b' || kind == 'o') ? 2 : 1;
  return base;
}

/* scan_digits: all of @digits in its base; underscores may stand between digits where a prefix named the base.
 * Returns 0, EINVAL or ERANGE. */
static int
scan_digits (const char *digits, guint64 *ret)
{
  unsigned base = digits_base (&digits);
  guint64 value = 0;
  gboolean overflow = FALSE, any = FALSE;
  for (; *digits != '\0'; digits++)
    {
      if (*digits == '_' && base != 10 && digits[1] != '\0' && digits[1] != '_')
        continue;
      int digit = g_ascii_xdigit_value (*digits);
      if (digit < 0 || (unsigned) digit >= base)
        return EINVAL;
      any = TRUE;
      overflow = overflow || __builtin_mul_overflow (value, (guint64) base, &value) || __builtin_add_overflow (value, (guint64) digit, &value);
    }
  *ret = value;
  return !any ? EINVAL : overflow ? ERANGE : 0;
}

static gboolean
check_int (const char *text, gint64 *number, GError **error)
{
  gboolean negative = *text == '-';
  guint64 value = 0;
  int failure = scan_digits (text + (*text == '-' || *text == '+'), &value);
  if (failure == 0 && value > (guint64) G_MAXINT64 + negative)
    failure = ERANGE;
  if (failure != 0)
    return fail_parse ("ParseInt", text, failure == ERANGE ? "value out of range" : "invalid syntax", error);
  *number = negative ? (gint64) (0 - value) : (gint64) value;
  return TRUE;
}

static gboolean
check_uint (const char *text, gint64 *number, GError **error)
{
  guint64 value = 0;
  int failure = scan_digits (text, &value);
  if (failure == 0 && value > G_MAXINT64)
    failure = ERANGE;
  if (failure != 0)
    return fail_parse ("ParseUint", text, failure == ERANGE ? "value out of range" : "invalid syntax", error);
  *number = (gint64) value;
  return TRUE;
}

static gboolean
check_float (const char *text, double *real, GError **error)
{
  char *end = NULL;
  errno = 0;
  double value = g_ascii_strtod (text, &end);
  if (end == text || *end != '\0' || g_ascii_isspace (*text))
    return fail_parse ("ParseFloat", text, "invalid syntax", error);
  if (errno == ERANGE && isinf (value))
    return fail_parse ("ParseFloat", text, "value out of range", error);
  *real = value;
  return TRUE;
}

static gboolean
check_duration (const char *text, gint64 *number, GError **error)
{
  gint64 nsec = 0;
  if (!text_duration_parse (text, &nsec, error))
    return FALSE;
  *number = nsec / 1000;
  return TRUE;
}

static gboolean
check_choice (const CliOption *option, const char *text, GError **error)
{
  if (g_strv_contains (option->values, text))
    return TRUE;
  g_autofree char *all = g_strjoinv (", ", (char **) option->values);
  g_autoptr (GString) quoted = g_string_new (NULL);
  cli_quote (quoted, text);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "%s is not a valid value.  Choose from: \"%s\"", quoted->str, all);
}

static gboolean
fail_csv (const char *text, const char *at, const char *why, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_INVALID, "parse error on line 1, column %u: %s", (unsigned) (at - text) + 1, why);
}

/* scan_quoted: a field in quotes that begins at *@cursor; "" inside stands for one quote. */
static gboolean
scan_quoted (const char *text, const char **cursor, GString *field, GError **error)
{
  const char *p = *cursor + 1;
  for (;; p++)
    {
      if (*p == '\0')
        return fail_csv (text, p, "extraneous or missing \" in quoted-field", error);
      if (*p == '"' && *++p != '"')
        break;
      g_string_append_c (field, *p);
    }
  if (*p != '\0' && *p != ',')
    return fail_csv (text, p - 1, "extraneous or missing \" in quoted-field", error);
  *cursor = p;
  return TRUE;
}

gboolean
cli_csv_split (const char *text, GPtrArray *list, GError **error)
{
  const char *p = text;
  while (*text != '\0')
    {
      g_autoptr (GString) field = g_string_new (NULL);
      if (*p == '"')
        {
          if (!scan_quoted (text, &p, field, error))
            return FALSE;
        }
      else
        {
          gsize length = strcspn (p, ",\"");
          if (p[length] == '"')
            return fail_csv (text, p + length, "bare \" in non-quoted-field", error);
          g_string_append_len (field, p, (gssize) length);
          p += length;
        }
      g_ptr_array_add (list, g_strdup (field->str));
      if (*p++ == '\0')
        break;
    }
  return TRUE;
}

static gboolean
check_csv (const CliOption *option, const char *text, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  gint64 number = 0;
  if (!cli_csv_split (text, list, error))
    return FALSE;
  for (unsigned i = 0; option->type == CLI_UINTS && i < list->len; i++)
    if (!check_uint (list->pdata[i], &number, error))
      return FALSE;
  return TRUE;
}

gboolean
cli_value_check (const CliOption *option, const char *text, gint64 *ret_number, double *ret_float, GError **error)
{
  gint64 number = 0;
  double real = 0;
  gboolean valid = TRUE;
  switch ((CliType) option->type)
    {
    case CLI_BOOL: valid = check_bool (text, &number, error); break;
    case CLI_INT: valid = check_int (text, &number, error); break;
    case CLI_UINT: valid = check_uint (text, &number, error); break;
    case CLI_FLOAT: valid = check_float (text, &real, error); break;
    case CLI_DURATION: valid = check_duration (text, &number, error); break;
    case CLI_SIZE: valid = text_size_parse (text, &number, error); break;
    case CLI_CHOICE: valid = check_choice (option, text, error); break;
    case CLI_CSV:
    case CLI_UINTS: valid = check_csv (option, text, error); break;
    case CLI_STRING:
    case CLI_LIST: break;
    }
  if (valid && ret_number != NULL)
    *ret_number = number;
  if (valid && ret_float != NULL)
    *ret_float = real;
  return valid;
}
