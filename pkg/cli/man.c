#include "pkg/cli/docs.h"

#include <string.h>

/* append_text: @text as roff: nothing in it may act as a request or an escape; an empty line starts a paragraph. */
static void
append_text (GString *out, const char *text)
{
  gboolean line_start = TRUE;
  for (const char *p = text; *p != '\0'; p++)
    {
      if (p[0] == '\n' && p[1] == '\n')
        {
          g_string_append (out, "\n.PP\n");
          p++;
          line_start = TRUE;
          continue;
        }
      if (line_start && (*p == '.' || *p == '\''))
        g_string_append (out, "\\&");
      if (*p == '\\')
        g_string_append (out, "\\e");
      else if (*p == '-')
        g_string_append (out, "\\-");
      else if (*p == '\'')
        g_string_append (out, "\\(aq");
      else
        g_string_append_c (out, *p);
      line_start = *p == '\n';
    }
}

static void
append_section (GString *out, const char *title)
{
  g_string_append_printf (out, ".SH %s\n", title);
}

/* page_name: "coracle-image-list" for "image list", "coracle" for "". */
static char *
page_name (const CliDocs *docs, const char *name)
{
  if (*name == '\0')
    return g_strdup (docs->program);
  g_autofree char *dashed = g_strdelimit (g_strdup (name), " ", '-');
  return g_strconcat (docs->program, "-", dashed, NULL);
}

static void
append_reference (GString *out, const CliDocs *docs, const char *name)
{
  g_autofree char *page = page_name (docs, name);
  g_string_append (out, "\\fB");
  append_text (out, page);
  g_string_append (out, "\\fR(1)");
}

static void
append_option (GString *out, const CliOption *option)
{
  g_string_append (out, ".TP\n");
  if (option->short_name != 0)
    g_string_append_printf (out, "\\fB\\-%c\\fR, ", option->short_name);
  g_string_append (out, "\\fB\\-\\-");
  append_text (out, option->name);
  g_string_append (out, "\\fR");
  const char *placeholder = cli_option_placeholder (option);
  if (*placeholder != '\0' && option->bare != NULL)
    {
      g_string_append (out, "[=\\fI");
      append_text (out, placeholder);
      g_string_append (out, "\\fR]");
    }
  else if (*placeholder != '\0')
    {
      g_string_append (out, "=\\fI");
      append_text (out, placeholder);
      g_string_append (out, "\\fR");
    }
  g_string_append_c (out, '\n');
}

/* append_marked: append_text, with what is marked in bold or italics. */
static void
append_marked (GString *out, const char *text)
{
  const char *done = text;
  for (const char *p = text; *p != '\0'; p++)
    {
      gsize stars, length = *p == '*' ? cli_mark (p, p > text ? p[-1] : '\0', &stars) : 0;
      if (length == 0)
        continue;
      g_autofree char *before = g_strndup (done, (gsize) (p - done)), *inner = g_strndup (p + stars, length);
      append_text (out, before);
      g_string_append (out, stars == 2 ? "\\fB" : "\\fI");
      append_text (out, inner);
      g_string_append (out, "\\fR");
      done = p + length + 2 * stars;
      p = done - 1;
    }
  append_text (out, done);
}

/* append_sentence: @text, with a stop unless it ends a sentence already. */
static void
append_sentence (GString *out, const char *text)
{
  gsize length = strlen (text);
  append_marked (out, text);
  if (length > 0 && strchr (".!?:", text[length - 1]) == NULL)
    g_string_append_c (out, '.');
  g_string_append_c (out, '\n');
}

static void
append_options (GString *out, const CliCommand *command)
{
  g_autoptr (GPtrArray) options = cli_visible_options (command);
  if (options->len > 0)
    append_section (out, "OPTIONS");
  for (unsigned i = 0; i < options->len; i++)
    {
      const CliOption *option = options->pdata[i];
      append_option (out, option);
      append_sentence (out, option->man != NULL ? option->man : option->help);
      if (option->bare != NULL)
        {
          g_string_append (out, "Without a value: ");
          append_sentence (out, option->bare);
        }
      if (option->value != NULL)
        {
          g_string_append (out, "Default: ");
          append_sentence (out, option->value);
        }
    }
}

