#include "pkg/cli/cli.h"

#include "pkg/base/error.h"
#include "pkg/cli/value.h"

#include <string.h>

/* An option that was given: the last value of a scalar, all of a list. */
typedef struct {
  const CliOption *option;
  const char *text;
  gint64 number;
  double real;
  GPtrArray *list;
} Given;

struct CliArgs {
  const CliCommand *command;
  const CliOption *globals;
  GArray *given;
  GPtrArray *argv;
  gboolean help;
};

static const CliOption no_options[] = { CLI_END };

static void
given_clear (gpointer data)
{
  Given *given = data;
  if (given->list != NULL)
    g_ptr_array_unref (given->list);
}

void
cli_args_free (CliArgs *args)
{
  if (args == NULL)
    return;
  g_array_unref (args->given);
  g_ptr_array_unref (args->argv);
  g_free (args);
}

static const CliOption *
find_global (const CliOption *globals, const char *name)
{
  for (; globals->name != NULL; globals++)
    if (strcmp (globals->name, name) == 0)
      return globals;
  return NULL;
}

static const CliOption *
find_long (const CliArgs *args, const char *name)
{
  const CliOption *option = cli_option_find (args->command, name);
  return option != NULL ? option : find_global (args->globals, name);
}

static const CliOption *
find_short (const CliArgs *args, char letter)
{
  for (unsigned i = 0; i < CLI_MAX_OPTION_ARRAYS && args->command->options[i] != NULL; i++)
    for (const CliOption *option = args->command->options[i]; option->name != NULL; option++)
      if (option->short_name == letter)
        return option;
  return NULL;
}

static gboolean
is_list (const CliOption *option)
{
  return option->type == CLI_LIST || option->type == CLI_CSV || option->type == CLI_UINTS;
}

/* bare_value: what the option means without a value; NULL if it must have one. */
static const char *
bare_value (const CliOption *option)
{
  return option->type == CLI_BOOL ? "true" : option->bare;
}

static Given *
find_given (const CliArgs *args, const CliOption *option)
{
  for (unsigned i = 0; i < args->given->len; i++)
    if (g_array_index (args->given, Given, i).option == option)
      return &g_array_index (args->given, Given, i);
  return NULL;
}

static void
append_to_list (Given *given, const char *text)
{
  if (given->list == NULL)
    {
      given->list = g_ptr_array_new_with_free_func (g_free);
      g_ptr_array_add (given->list, NULL);
    }
  /* the NULL at the end makes room and comes back */
  g_ptr_array_set_size (given->list, (int) given->list->len - 1);
  if (given->option->type == CLI_LIST)
    g_ptr_array_add (given->list, g_strdup (text));
  else
    cli_csv_split (text, given->list, NULL);
  g_ptr_array_add (given->list, NULL);
}

static gboolean
prefix_invalid (const CliOption *option, const char *text, GError **error)
{
  g_autoptr (GString) quoted = g_string_new (NULL);
  cli_quote (quoted, text);
  if (option->short_name != 0)
    return coracle_prefix (error, "invalid argument %s for \"-%c, --%s\" flag", quoted->str, option->short_name, option->name);
  return coracle_prefix (error, "invalid argument %s for \"--%s\" flag", quoted->str, option->name);
}

static gboolean
take (CliArgs *args, const CliOption *option, const char *text, GError **error)
{
  gint64 number = 0;
  double real = 0;
  if (!cli_value_check (option, text, &number, &real, error))
    return prefix_invalid (option, text, error);
  Given *given = find_given (args, option);
  if (given == NULL)
    {
      Given fresh = { .option = option };
      g_array_append_val (args->given, fresh);
      given = &g_array_index (args->given, Given, args->given->len - 1);
    }
  given->text = text;
  given->number = number;
  given->real = real;
  if (is_list (option))
    append_to_list (given, text);
  return TRUE;
}

/* parse_long: the word @word, "--name" or "--name=value"; @cursor stands behind it and moves when a value is taken. */
static gboolean
parse_long (CliArgs *args, const char *word, const char *const **cursor, GError **error)
{
  const char *name = word + 2;
  const char *equals = strchr (name, '=');
  if (*name == '-' || *name == '=')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "bad flag syntax: %s", word);
  g_autofree char *copy = equals != NULL ? g_strndup (name, (gsize) (equals - name)) : NULL;
  const char *bare_name = copy != NULL ? copy : name;
  const CliOption *option = find_long (args, bare_name);
  if (option == NULL)
    {
      if (strcmp (bare_name, "help") != 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown flag: --%s", bare_name);
      args->help = TRUE;
      return TRUE;
    }
  const char *value = equals != NULL ? equals + 1 : bare_value (option);
  if (value == NULL && **cursor == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "flag needs an argument: --%s", bare_name);
  return take (args, option, value != NULL ? value : *(*cursor)++, error);
}

