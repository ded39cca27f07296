#include "pkg/json/yaml.h"

#include <string.h>

#include "pkg/json/json.h"

static void write_value (GString *out, const json_t *value, guint depth, gboolean in_list);

static void
indent (GString *out, guint depth)
{
  for (guint i = 0; i < depth; i++)
    g_string_append (out, "  ");
}

/* is_number: in YAML 1.1 or 1.2: decimal, 0x1f, 0o17, 0b1, 1_000, 1.5e3, and sexagesimal 1:30. */
static gboolean
is_number (const char *text)
{
  text += *text == '+' || *text == '-';
  if (!g_ascii_isdigit (*text) && !(*text == '.' && g_ascii_isdigit (text[1])))
    return FALSE;
  if (text[strspn (text, "0123456789_:.")] == '\0' && strchr (text, '.') == strrchr (text, '.'))
    return TRUE;
  if (text[0] == '0' && strchr ("xob", text[1]) != NULL)
    return text[2 + strspn (text + 2, "0123456789abcdefABCDEF_")] == '\0';
  const char *rest = text + strspn (text, "0123456789_.");
  if (*rest != 'e' && *rest != 'E')
    return FALSE;
  rest += 1 + (rest[1] == '+' || rest[1] == '-');
  return rest[strspn (rest, "0123456789")] == '\0';
}

/* is_date: what begins like 2024-05-01. */
static gboolean
is_date (const char *text)
{
  static const char pattern[] = "dddd-d";
  for (size_t i = 0; i < sizeof pattern - 1; i++)
    if (pattern[i] == 'd' ? !g_ascii_isdigit (text[i]) : text[i] != pattern[i])
      return FALSE;
  return text[strspn (text, "0123456789-:.+TtZz ")] == '\0';
}

/* is_word: what a reader would take for something else than a string. YAML 1.1 has more of these than 1.2. */
static gboolean
is_word (const char *text)
{
  static const char *const words[] = { "", "~", "=", "<<", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", ".inf", "-.inf", "+.inf", NULL };
  for (size_t i = 0; words[i] != NULL; i++)
    if (g_ascii_strcasecmp (words[i], text) == 0)
      return TRUE;
  return is_number (text) || is_date (text);
}

/* is_plain: may stand without quotes? */
static gboolean
is_plain (const char *text)
{
  if (strchr ("-?:,[]{}#&*!|>'\"%@` \t", text[0]) != NULL && !(strchr ("-?:", text[0]) != NULL && text[1] != '\0' && !g_ascii_isspace (text[1])))
    return FALSE;
  size_t length = strlen (text);
  return strstr (text, ": ") == NULL && strstr (text, " #") == NULL && text[length - 1] != ':' && !g_ascii_isspace (text[length - 1]);
}

/* is_shown: can all of it be written as it is, besides newlines if @lines? */
static gboolean
is_shown (const char *text, gboolean lines)
{
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      if (!(lines && c == '\n') && (!g_unichar_isprint (c) || c == 0xfeff))
        return FALSE;
    }
  return TRUE;
}

static void
write_block (GString *out, const char *text, guint depth)
{
  size_t length = strlen (text), newlines = 0;
  while (newlines < length && text[length - 1 - newlines] == '\n')
    newlines++;
  g_string_append (out, newlines == 0 ? "|-" : newlines == 1 ? "|" : "|+");
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  /* the last newline ends the last line; it does not begin another */
  for (guint i = 0; lines[i] != NULL && (lines[i + 1] != NULL || newlines == 0); i++)
    {
      g_string_append_c (out, '\n');
      if (lines[i][0] != '\0')
        indent (out, depth);
      g_string_append (out, lines[i]);
    }
}

static void
write_string (GString *out, const json_t *value, guint depth)
{
  const char *text = json_string_value (value);
  size_t length = json_string_length (value);
  gboolean whole = strlen (text) == length;
  /* a literal block takes its depth from its first line */
  if (whole && strchr (text, '\n') != NULL && is_shown (text, TRUE) && !g_ascii_isspace (text[0]))
    write_block (out, text, depth);
  else if (!whole || is_word (text) || !is_shown (text, FALSE))
    json_write_string (out, text, length, JSON_TEXT_DEFAULT);
  else if (is_plain (text))
    g_string_append (out, text);
  else
    {
      g_auto (GStrv) parts = g_strsplit (text, "'", -1);
      g_autofree char *doubled = g_strjoinv ("''", parts);
      g_string_append_printf (out, "'%s'", doubled);
    }
}

static int
compare_keys (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
write_object (GString *out, const json_t *object, guint depth, gboolean in_list)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  const char *key;
  json_t *item;
  json_object_foreach ((json_t *) object, key, item)
    g_ptr_array_add (keys, (char *) key);
  g_ptr_array_sort (keys, compare_keys);
  for (guint i = 0; i < keys->len; i++)
    {
      if (i > 0 || !in_list)
        indent (out, depth);
      json_auto_t *name = json_string (keys->pdata[i]);
      /* a key must fit on one line */
      if (strchr (keys->pdata[i], '\n') != NULL)
        json_write_string (out, keys->pdata[i], strlen (keys->pdata[i]), JSON_TEXT_DEFAULT);
      else
        write_string (out, name, depth);
      g_string_append_c (out, ':');
      write_value (out, json_object_get (object, keys->pdata[i]), depth, FALSE);
    }
}

static void
write_array (GString *out, const json_t *array, guint depth)
{
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    {
      indent (out, depth);
      g_string_append_c (out, '-');
      write_value (out, item, depth, TRUE);
    }
}

/* write_value: after "KEY:" or "-" in a line indented by @depth, up to the newline that ends it. */
static void
write_value (GString *out, const json_t *value, guint depth, gboolean in_list)
{
  if (json_is_object (value) && json_object_size (value) > 0)
    {
      g_string_append_c (out, in_list ? ' ' : '\n');
      write_object (out, value, depth + 1, in_list);
      return;
    }
  if (json_is_array (value) && json_array_size (value) > 0)
    {
      g_string_append_c (out, '\n');
      write_array (out, value, depth + in_list);
      return;
    }
  g_string_append_c (out, ' ');
  if (json_is_string (value))
    write_string (out, value, depth + 1);
  else
    json_write (out, value, 0, JSON_TEXT_DEFAULT);
  g_string_append_c (out, '\n');
}

void
yaml_write (GString *out, const json_t *value)
{
  if (json_is_object (value) && json_object_size (value) > 0)
    write_object (out, value, 0, FALSE);
  else if (json_is_array (value) && json_array_size (value) > 0)
    write_array (out, value, 0);
  else
    {
      if (json_is_string (value))
        write_string (out, value, 1);
      else
        json_write (out, value, 0, JSON_TEXT_DEFAULT);
      g_string_append_c (out, '\n');
    }
}
