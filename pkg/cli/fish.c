#include "pkg/cli/docs.h"

#include <string.h>

static void
append_quoted (GString *out, const char *text)
{
  g_string_append_c (out, '\'');
  for (; *text != '\0'; text++)
    {
      if (*text == '\'' || *text == '\\')
        g_string_append_c (out, '\\');
      g_string_append_c (out, *text);
    }
  g_string_append_c (out, '\'');
}

/* condition: "__coracle_at 'images' 'image list' 'image ls'", in double quotes, for every path of @command. */
static char *
condition (const CliDocs *docs, GPtrArray *paths, const CliCommand *command)
{
  GString *text = g_string_new (NULL);
  g_string_append_printf (text, "\"__%s_at", docs->program);
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (path->command == command)
        g_string_append_printf (text, " '%s'", path->path);
    }
  g_string_append (text, command == docs->root ? " ''\"" : "\"");
  return g_string_free (text, FALSE);
}

static void
append_values (GString *out, const CliDocs *docs, const char *kind, const char *const *values)
{
  if (strcmp (kind, "file") == 0)
    g_string_append (out, " -F");
  else if (strcmp (kind, "dir") == 0)
    g_string_append (out, " -a '(__fish_complete_directories)'");
  else if (strcmp (kind, "values") == 0)
    {
      g_autofree char *all = g_strjoinv (" ", (char **) values);
      g_string_append (out, " -a ");
      append_quoted (out, all);
    }
  else if (*kind != '\0')
    g_string_append_printf (out, " -a '(__%s_names %s)'", docs->program, kind);
}

static void
append_option (GString *out, const CliDocs *docs, const char *where, const CliOption *option)
{
  const char *kind = cli_docs_kind (option);
  g_string_append_printf (out, "complete -c %s%s%s -l %s", docs->program, where != NULL ? " -n " : "", where != NULL ? where : "", option->name);
  if (option->short_name != 0)
    g_string_append_printf (out, " -s %c", option->short_name);
  if (option->type != CLI_BOOL && option->bare == NULL)
    g_string_append (out, strcmp (kind, "file") == 0 ? " -r" : " -x");
  if (option->type != CLI_BOOL)
    append_values (out, docs, kind, option->values);
  g_string_append (out, " -d ");
  append_quoted (out, option->help);
  g_string_append_c (out, '\n');
}

static void
append_command (GString *out, const CliDocs *docs, GPtrArray *paths, const CliCommand *command)
{
  g_autofree char *where = condition (docs, paths, command);
  g_autoptr (GPtrArray) options = cli_visible_options (command);
  for (unsigned i = 0; i < options->len; i++)
    append_option (out, docs, where, options->pdata[i]);
  const char *kinds[] = { cli_docs_complete (command->complete), cli_docs_complete (command->complete_rest) };
  for (unsigned i = 0; i < 2; i++)
    if (*kinds[i] != '\0' && (i == 0 || strcmp (kinds[0], kinds[1]) != 0))
      {
        g_string_append_printf (out, "complete -c %s -n %s", docs->program, where);
        append_values (out, docs, kinds[i], NULL);
        g_string_append_c (out, '\n');
      }
}

static void
append_members (GString *out, const CliDocs *docs, const char *group)
{
  g_autoptr (GPtrArray) entries = cli_list (docs->commands, group);
  for (unsigned i = 0; i < entries->len; i++)
    {
      const CliEntry *entry = entries->pdata[i];
      g_string_append_printf (out, "complete -c %s -n \"__%s_at '%s'\" -a %s -d ", docs->program, docs->program, group, entry->word);
      append_quoted (out, entry->command->summary);
      g_string_append_c (out, '\n');
    }
}

/* append_walk: the function that says where on the line we are. */
static void
append_walk (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append_printf (out, "# Is the command on the line one of these? '' is none yet.\nfunction __%s_at\n", docs->program);
  g_string_append (out, "    set -l words (commandline -opc)\n    set -e words[1]\n    set -l path ''\n    set -l skip 0\n    for word in $words\n"
                        "        if test $skip = 1\n            set skip 0\n            continue\n        end\n        switch \"$word\"\n            case");
  for (const CliOption *option = docs->globals; option->name != NULL; option++)
    g_string_append_printf (out, " --%s", option->name);
  g_string_append (out, "\n                set skip 1\n            case '-*'\n                continue\n            case '*'\n"
                        "                set path (string trim \"$path $word\")\n                contains -- \"$path\"");
  for (unsigned i = 0; i < paths->len; i++)
    if (cli_command_is_group (((const CliPath *) paths->pdata[i])->command))
      g_string_append_printf (out, " '%s'", ((const CliPath *) paths->pdata[i])->path);
  g_string_append (out, "; or break\n        end\n    end\n    contains -- \"$path\" $argv\nend\n\n");
}

static void
append_names (GString *out, const CliDocs *docs)
{
  static const char *const fixed[] = { "signal", "capability" };
  g_autoptr (GPtrArray) commands = cli_list (docs->commands, "");
  g_string_append_printf (out, "# The names of a kind, one a line.\nfunction __%s_names\n    switch $argv[1]\n        case command\n            string split ' ' '", docs->program);
  for (unsigned i = 0; i < commands->len; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? " " : "", ((const CliEntry *) commands->pdata[i])->word);
  g_string_append (out, "'\n");
  for (unsigned i = 0; i < G_N_ELEMENTS (fixed); i++)
    {
      g_autofree char *words = cli_docs_words (docs, fixed[i]);
      g_string_append_printf (out, "        case %s\n            string split ' ' '%s'\n", fixed[i], words);
    }
  for (const CliLister *lister = cli_docs_listers; lister->kind != NULL; lister++)
    g_string_append_printf (out, "        case %s\n            %s %s 2>/dev/null\n", lister->kind, docs->program, lister->arguments);
  g_string_append (out, "    end\nend\n\n");
}

void
cli_docs_fish (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append_printf (out, "# fish completion for %s %s, made from its command tables.\n\n", docs->program, docs->version);
  append_walk (out, docs);
  append_names (out, docs);
  g_string_append_printf (out, "complete -c %s -f\ncomplete -c %s -l help -d 'Show help'\n", docs->program, docs->program);
  for (const CliOption *option = docs->globals; option->name != NULL; option++)
    append_option (out, docs, NULL, option);
  g_string_append_printf (out, "complete -c %s -n \"__%s_at ''\" -l version -s v -d 'Show the version'\n", docs->program, docs->program);
  append_members (out, docs, "");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (path->main && cli_command_is_group (path->command))
        append_members (out, docs, path->path);
      else if (path->main)
        append_command (out, docs, paths, path->command);
    }
}