/* parse_short: the letters of "-itp8080:80". An "h" that is no option asks for help and stops the parsing. */
static gboolean
parse_short (CliArgs *args, const char *letters, const char *const **cursor, gboolean *stopped, GError **error)
{
  for (; *letters != '\0'; letters++)
    {
      const CliOption *option = find_short (args, *letters);
      if (option == NULL && *letters == 'h')
        {
          args->help = *stopped = TRUE;
          return TRUE;
        }
      if (option == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown shorthand flag: '%c' in -%s", *letters, letters);
      if (letters[1] == '=' && letters[2] != '\0')
        return take (args, option, letters + 2, error);
      if (bare_value (option) != NULL)
        {
          if (!take (args, option, bare_value (option), error))
            return FALSE;
          continue;
        }
      if (letters[1] != '\0')
        return take (args, option, letters + 1, error);
      if (**cursor == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "flag needs an argument: '%c' in -%s", *letters, letters);
      return take (args, option, *(*cursor)++, error);
    }
  return TRUE;
}

CliArgs *
cli_parse (const CliCommand *command, const CliOption *globals, const char *const *argv, GError **error)
{
  g_autoptr (CliArgs) args = g_new0 (CliArgs, 1);
  args->command = command;
  args->globals = globals != NULL ? globals : no_options;
  args->given = g_array_new (FALSE, FALSE, sizeof (Given));
  g_array_set_clear_func (args->given, given_clear);
  args->argv = g_ptr_array_new ();
  gboolean options_end = FALSE, stopped = FALSE;
  while (*argv != NULL && !stopped)
    {
      const char *word = *argv++;
      gboolean good = TRUE;
      if (options_end || word[0] != '-' || word[1] == '\0')
        {
          g_ptr_array_add (args->argv, (gpointer) word);
          options_end |= command->stop_at_args || cli_command_is_group (command);
        }
      else if (strcmp (word, "--") == 0)
        options_end = TRUE;
      else if (word[1] == '-')
        good = parse_long (args, word, &argv, error);
      else
        good = parse_short (args, word + 1, &argv, &stopped, error);
      if (!good)
        return NULL;
    }
  g_ptr_array_add (args->argv, NULL);
  return g_steal_pointer (&args);
}

gboolean
cli_check_count (const CliCommand *command, const CliArgs *args, const char *path, GError **error)
{
  unsigned n = cli_args_count (args), min = command->min_args, max = command->max_args;
  if (n >= min && (n <= max || max == CLI_ANY))
    return TRUE;
  if (n < min && command->few_args != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s", command->few_args);
  if (max == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "`%s` takes no arguments", path);
  if (max == CLI_ANY)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "requires at least %u arg(s), only received %u", min, n);
  if (min == max)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "accepts %u arg(s), received %u", max, n);
  if (min == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "accepts at most %u arg(s), received %u", max, n);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "accepts between %u and %u arg(s), received %u", min, max, n);
}

gboolean
cli_args_help (const CliArgs *args)
{
  return args->help;
}

/* must_find: the option @name, which must be of one of @types (a mask). */
static const CliOption *
must_find (const CliArgs *args, const char *name, unsigned types)
{
  const CliOption *option = find_long (args, name);
  if (option == NULL)
    g_error ("%s: the command has no option --%s", args->command->names, name);
  if ((types & 1u << option->type) == 0)
    g_error ("%s: --%s is asked for as another type", args->command->names, name);
  return option;
}

gboolean
cli_args_is_set (const CliArgs *args, const char *name)
{
  return find_given (args, must_find (args, name, ~0u)) != NULL;
}

/* number_of: the given value or the default's; the walk of the tables has checked the latter. */
static gint64
number_of (const CliArgs *args, const CliOption *option)
{
  const Given *given = find_given (args, option);
  gint64 number = given != NULL ? given->number : 0;
  if (given == NULL && option->value != NULL)
    cli_value_check (option, option->value, &number, NULL, NULL);
  return number;
}

gboolean
cli_args_bool (const CliArgs *args, const char *name)
{
  return number_of (args, must_find (args, name, 1u << CLI_BOOL)) != 0;
}

gint64
cli_args_int (const CliArgs *args, const char *name)
{
  return number_of (args, must_find (args, name, 1u << CLI_INT | 1u << CLI_UINT | 1u << CLI_DURATION | 1u << CLI_SIZE));
}

double
cli_args_float (const CliArgs *args, const char *name)
{
  const CliOption *option = must_find (args, name, 1u << CLI_FLOAT);
  const Given *given = find_given (args, option);
  double real = given != NULL ? given->real : 0;
  if (given == NULL && option->value != NULL)
    cli_value_check (option, option->value, NULL, &real, NULL);
  return real;
}

const char *
cli_args_string (const CliArgs *args, const char *name)
{
  const CliOption *option = must_find (args, name, ~(1u << CLI_BOOL | 1u << CLI_LIST | 1u << CLI_CSV | 1u << CLI_UINTS));
  const Given *given = find_given (args, option);
  return given != NULL ? given->text : option->value;
}

const char *const *
cli_args_list (const CliArgs *args, const char *name)
{
  static const char *const nothing[] = { NULL };
  const Given *given = find_given (args, must_find (args, name, 1u << CLI_LIST | 1u << CLI_CSV | 1u << CLI_UINTS));
  return given != NULL ? (const char *const *) given->list->pdata : nothing;
}

const char *const *
cli_args_argv (const CliArgs *args)
{
  return (const char *const *) args->argv->pdata;
}

unsigned
cli_args_count (const CliArgs *args)
{
  return args->argv->len - 1;
}

const char *
cli_args_arg (const CliArgs *args, unsigned index)
{
  return index < cli_args_count (args) ? args->argv->pdata[index] : NULL;
}
