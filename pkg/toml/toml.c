#include "pkg/toml/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"

#define MAX_DEPTH 64

typedef struct {
  const char *at;
  unsigned line;
  unsigned depth;
  GError **error;
} Parser;

static json_t *parse_value (Parser *parser);

static gboolean
fail (Parser *parser, const char *problem)
{
  return coracle_throw (parser->error, CORACLE_ERROR_INVALID, "line %u: %s", parser->line, problem);
}

static void
skip_blanks (Parser *parser)
{
  while (*parser->at == ' ' || *parser->at == '\t')
    parser->at++;
}

/* skip_lines: blanks, newlines and comments. */
static void
skip_lines (Parser *parser)
{
  for (;;)
    {
      skip_blanks (parser);
      if (*parser->at == '#')
        parser->at += strcspn (parser->at, "\n");
      if (*parser->at == '\r' && parser->at[1] == '\n')
        parser->at++;
      if (*parser->at != '\n')
        return;
      parser->line++;
      parser->at++;
    }
}

static gboolean
end_of_line (Parser *parser)
{
  skip_blanks (parser);
  if (*parser->at == '#')
    parser->at += strcspn (parser->at, "\n");
  if (*parser->at == '\r')
    parser->at++;
  return *parser->at == '\n' || *parser->at == '\0' || fail (parser, "something after the value");
}