static void
append_synopsis (GString *out, const CliDocs *docs, const CliCommand *command)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_autoptr (GPtrArray) options = cli_visible_options (command);
  const char *arguments = cli_command_is_group (command) ? "COMMAND [ARG...]" : command->usage != NULL ? command->usage : "";
  gboolean first = TRUE;
  append_section (out, "SYNOPSIS");
  for (unsigned i = 0; i < paths->len || command == docs->root; i++)
    {
      const CliPath *path = command == docs->root ? NULL : paths->pdata[i];
      if (path != NULL && path->command != command)
        continue;
      g_string_append_printf (out, "%s\\fB%s", first ? "" : ".br\n", docs->program);
      if (path != NULL)
        {
          g_string_append_c (out, ' ');
          append_text (out, path->path);
        }
      g_string_append_printf (out, "\\fR%s%s", options->len > 0 ? " [\\fIoptions\\fR]" : "", *arguments != '\0' ? " " : "");
      append_text (out, arguments);
      g_string_append_c (out, '\n');
      first = FALSE;
      if (path == NULL)
        break;
    }
}

static void
append_commands (GString *out, const CliDocs *docs, const char *group)
{
  g_autoptr (GPtrArray) entries = cli_list (docs->commands, group);
  append_section (out, "COMMANDS");
  for (unsigned i = 0; i < entries->len; i++)
    {
      const CliEntry *entry = entries->pdata[i];
      g_autofree char *name = cli_docs_main_name (entry->command);
      g_string_append_printf (out, ".TP\n\\fB%s\\fR\n", entry->word);
      append_sentence (out, entry->command->summary);
      g_string_append (out, "See\n");
      append_reference (out, docs, name);
      g_string_append (out, ".\n");
    }
}

static void
append_examples (GString *out, const CliDocs *docs, const CliCommand *command)
{
  g_auto (GStrv) lines = g_strsplit (command->examples, "\n", -1);
  append_section (out, "EXAMPLES");
  g_string_append (out, ".nf\n");
  for (unsigned i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      g_string_append_printf (out, "$ %s ", docs->program);
      append_text (out, lines[i]);
      g_string_append_c (out, '\n');
    }
  g_string_append (out, ".fi\n");
}

static void
append_exit_status (GString *out)
{
  static const char *const rows[][2] = {
    { "0", "The command did what was asked." },
    { "125", "The tool itself failed: a wrong command line, no such image, the machine refused." },
    { "126", "The container's command was found but could not be started." },
    { "127", "The container's command was not found." },
    { "other", "The exit status of the container's command." },
  };
  append_section (out, "EXIT STATUS");
  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_string_append_printf (out, ".TP\n\\fB%s\\fR\n", rows[i][0]);
      append_sentence (out, rows[i][1]);
    }
}

static void
append_environment (GString *out)
{
  static const char *const rows[][2] = {
    { "XDG_DATA_HOME", "The store is in its folder coracle. Default: ~/.local/share." },
    { "XDG_RUNTIME_DIR", "What lives until the next boot is in its folder coracle." },
    { "XDG_CACHE_HOME", "What can be made anew is in its folder coracle. Default: ~/.cache." },
    { "XDG_CONFIG_HOME", "Settings are read from its folder containers. Default: ~/.config." },
  };
  append_section (out, "ENVIRONMENT");
  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_string_append_printf (out, ".TP\n\\fB%s\\fR\n", rows[i][0]);
      append_sentence (out, rows[i][1]);
    }
}

void
cli_docs_man (GString *out, const CliDocs *docs, const CliCommand *command)
{
  gboolean is_root = command == docs->root;
  g_autofree char *name = cli_docs_main_name (command);
  g_autofree char *page = page_name (docs, name);
  g_autofree char *title = g_ascii_strup (page, -1);
  g_string_append_printf (out, ".TH \"%s\" 1 \"\" \"%s %s\" \"User Commands\"\n", title, docs->program, docs->version);
  append_section (out, "NAME");
  append_text (out, page);
  g_string_append (out, " \\- ");
  append_text (out, command->summary);
  g_string_append_c (out, '\n');
  append_synopsis (out, docs, command);
  append_section (out, "DESCRIPTION");
  append_sentence (out, command->description != NULL ? command->description : command->summary);
  if (command->notes != NULL)
    {
      g_string_append (out, ".PP\n");
      append_sentence (out, command->notes);
    }
  append_options (out, command);
  if (cli_command_is_group (command))
    append_commands (out, docs, name);
  if (command->examples != NULL)
    append_examples (out, docs, command);
  if (is_root)
    {
      append_exit_status (out);
      append_environment (out);
      return;
    }
  append_section (out, "SEE ALSO");
  append_reference (out, docs, "");
  g_string_append (out, ", which has the options that every command takes and the exit statuses.\n");
}
