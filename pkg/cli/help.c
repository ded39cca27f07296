#include "pkg/cli/cli.h"

#include "pkg/cli/value.h"

#include <string.h>

const char *
cli_option_placeholder (const CliOption *option)
{
  static const char *const by_type[] = {
    [CLI_BOOL] = "", [CLI_STRING] = "string", [CLI_CHOICE] = "choice", [CLI_INT] = "int", [CLI_UINT] = "uint", [CLI_FLOAT] = "float",
    [CLI_DURATION] = "duration", [CLI_SIZE] = "<number>[<unit>]", [CLI_LIST] = "stringArray", [CLI_CSV] = "strings", [CLI_UINTS] = "uints",
  };
  return option->arg != NULL ? option->arg : by_type[option->type];
}

gsize
cli_mark (const char *text, char before, gsize *ret_stars)
{
  gsize stars = strspn (text, "*");
  const char *inner = text + stars, *end = inner + strcspn (inner, "*");
  if (stars < 1 || stars > 2 || g_ascii_isalnum (before) || strspn (end, "*") != stars || end == inner || g_ascii_isspace (inner[0]))
    return 0;
  /* one star is also a pattern's */
  if (stars == 1 && (!g_ascii_isalnum (inner[0]) || strcspn (inner, " \n") < (gsize) (end - inner)))
    return 0;
  *ret_stars = stars;
  return (gsize) (end - inner);
}

/* append_unmarked: without the marks, which are for the page. */
static void
append_unmarked (GString *out, const char *text, gsize length)
{
  for (gsize i = 0; i < length;)
    {
      gsize stars = 1, marked = text[i] == '*' ? cli_mark (text + i, i > 0 ? text[i - 1] : '\0', &stars) : 0;
      g_string_append_len (out, text + i + (marked > 0 ? stars : 0), marked > 0 ? (gssize) marked : 1);
      i += marked > 0 ? marked + 2 * stars : 1;
    }
}

/* append_indented: every line of @text two columns in; empty lines stay empty. */
static void
append_indented (GString *out, const char *text)
{
  while (*text != '\0')
    {
      gsize length = strcspn (text, "\n");
      if (length > 0)
        g_string_append (out, "  ");
      append_unmarked (out, text, length);
      g_string_append_c (out, '\n');
      text += length + (text[length] == '\n');
    }
}

static char *
option_left (const CliOption *option)
{
  GString *left = g_string_new (NULL);
  if (option->short_name != 0)
    g_string_append_printf (left, "  -%c, --%s", option->short_name, option->name);
  else
    g_string_append_printf (left, "      --%s", option->name);
  const char *placeholder = cli_option_placeholder (option);
  if (*placeholder != '\0')
    g_string_append_printf (left, " %s", placeholder);
  if (option->bare != NULL && option->type != CLI_BOOL)
    g_string_append_printf (left, "[=\"%s\"]", option->bare);
  return g_string_free (left, FALSE);
}

static void
append_default (GString *out, const CliOption *option)
{
  if (option->value == NULL)
    return;
  if (option->type == CLI_STRING || option->type == CLI_SIZE)
    {
      g_string_append (out, " (default ");
      cli_quote (out, option->value);
      g_string_append_c (out, ')');
    }
  else
    g_string_append_printf (out, " (default %s)", option->value);
}

static void
append_options (GString *out, const CliCommand *command)
{
  g_autoptr (GPtrArray) options = cli_visible_options (command);
  g_autoptr (GPtrArray) lefts = g_ptr_array_new_with_free_func (g_free);
  int width = 0;
  for (unsigned i = 0; i < options->len; i++)
    {
      g_ptr_array_add (lefts, option_left (options->pdata[i]));
      width = MAX (width, (int) strlen (lefts->pdata[i]));
    }
  if (options->len > 0)
    g_string_append (out, "Options:\n");
  for (unsigned i = 0; i < options->len; i++)
    {
      const CliOption *option = options->pdata[i];
      g_string_append_printf (out, "%-*s   %s", width, (const char *) lefts->pdata[i], option->help);
      append_default (out, option);
      g_string_append_c (out, '\n');
    }
  if (options->len > 0)
    g_string_append_c (out, '\n');
}

static void
append_commands (GString *out, const CliCommand *const *commands, const char *group)
{
  g_autoptr (GPtrArray) entries = cli_list (commands, group);
  g_string_append (out, "Available Commands:\n");
  for (unsigned i = 0; i < entries->len; i++)
    {
      const CliEntry *entry = entries->pdata[i];
      g_string_append_printf (out, "  %-11s %s\n", entry->word, entry->command->summary);
    }
  g_string_append_c (out, '\n');
}

static void
append_aliases (GString *out, const CliCommand *const *commands, const char *name)
{
  const char *space = strrchr (name, ' ');
  g_autofree char *group = space != NULL ? g_strndup (name, (gsize) (space - name)) : g_strdup ("");
  const char *word = space != NULL ? space + 1 : name;
  g_autoptr (GPtrArray) entries = cli_list (commands, group);
  for (unsigned i = 0; i < entries->len; i++)
    {
      const CliEntry *entry = entries->pdata[i];
      if (strcmp (entry->word, word) != 0 || entry->aliases[0] == NULL)
        continue;
      g_autofree char *aliases = g_strjoinv (", ", entry->aliases);
      g_string_append_printf (out, "Aliases:\n  %s, %s\n\n", entry->word, aliases);
    }
}

/* append_examples: the lines name the command by its canonical name; they are shown as the user calls it. */
static void
append_examples (GString *out, const char *program, const char *name, const CliCommand *command)
{
  g_auto (GStrv) lines = g_strsplit (command->examples, "\n", -1);
  gsize canonical = strcspn (command->names, ",|");
  g_string_append (out, "Examples:\n");
  for (unsigned i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      const char *rest = lines[i];
      gboolean renamed = strncmp (rest, command->names, canonical) == 0 && (rest[canonical] == ' ' || rest[canonical] == '\0');
      g_string_append_printf (out, "  %s %s%s\n", program, renamed ? name : "", rest + (renamed ? canonical : 0));
    }
  g_string_append_c (out, '\n');
}

void
cli_help (GString *out, const char *program, const char *name, const CliCommand *command, const CliCommand *const *commands)
{
  g_autoptr (GPtrArray) options = cli_visible_options (command);
  gboolean group = cli_command_is_group (command);
  g_string_append_printf (out, "%s\n\n", command->summary);
  if (*name != '\0')
    {
      g_string_append (out, "Description:\n");
      append_indented (out, command->description != NULL ? command->description : command->summary);
      g_string_append_c (out, '\n');
    }
  g_string_append_printf (out, "Usage:\n  %s%s%s", program, *name != '\0' ? " " : "", name);
  if (options->len > 0)
    g_string_append (out, " [options]");
  if (group)
    g_string_append (out, " [command]");
  else if (command->usage != NULL && *command->usage != '\0')
    g_string_append_printf (out, " %s", command->usage);
  g_string_append (out, "\n\n");
  if (*name != '\0')
    append_aliases (out, commands, name);
  if (command->examples != NULL)
    append_examples (out, program, name, command);
  if (group)
    append_commands (out, commands, name);
  append_options (out, command);
}
