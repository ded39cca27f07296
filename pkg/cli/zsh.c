#include "pkg/cli/docs.h"

#include <string.h>

/* append_escaped: @text inside single quotes, with what _arguments and _describe take as syntax escaped. */
static void
append_escaped (GString *out, const char *text)
{
  for (; *text != '\0'; text++)
    if (*text == '\'')
      g_string_append (out, "'\\''");
    else
      {
        if (strchr ("[]:\\", *text) != NULL)
          g_string_append_c (out, '\\');
        g_string_append_c (out, *text);
      }
}

/* function_name: "_coracle_image_list" for "image list". */
static char *
function_name (const CliDocs *docs, const char *name)
{
  g_autofree char *joined = g_strdelimit (g_strdup (name), " -", '_');
  return g_strdup_printf ("_%s_%s", docs->program, joined);
}

static void
append_action (GString *out, const CliDocs *docs, const char *kind)
{
  if (strcmp (kind, "file") == 0)
    g_string_append (out, "_files");
  else if (strcmp (kind, "dir") == 0)
    g_string_append (out, "_files -/");
  else if (*kind != '\0')
    g_string_append_printf (out, "_%s_names %s", docs->program, kind);
  else
    g_string_append_c (out, ' ');
}

static void
append_value (GString *out, const CliDocs *docs, const CliOption *option)
{
  const char *kind = cli_docs_kind (option);
  g_string_append (out, option->bare != NULL ? "::" : ":");
  append_escaped (out, cli_option_placeholder (option));
  g_string_append_c (out, ':');
  if (strcmp (kind, "values") == 0)
    {
      g_autofree char *values = g_strjoinv (" ", (char **) option->values);
      g_string_append_printf (out, "(%s)", values);
    }
  else
    append_action (out, docs, kind);
}

/* append_spec: one argument of _arguments: the option under its name @flag. */
static void
append_spec (GString *out, const CliDocs *docs, const CliOption *option, const char *flag, gboolean is_short)
{
  gboolean list = option->type == CLI_LIST || option->type == CLI_CSV || option->type == CLI_UINTS;
  gboolean valued = option->type != CLI_BOOL;
  g_string_append (out, "    '");
  if (list)
    g_string_append_c (out, '*');
  else if (option->short_name != 0)
    g_string_append_printf (out, "(-%c --%s)", option->short_name, option->name);
  g_string_append (out, flag);
  if (valued && option->bare == NULL)
    g_string_append (out, is_short ? "+" : "=");
  else if (valued)
    g_string_append (out, is_short ? "-" : "=-");
  g_string_append_c (out, '[');
  append_escaped (out, option->help);
  g_string_append_c (out, ']');
  if (valued)
    append_value (out, docs, option);
  g_string_append (out, "' \\\n");
}

static void
append_option (GString *out, const CliDocs *docs, const CliOption *option)
{
  g_autofree char *long_flag = g_strconcat ("--", option->name, NULL);
  const char short_flag[] = { '-', option->short_name, '\0' };
  append_spec (out, docs, option, long_flag, FALSE);
  if (option->short_name != 0)
    append_spec (out, docs, option, short_flag, TRUE);
}

static void
append_options (GString *out, const CliDocs *docs, const CliCommand *command)
{
  g_autoptr (GPtrArray) options = cli_visible_options (command);
  for (unsigned i = 0; i < options->len; i++)
    append_option (out, docs, options->pdata[i]);
  if (command == docs->root)
    return;
  g_string_append (out, "    '--help[Show help]' \\\n");
  for (const CliOption *option = docs->globals; option->name != NULL; option++)
    append_option (out, docs, option);
}

