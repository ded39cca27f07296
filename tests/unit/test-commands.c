/* Walks the tables of every command that the programs have: what the compiler cannot hold them to. */
#include "cmd/common/dispatch.h"
#include "cmd/coracle/commands.h"
#include "pkg/cli/docs.h"

#include <string.h>

static const CliDocs docs = { .program = "coracle", .version = "1", .root = &root_command, .globals = global_options, .commands = coracle_commands };

static void
walk (void (*check) (const CliCommand *command, const char *name))
{
  for (const CliCommand *const *c = coracle_commands; *c != NULL; c++)
    {
      g_autofree char *name = cli_docs_main_name (*c);
      g_test_message ("%s", name);
      check (*c, name);
    }
}

static gboolean
is_line (const char *text)
{
  return text != NULL && *text != '\0' && strchr (text, '\n') == NULL && text[strlen (text) - 1] != '.' && !g_ascii_islower (*text);
}

static void
check_command (const CliCommand *command, const char *name)
{
  g_assert_true (is_line (command->summary));
  g_assert_cmpuint (command->min_args, <=, command->max_args);
  g_assert_cmpint (command->options[CLI_MAX_OPTION_ARRAYS - 1] == NULL, ==, TRUE);
  g_assert_true (command->description == NULL || !g_str_has_suffix (command->description, "\n"));
  g_assert_true (command->run == NULL || command->program == NULL);
  if (!cli_command_is_group (command))
    /* what takes arguments says which, and what does not does not */
    g_assert_cmpint (command->usage != NULL && *command->usage != '\0', ==, command->max_args > 0);
}

static void
test_commands (void)
{
  walk (check_command);
}

