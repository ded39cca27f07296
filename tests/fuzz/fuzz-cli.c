/* Any words, one a line, as a command line: refused with an error, or every value of it can be asked for. */
#include "pkg/cli/cli.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static int
nothing_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return 0;
}

static const CliOption options[] = {
  { "bool", 'b', CLI_BOOL, .help = "B" },
  { "choice", 'c', CLI_CHOICE, .help = "C", .value = "one", .values = CLI_VALUES ("one", "two") },
  { "int", 'n', CLI_INT, .help = "I", .value = "10" },
  { "uint", 'u', CLI_UINT, .help = "U" },
  { "float", 'f', CLI_FLOAT, .help = "F" },
  { "duration", 'd', CLI_DURATION, .help = "D", .value = "30s" },
  { "size", 's', CLI_SIZE, .help = "S" },
  { "csv", 'v', CLI_CSV, .help = "V" },
  { "uints", 'i', CLI_UINTS, .help = "N" },
  { "list", 'l', CLI_LIST, .help = "L", .alias = "all" },
  { "pull", 0, CLI_STRING, .help = "P", .bare = "always" },
  CLI_END
};
static const CliCommand commands_table[] = {
  { .names = "interspersed", .summary = "I", .options = { options }, .max_args = 3, .run = nothing_run },
  { .names = "stop, image stop|halt", .summary = "S", .options = { options }, .min_args = 1, .max_args = CLI_ANY, .stop_at_args = TRUE, .run = nothing_run },
  { .names = "image", .summary = "I" },
};
static const CliCommand *const commands[] = { &commands_table[0], &commands_table[1], &commands_table[2], NULL };

static void
ask (const CliArgs *args)
{
  (void) cli_args_bool (args, "bool");
  if (cli_args_int (args, "uint") < 0 || cli_args_int (args, "size") < 0)
    g_error ("a negative size");
  const char *choice = cli_args_string (args, "choice");
  if (strcmp (choice, "one") != 0 && strcmp (choice, "two") != 0)
    g_error ("%s is no choice", choice);
  (void) cli_args_int (args, "int");
  (void) cli_args_int (args, "duration");
  (void) cli_args_float (args, "float");
  (void) cli_args_string (args, "pull");
  unsigned entries = g_strv_length ((char **) cli_args_list (args, "csv")) + g_strv_length ((char **) cli_args_list (args, "uints"));
  if (entries > 0 && !cli_args_is_set (args, "csv") && !cli_args_is_set (args, "uints"))
    g_error ("a list that was not given");
  (void) g_strv_length ((char **) cli_args_list (args, "list"));
  if (g_strv_length ((char **) cli_args_argv (args)) != cli_args_count (args))
    g_error ("the count of arguments");
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_auto (GStrv) words = g_strsplit (text, "\n", -1);
  for (unsigned i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CliArgs) args = cli_parse (commands[i], NULL, (const char *const *) words, &error);
      if ((args == NULL) == (error == NULL))
        g_error ("neither arguments nor an error");
      if (args == NULL)
        continue;
      ask (args);
      (void) cli_check_count (commands[i], args, "coracle", NULL);
    }
  g_auto (GStrv) suggestions = cli_suggest (commands, "", text);
  if (g_strv_length (suggestions) > G_N_ELEMENTS (commands_table))
    g_error ("more suggestions than commands");
  g_autofree char *name = NULL;
  if (cli_find (commands, text, &name) != NULL && cli_find (commands, name, NULL) == NULL)
    g_error ("%s is found, %s is not", text, name);
  return 0;
}