static void
append_command (GString *out, const CliDocs *docs, const char *name, const CliCommand *command)
{
  g_autofree char *function = function_name (docs, name);
  g_string_append_printf (out, "%s () {\n  _arguments -s -S %s\\\n", function, command->stop_at_args ? "-A '-*' " : "");
  append_options (out, docs, command);
  if (command->max_args >= 1)
    {
      g_string_append (out, "    '1: :");
      append_action (out, docs, cli_docs_complete (command->complete));
      g_string_append (out, "' \\\n");
    }
  if (command->max_args >= 2)
    {
      g_string_append (out, "    '*: :");
      append_action (out, docs, cli_docs_complete (command->complete_rest));
      g_string_append (out, "' \\\n");
    }
  g_string_append (out, "    && return 0\n}\n\n");
}

static void
append_group (GString *out, const CliDocs *docs, const char *group, const CliCommand *command, const char *function)
{
  g_autoptr (GPtrArray) entries = cli_list (docs->commands, group);
  g_string_append_printf (out, "%s () {\n  local curcontext=$curcontext state line\n  _arguments -C -S -A '-*' \\\n", function);
  append_options (out, docs, command);
  g_string_append (out, "    '1: :->command' '*:: :->argument'\n  case $state in\n  command)\n    local -a commands=(\n");
  for (unsigned i = 0; i < entries->len; i++)
    {
      const CliEntry *entry = entries->pdata[i];
      g_string_append_printf (out, "      '%s:", entry->word);
      append_escaped (out, entry->command->summary);
      g_string_append (out, "'\n");
    }
  g_string_append (out, "    )\n    _describe command commands ;;\n  argument)\n    case $line[1] in\n");
  for (unsigned i = 0; i < entries->len; i++)
    {
      const CliEntry *entry = entries->pdata[i];
      g_autofree char *main_name = cli_docs_main_name (entry->command);
      g_autofree char *target = function_name (docs, main_name);
      g_autofree char *aliases = g_strjoinv ("|", entry->aliases);
      g_string_append_printf (out, "    %s%s%s) %s ;;\n", entry->word, *aliases != '\0' ? "|" : "", aliases, target);
    }
  g_string_append (out, "    esac ;;\n  esac\n}\n\n");
}

static void
append_names (GString *out, const CliDocs *docs)
{
  static const char *const fixed[] = { "signal", "capability" };
  g_autoptr (GPtrArray) commands = cli_list (docs->commands, "");
  g_string_append_printf (out, "# Offer the names of kind $1.\n_%s_names () {\n  local -a names\n  case $1 in\n  command) names=(", docs->program);
  for (unsigned i = 0; i < commands->len; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? " " : "", ((const CliEntry *) commands->pdata[i])->word);
  g_string_append (out, ") ;;\n");
  for (unsigned i = 0; i < G_N_ELEMENTS (fixed); i++)
    {
      g_autofree char *words = cli_docs_words (docs, fixed[i]);
      g_string_append_printf (out, "  %s) names=(%s) ;;\n", fixed[i], words);
    }
  for (const CliLister *lister = cli_docs_listers; lister->kind != NULL; lister++)
    g_string_append_printf (out, "  %s) names=(${(f)\"$(%s %s 2>/dev/null)\"}) ;;\n", lister->kind, docs->program, lister->arguments);
  g_string_append (out, "  esac\n  compadd -a names\n}\n\n");
}

void
cli_docs_zsh (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_autofree char *main_function = g_strconcat ("_", docs->program, NULL);
  g_string_append_printf (out, "#compdef %s\n# zsh completion for %s %s, made from its command tables.\n\n", docs->program, docs->program, docs->version);
  append_names (out, docs);
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      g_autofree char *function = function_name (docs, path->path);
      if (path->main && cli_command_is_group (path->command))
        append_group (out, docs, path->path, path->command, function);
      else if (path->main)
        append_command (out, docs, path->path, path->command);
    }
  append_group (out, docs, "", docs->root, main_function);
  /* autoloaded, the file is the function: the first call defines and then is */
  g_string_append_printf (out, "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n  %s \"$@\"\nelse\n  compdef %s %s\nfi\n",
                          main_function, main_function, docs->program);
}