static void
check_option (const CliCommand *command, const CliOption *option, GHashTable *names, GHashTable *shorts)
{
  g_test_message ("  --%s", option->name);
  g_assert_true (g_hash_table_add (names, (gpointer) option->name));
  g_assert_true (option->alias == NULL || g_hash_table_add (names, (gpointer) option->alias));
  g_assert_true (option->short_name == 0 || g_ascii_isalnum (option->short_name));
  g_assert_true (option->short_name == 0 || g_hash_table_add (shorts, GINT_TO_POINTER (option->short_name)));
  g_assert_true (option->name[strspn (option->name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0');
  g_assert_true (is_line (option->help));
  g_assert_cmpint (option->type, <=, CLI_UINTS);
  g_assert_true (option->type != CLI_CHOICE || option->values != NULL);
  gboolean list = option->type == CLI_LIST || option->type == CLI_CSV || option->type == CLI_UINTS;
  g_assert_true (!list || option->value == NULL);
  g_autoptr (GError) error = NULL;
  g_assert_true (option->value == NULL || cli_value_check (option, option->value, NULL, NULL, &error));
  g_assert_true (option->bare == NULL || cli_value_check (option, option->bare, NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
check_options (const CliCommand *command, const char *name)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal), shorts = g_hash_table_new (NULL, NULL);
  for (unsigned i = 0; command->options[i] != NULL; i++)
    for (const CliOption *option = command->options[i]; option->name != NULL; option++)
      check_option (command, option, names, shorts);
  /* the program's own table has them in an array */
  for (const CliOption *option = global_options; command != &root_command && option->name != NULL; option++)
    check_option (command, option, names, shorts);
}

static void
test_options (void)
{
  walk (check_options);
  check_options (&root_command, "");
}

static void
test_paths (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) paths = cli_docs_paths (coracle_commands);
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      g_test_message ("%s", path->path);
      g_assert_true (g_hash_table_add (seen, path->path));
      g_assert_true (cli_find (coracle_commands, path->path, NULL) == path->command);
      const char *space = strrchr (path->path, ' ');
      g_autofree char *group = g_strndup (path->path, space != NULL ? (gsize) (space - path->path) : 0);
      const CliCommand *parent = space != NULL ? cli_find (coracle_commands, group, NULL) : &root_command;
      g_assert_true (parent != NULL && cli_command_is_group (parent));
    }
  /* every command that is not hidden is reached */
  for (const CliCommand *const *c = coracle_commands; *c != NULL; c++)
    {
      g_autofree char *name = cli_docs_main_name (*c);
      g_autoptr (GPtrArray) members = cli_list (coracle_commands, name);
      if (!(*c)->hidden && (!cli_command_is_group (*c) || members->len > 0))
        g_assert_true (g_hash_table_contains (seen, name));
    }
}

static void
check_examples (const CliCommand *command, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (command->examples != NULL ? command->examples : "", "\n", -1);
  for (unsigned i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      g_test_message ("  %s", lines[i]);
      g_assert_true (g_str_has_prefix (lines[i], name));
      g_assert_true (strchr (" ", lines[i][strlen (name)]) != NULL);
    }
}

static void
test_examples (void)
{
  walk (check_examples);
}

/* help_options: "-a, --all" and "--root string" of every line under "Options:", one a line. */
static char *
help_options (const CliCommand *command, const char *name)
{
  g_autoptr (GString) text = g_string_new (NULL), result = g_string_new (NULL);
  cli_help (text, "coracle", name, command, coracle_commands);
  const char *start = strstr (text->str, "\nOptions:\n");
  g_auto (GStrv) lines = g_strsplit (start != NULL ? start + strlen ("\nOptions:\n") : "", "\n", -1);
  for (unsigned i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      char *end = strstr (lines[i] + strspn (lines[i], " "), "   ");
      g_assert_nonnull (end);
      *end = '\0';
      g_strdelimit (lines[i], "=[]\"", ' ');
      /* an optional value's default is in the page's text, not in its head */
      g_auto (GStrv) words = g_strsplit_set (g_strstrip (lines[i]), " ", -1);
      for (unsigned j = 0; words[j] != NULL; j++)
        if (*words[j] == '-')
          g_string_append_printf (result, "%s ", words[j]);
      g_string_append_c (result, '\n');
    }
  return g_string_free (g_steal_pointer (&result), FALSE);
}

/* man_options: the same from the page's section OPTIONS. */
static char *
man_options (const CliCommand *command)
{
  g_autoptr (GString) text = g_string_new (NULL), result = g_string_new (NULL);
  cli_docs_man (text, &docs, command);
  const char *start = strstr (text->str, ".SH OPTIONS\n");
  g_auto (GStrv) lines = g_strsplit (start != NULL ? start : "", "\n", -1);
  for (unsigned i = 1; lines[0] != NULL && lines[i] != NULL && !g_str_has_prefix (lines[i], ".SH"); i++)
    {
      if (strcmp (lines[i], ".TP") != 0)
        continue;
      g_auto (GStrv) roman = g_strsplit (lines[i + 1], "\\fR", -1);
      for (unsigned j = 0; roman[j] != NULL; j++)
        {
          const char *bold = strstr (roman[j], "\\fB");
          g_auto (GStrv) plain = g_strsplit (bold != NULL ? bold + 3 : "", "\\", -1);
          g_autofree char *flag = g_strjoinv ("", plain);
          if (bold != NULL)
            g_string_append_printf (result, "%s%s", flag, *roman[j + 1] == ',' ? ", " : " ");
        }
      g_string_append_c (result, '\n');
    }
  return g_string_free (g_steal_pointer (&result), FALSE);
}

static void
check_agreement (const CliCommand *command, const char *name)
{
  g_autofree char *help = help_options (command, name), *page = man_options (command);
  g_assert_cmpstr (help, ==, page);
}

static void
test_agreement (void)
{
  walk (check_agreement);
  check_agreement (&root_command, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/commands/commands", test_commands);
  g_test_add_func ("/commands/options", test_options);
  g_test_add_func ("/commands/paths", test_paths);
  g_test_add_func ("/commands/examples", test_examples);
  g_test_add_func ("/commands/help-and-pages-agree", test_agreement);
  return g_test_run ();
}
