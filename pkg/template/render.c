/* The public face: formats as users type them, for one value and for lists. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/json/json.h"
#include "pkg/template/exec.h"
#include "pkg/template/template.h"

#define TEMPLATE_NAME "format"   /* what errors call it */
#define COLUMN_MIN 12            /* Podman's tables */
#define COLUMN_GAP 2

gboolean
template_key_is_map (const char *key)
{
  static const char *const keys[] = {
    "Annotations", "Attributes", "Data", "DriverOpts", "ExposedPorts", "GraphOptions", "GraphStatus", "IPAMOptions", "Labels", "Networks", "Options", "PortBindings", "Ports",
    "StorageOpt", "Sysctls", "Tmpfs", "Volumes", "annotations", "containers", "driver_opts", "ipam_options", "labels", "network_options", "options", NULL };
  return g_strv_contains (keys, key);
}

static size_t
action_length (const char *open)
{
  const char *at = open + 2;
  const char *comment = g_str_has_prefix (at, "- ") ? at + 2 : at;
  if (g_str_has_prefix (comment, "/*"))
    {
      const char *end = strstr (comment + 2, "*/");
      at = end != NULL ? end : comment + strlen (comment);
    }
  for (char quote = 0; *at != 0; at++)
    if (quote != 0)
      {
        if (*at == '\\' && quote != '`' && at[1] != 0)
          at++;
        else if (*at == quote)
          quote = 0;
      }
    else if (*at == '"' || *at == '`' || *at == '\'')
      quote = *at;
    else if (at[0] == '}' && at[1] == '}')
      return at + 2 - open;
  return strlen (open);
}

/* The end of the blanks from @at: spaces, tabs, and "\t" written out. *@ret_spaces: there was a space among them. */
static const char *
skip_blanks (const char *at, gboolean *ret_spaces)
{
  *ret_spaces = FALSE;
  for (;;)
    if (*at == ' ' || *at == '\t')
      *ret_spaces |= *at++ == ' ';
    else if (at[0] == '\\' && at[1] == 't')
      at += 2;
    else
      return at;
}

/* Outside of actions: "\t" and "\n" become what they stand for; in a table, blanks with a space among them become one tab. */
static char *
format_unescape (const char *format, gboolean table)
{
  GString *out = g_string_new (NULL);
  while (*format != 0)
    {
      gboolean spaces;
      const char *end = skip_blanks (format, &spaces);
      if (table && spaces)
        {
          g_string_append_c (out, '\t');
          format = end;
        }
      else if (format[0] == '{' && format[1] == '{')
        {
          size_t length = action_length (format);
          g_string_append_len (out, format, length);
          format += length;
        }
      else if (format[0] == '\\' && (format[1] == 't' || format[1] == 'n'))
        {
          g_string_append_c (out, format[1] == 't' ? '\t' : '\n');
          format += 2;
        }
      else
        g_string_append_c (out, *format++);
    }
  return g_string_free (out, FALSE);
}

/* After "table": its columns; NULL if @format is no table. */
static const char *
table_columns (const char *format)
{
  if (!g_str_has_prefix (format, "table") || (format[5] != ' ' && format[5] != '\t'))
    return NULL;
  format += 5;
  return format + strspn (format, " \t");
}

gboolean
template_check (const char *format, GError **error)
{
  if (template_is_json (format))
    return TRUE;
  const char *columns = table_columns (format);
  g_autofree char *source = format_unescape (columns != NULL ? columns : format, columns != NULL);
  g_autoptr (Tree) tree = tree_parse (TEMPLATE_NAME, source, error);
  return tree != NULL;
}

/* Take @word from the front of *@at, with the blanks before it. */
static gboolean
take (const char **at, const char *word)
{
  const char *rest = *at + strspn (*at, " \t\r\n");
  if (!g_str_has_prefix (rest, word))
    return FALSE;
  *at = rest + strlen (word);
  return TRUE;
}

