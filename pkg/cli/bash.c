#include "pkg/cli/docs.h"

#include <string.h>

static void
append_canonical (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# The command that $1 names.\n_coracle_canonical ()\n{\n  case $1 in\n");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      g_autofree char *name = cli_docs_main_name (path->command);
      g_string_append_printf (out, "    '%s') command='%s' ;;\n", path->path, name);
    }
  g_string_append (out, "    *) return 1 ;;\n  esac\n}\n\n");
}

static void
append_flags_of (GString *out, const CliCommand *command)
{
  g_autoptr (GPtrArray) options = cli_visible_options (command);
  for (unsigned i = 0; i < options->len; i++)
    {
      const CliOption *option = options->pdata[i];
      const char *mark = option->type == CLI_BOOL || option->bare != NULL ? "" : "=";
      g_string_append_printf (out, " --%s%s", option->name, mark);
      if (option->short_name != 0)
        g_string_append_printf (out, " -%c%s", option->short_name, mark);
    }
}

static void
append_flags (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# The options of command $1; those that need a value end in =.\n_coracle_flags ()\n{\n  case $1 in\n    '') flags='");
  append_flags_of (out, docs->root);
  g_string_append (out, "' ;;\n");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (!path->main)
        continue;
      g_string_append_printf (out, "    '%s') flags='--help", path->path);
      append_flags_of (out, path->command);
      for (const CliOption *option = docs->globals; option->name != NULL; option++)
        g_string_append_printf (out, " --%s=", option->name);
      g_string_append (out, "' ;;\n");
    }
  g_string_append (out, "  esac\n}\n\n");
}

static void
append_words_of (GString *out, const CliDocs *docs, const char *group)
{
  g_autoptr (GPtrArray) entries = cli_list (docs->commands, group);
  g_string_append_printf (out, "    '%s') members='", group);
  for (unsigned i = 0; i < entries->len; i++)
    {
      const CliEntry *entry = entries->pdata[i];
      g_autofree char *aliases = g_strjoinv (" ", entry->aliases);
      g_string_append_printf (out, "%s%s%s%s", i > 0 ? " " : "", entry->word, *aliases != '\0' ? " " : "", aliases);
    }
  g_string_append (out, "' ;;\n");
}

static void
append_words (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# The commands in group $1.\n_coracle_words ()\n{\n  case $1 in\n");
  append_words_of (out, docs, "");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (path->main && cli_command_is_group (path->command))
        append_words_of (out, docs, path->path);
    }
  g_string_append (out, "    *) members= ;;\n  esac\n}\n\n");
}

static void
append_stops (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# Do the options of command $1 end at its first argument?\n_coracle_stops ()\n{\n  case $1 in\n");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (path->main && path->command->stop_at_args)
        g_string_append_printf (out, "    '%s') return 0 ;;\n", path->path);
    }
  g_string_append (out, "    *) return 1 ;;\n  esac\n}\n\n");
}

/* append_kind: @open: the pattern's beginning, up to the option: "'run " or "*' ". */
static void
append_kind (GString *out, const char *open, const CliOption *option)
{
  const char *kind = cli_docs_kind (option);
  if (*kind == '\0')
    return;
  g_string_append_printf (out, "    %s--%s'", open, option->name);
  if (option->short_name != 0)
    g_string_append_printf (out, " | %s-%c'", open, option->short_name);
  if (strcmp (kind, "values") == 0)
    {
      g_autofree char *values = g_strjoinv (" ", (char **) option->values);
      g_string_append_printf (out, ") kind='values:%s' ;;\n", values);
    }
  else
    g_string_append_printf (out, ") kind='%s' ;;\n", kind);
}

static void
append_kinds (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# What the value of option $2 of command $1 is.\n_coracle_kind ()\n{\n  kind=\n  case \"$1 $2\" in\n");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (!path->main)
        continue;
      g_autofree char *open = g_strconcat ("'", path->path, " ", NULL);
      g_autoptr (GPtrArray) options = cli_visible_options (path->command);
      for (unsigned j = 0; j < options->len; j++)
        append_kind (out, open, options->pdata[j]);
    }
  /* the globals, of whatever command */
  for (const CliOption *option = docs->globals; option->name != NULL; option++)
    append_kind (out, "*' ", option);
  g_string_append (out, "  esac\n}\n\n");
}

static void
append_arguments (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# What argument number $2 (from 0) of command $1 is.\n_coracle_argument ()\n{\n  kind=\n  case \"$1 $2\" in\n");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (!path->main || cli_command_is_group (path->command))
        continue;
      const char *first = cli_docs_complete (path->command->complete), *rest = cli_docs_complete (path->command->complete_rest);
      if (*first != '\0')
        g_string_append_printf (out, "    '%s 0') kind='%s' ;;\n", path->path, first);
      if (*rest != '\0')
        g_string_append_printf (out, "    '%s '[1-9]*) kind='%s' ;;\n", path->path, rest);
    }
  g_string_append (out, "  esac\n}\n\n");
}

static void
append_names (GString *out, const CliDocs *docs)
{
  static const char *const fixed[] = { "signal", "capability" };
  g_string_append (out, "# The names of kind $1.\n_coracle_names ()\n{\n  case $1 in\n    command) _coracle_words ''; echo \"$members\" ;;\n");
  for (unsigned i = 0; i < G_N_ELEMENTS (fixed); i++)
    {
      g_autofree char *words = cli_docs_words (docs, fixed[i]);
      g_string_append_printf (out, "    %s) echo '%s' ;;\n", fixed[i], words);
    }
  for (const CliLister *lister = cli_docs_listers; lister->kind != NULL; lister++)
    g_string_append_printf (out, "    %s) \"$program\" \"${globals[@]}\" %s 2>/dev/null ;;\n", lister->kind, lister->arguments);
  g_string_append (out, "  esac\n}\n\n");
}

void
cli_docs_bash (GString *out, const CliDocs *docs)
{
  g_string_append_printf (out, "# bash completion for %s %s, made from its command tables.\n\n", docs->program, docs->version);
  append_canonical (out, docs);
  append_words (out, docs);
  append_flags (out, docs);
  append_stops (out, docs);
  append_kinds (out, docs);
  append_arguments (out, docs);
  append_names (out, docs);
}