static gboolean
parse_escape (Parser *parser, GString *out)
{
  static const char names[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
  char c = *parser->at;
  if (c == '\0')
    return fail (parser, "a string without end");
  parser->at++;
  const char *found = strchr (names, c);
  if (found != NULL)
    {
      g_string_append_c (out, values[found - names]);
      return TRUE;
    }
  int digits = c == 'u' ? 4 : c == 'U' ? 8 : 0;
  gunichar value = 0;
  for (int i = 0; i < digits; i++)
    {
      int digit = g_ascii_xdigit_value (*parser->at);
      if (digit < 0)
        return fail (parser, "a broken escape in a string");
      value = value * 16 + (gunichar) digit;
      parser->at++;
    }
  if (digits == 0 || value == 0 || !g_unichar_validate (value))
    return fail (parser, "a broken escape in a string");
  g_string_append_unichar (out, value);
  return TRUE;
}

/* skip_line_end: in a multi-line string a backslash at a line's end takes all white space after it. */
static gboolean
skip_line_end (Parser *parser)
{
  const char *rest = parser->at + strspn (parser->at, " \t\r");
  if (*rest != '\n')
    return FALSE;
  for (; *rest != '\0' && strchr (" \t\r\n", *rest) != NULL; rest++)
    parser->line += *rest == '\n';
  parser->at = rest;
  return TRUE;
}

static char *
parse_string (Parser *parser)
{
  char quote = *parser->at;
  gboolean literal = quote == '\'', multi = parser->at[1] == quote && parser->at[2] == quote;
  parser->at += multi ? 3 : 1;
  if (multi && *parser->at == '\r' && parser->at[1] == '\n')
    parser->at++;
  if (multi && *parser->at == '\n')
    {
      parser->line++;
      parser->at++;
    }
  g_autoptr (GString) out = g_string_new (NULL);
  for (;;)
    {
      char c = *parser->at;
      if (c == '\0' || (c == '\n' && !multi))
        return fail (parser, "a string without end"), NULL;
      if (c == quote && (!multi || (parser->at[1] == quote && parser->at[2] == quote && parser->at[3] != quote)))
        {
          parser->at += multi ? 3 : 1;
          break;
        }
      parser->at++;
      parser->line += c == '\n';
      if (c == '\\' && !literal)
        {
          if (!(multi && skip_line_end (parser)) && !parse_escape (parser, out))
            return NULL;
        }
      else
        g_string_append_c (out, c);
    }
  if (!g_utf8_validate (out->str, (gssize) out->len, NULL))
    return fail (parser, "a string that is not UTF-8"), NULL;
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static json_t *
parse_number (Parser *parser)
{
  size_t n = strspn (parser->at, "+-_.0123456789abcdefABCDEFinoxX");
  g_autofree char *word = g_strndup (parser->at, n);
  g_autoptr (GString) digits = g_string_new (NULL);
  for (const char *c = word; *c != '\0'; c++)
    if (*c != '_')
      g_string_append_c (digits, *c);
  const char *text = digits->str + (digits->str[0] == '+');
  char *end = NULL;
  errno = 0;
  gboolean based = g_str_has_prefix (text, "0x") || g_str_has_prefix (text, "0o") || g_str_has_prefix (text, "0b");
  gint64 number = based ? g_ascii_strtoll (text + 2, &end, text[1] == 'x' ? 16 : text[1] == 'o' ? 8 : 2) : g_ascii_strtoll (text, &end, 10);
  if (n > 0 && end != text && end != text + 2 * based && *end == '\0' && errno == 0)
    {
      parser->at += n;
      return json_integer (number);
    }
  double real = g_ascii_strtod (text, &end);
  json_t *value = n > 0 && end != text && *end == '\0' ? json_real (real) : NULL;   /* no infinity, no nan: JSON has none */
  if (value == NULL)
    return fail (parser, "a value that is neither string, number, boolean, array nor table"), NULL;
  parser->at += n;
  return value;
}

static json_t *
parse_array (Parser *parser)
{
  json_t *array = json_array ();
  parser->at++;
  for (;;)
    {
      skip_lines (parser);
      if (*parser->at == ']')
        break;
      json_t *value = parse_value (parser);
      if (value == NULL)
        {
          json_decref (array);
          return NULL;
        }
      (void) json_array_append_new (array, value);
      skip_lines (parser);
      if (*parser->at == ',')
        parser->at++;
      else if (*parser->at != ']')
        {
          json_decref (array);
          return fail (parser, "expected ',' or ']' in an array"), NULL;
        }
    }
  parser->at++;
  return array;
}

static char *
parse_key (Parser *parser)
{
  skip_blanks (parser);
  char *key = NULL;
  if (*parser->at == '"' || *parser->at == '\'')
    key = parse_string (parser);
  else
    {
      size_t n = strspn (parser->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
      if (n == 0)
        return fail (parser, "expected a key"), NULL;
      key = g_strndup (parser->at, n);
      parser->at += n;
    }
  skip_blanks (parser);
  return key;
}

/* descend: the table @key of @table, made if need be; the last one of an array of tables. Borrowed. */
static json_t *
descend (Parser *parser, json_t *table, const char *key)
{
  json_t *next = json_object_get (table, key);
  if (json_is_array (next) && json_array_size (next) > 0)
    next = json_array_get (next, json_array_size (next) - 1);
  if (next == NULL)
    {
      (void) json_object_set_new (table, key, json_object ());
      next = json_object_get (table, key);
    }
  if (!json_is_object (next))
    return fail (parser, "a key that is a value and a table"), NULL;
  return next;
}

/* parse_path: A.B.C: @ret_key is the last part, the result the table it belongs in. */
static json_t *
parse_path (Parser *parser, json_t *table, char **ret_key)
{
  g_autofree char *key = parse_key (parser);
  for (unsigned depth = 0; key != NULL && *parser->at == '.'; depth++)
    {
      if (depth > MAX_DEPTH)
        return fail (parser, "too many dots"), NULL;
      parser->at++;
      table = descend (parser, table, key);
      if (table == NULL)
        return NULL;
      g_free (key);
      key = parse_key (parser);
    }
  *ret_key = g_steal_pointer (&key);
  return *ret_key != NULL ? table : NULL;
}

static gboolean
parse_pair (Parser *parser, json_t *table)
{
  g_autofree char *key = NULL;
  json_t *target = parse_path (parser, table, &key);
  if (target == NULL)
    return FALSE;
  if (*parser->at != '=')
    return fail (parser, "expected '=' after a key");
  parser->at++;
  skip_blanks (parser);
  if (json_object_get (target, key) != NULL)
    return fail (parser, "a key that was set before");
  json_t *value = parse_value (parser);
  return value != NULL && (json_object_set_new (target, key, value) == 0 || fail (parser, "a key that is not UTF-8"));
}

static json_t *
parse_inline_table (Parser *parser)
{
  json_t *table = json_object ();
  parser->at++;
  skip_blanks (parser);
  while (*parser->at != '}')
    {
      if (!parse_pair (parser, table))
        goto broken;
      skip_blanks (parser);
      if (*parser->at == ',')
        parser->at++;
      else if (*parser->at != '}')
        {
          fail (parser, "expected ',' or '}' in a table");
          goto broken;
        }
      skip_blanks (parser);
    }
  parser->at++;
  return table;
broken:
  json_decref (table);
  return NULL;
}

static json_t *
parse_value (Parser *parser)
{
  if (parser->depth >= MAX_DEPTH)
    return fail (parser, "nested too deeply"), NULL;
  json_t *value = NULL;
  parser->depth++;
  if (*parser->at == '"' || *parser->at == '\'')
    {
      g_autofree char *text = parse_string (parser);
      value = text != NULL ? json_string (text) : NULL;
    }
  else if (*parser->at == '[')
    value = parse_array (parser);
  else if (*parser->at == '{')
    value = parse_inline_table (parser);
  else if (g_str_has_prefix (parser->at, "true") || g_str_has_prefix (parser->at, "false"))
    {
      value = json_boolean (*parser->at == 't');
      parser->at += *parser->at == 't' ? 4 : 5;
    }
  else
    value = parse_number (parser);
  parser->depth--;
  return value;
}

/* parse_header: [A.B] or [[A.B]]; @ret_table: borrowed. */
static gboolean
parse_header (Parser *parser, json_t *root, json_t **ret_table)
{
  gboolean array = parser->at[1] == '[';
  parser->at += array ? 2 : 1;
  g_autofree char *key = NULL;
  json_t *parent = parse_path (parser, root, &key);
  if (parent == NULL)
    return FALSE;
  if (!g_str_has_prefix (parser->at, array ? "]]" : "]"))
    return fail (parser, "expected ']' after a table's name");
  parser->at += array ? 2 : 1;
  if (array)
    {
      json_t *list = json_object_get (parent, key);
      if (list == NULL)
        {
          (void) json_object_set_new (parent, key, json_array ());
          list = json_object_get (parent, key);
        }
      if (!json_is_array (list))
        return fail (parser, "a key that is a value and an array of tables");
      (void) json_array_append_new (list, json_object ());
    }
  *ret_table = descend (parser, parent, key);
  return *ret_table != NULL && end_of_line (parser);
}

json_t *
toml_parse (const char *text, GError **error)
{
  g_autoptr (GError) failure = NULL;
  Parser parser = { .at = text, .line = 1, .error = &failure };
  json_t *root = json_object (), *table = root;
  if (!g_utf8_validate (text, -1, NULL))
    coracle_throw (&failure, CORACLE_ERROR_INVALID, "not UTF-8");
  skip_lines (&parser);
  while (failure == NULL && *parser.at != '\0')
    {
      if (*parser.at == '[')
        (void) parse_header (&parser, root, &table);
      else if (parse_pair (&parser, table))
        (void) end_of_line (&parser);
      skip_lines (&parser);
    }
  if (failure == NULL)
    return root;
  json_decref (root);
  g_propagate_error (error, g_steal_pointer (&failure));
  return NULL;
}

json_t *
toml_read (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) failure = NULL;
  if (!path_read_file (AT_FDCWD, path, TOML_LIMIT, &text, NULL, &failure))
    {
      if (failure->code != CORACLE_ERROR_NOT_FOUND)
        g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  json_t *root = toml_parse (text, error);
  if (root == NULL)
    coracle_prefix (error, "%s", path);
  return root;
}