gboolean
template_is_json (const char *format)
{
  const char *at = format;
  if (take (&at, "{{"))
    {
      (void) take (&at, "- ");
      if (!take (&at, "json"))
        return FALSE;
      (void) take (&at, ".");
      (void) take (&at, "-");
      if (!take (&at, "}}"))
        return FALSE;
    }
  else if (!take (&at, "json"))
    return FALSE;
  return at[strspn (at, " \t\r\n")] == 0;
}

void
template_write_json (const char *format, const json_t *value, int indent, GString *out)
{
  gboolean each = strchr (format, '.') != NULL;
  size_t count = each && json_is_array (value) ? json_array_size (value) : 1;
  for (size_t i = 0; i < count; i++)
    {
      json_write (out, each && json_is_array (value) ? json_array_get (value, i) : value, each ? 0 : indent, JSON_TEXT_DEFAULT);
      g_string_append_c (out, '\n');
    }
}

gboolean
template_render (const char *format, json_t *value, GString *out, GError **error)
{
  if (strcmp (format, "json") == 0)
    {
      json_write (out, value, 4, JSON_TEXT_DEFAULT);
      return TRUE;
    }
  g_autofree char *source = format_unescape (format, FALSE);
  g_autoptr (Tree) tree = tree_parse (TEMPLATE_NAME, source, error);
  if (tree == NULL)
    return FALSE;
  Value dot = { .json = value };
  return tree_exec (tree, TEMPLATE_NAME, &dot, NULL, out, error);
}

static gboolean
starts_with_range (const char *source)
{
  if (!take (&source, "{{"))
    return FALSE;
  (void) take (&source, "- ");
  return take (&source, "range");
}

static void
end_line (GString *out, size_t start)
{
  if (out->len > start && out->str[out->len - 1] != '\n')
    g_string_append_c (out, '\n');
}

/* Every row, each on its line (an empty one too). */
static gboolean
render_rows (const Tree *tree, const Value *all, const TemplateHeader *headers, GString *out, GError **error)
{
  for (size_t i = 0; i < json_array_size (all->json); i++)
    {
      size_t start = out->len;
      Value row = { .json = json_array_get (all->json, i), .no_times = all->no_times };
      if (!tree_exec (tree, TEMPLATE_NAME, &row, headers, out, error))
        return FALSE;
      if (out->len == start)
        g_string_append_c (out, '\n');
      end_line (out, start);
    }
  return TRUE;
}

gboolean
template_render_list (const char *format, json_t *array, const TemplateHeader *headers, TemplateFlags flags, GString *out, GError **error)
{
  if (template_is_json (format))
    {
      template_write_json (format, array, 4, out);
      return TRUE;
    }
  const char *columns = table_columns (format);
  g_autofree char *source = format_unescape (columns != NULL ? columns : format, columns != NULL);
  g_strchug (source);
  g_autoptr (Tree) tree = tree_parse (TEMPLATE_NAME, source, error);
  if (tree == NULL)
    return FALSE;
  g_autoptr (GString) text = g_string_new (NULL);
  Value heading = { .heading = TRUE }, all = { .json = array, .no_times = (flags & TEMPLATE_NO_TIMES) != 0 };
  if (columns != NULL && !(flags & TEMPLATE_NO_HEADING) && !tree_exec (tree, TEMPLATE_NAME, &heading, headers, text, error))
    return FALSE;
  end_line (text, 0);
  size_t start = text->len;
  if (starts_with_range (source) ? !tree_exec (tree, TEMPLATE_NAME, &all, headers, text, error) : !render_rows (tree, &all, headers, text, error))
    return FALSE;
  end_line (text, start);
  if (columns != NULL)
    text_columns (text->str, COLUMN_MIN, COLUMN_GAP, out);
  else
    g_string_append_len (out, text->str, text->len);
  return TRUE;
}
