#include "pkg/cli/cli.h"

#include "pkg/base/error.h"
#include "pkg/cli/value.h"

#include <string.h>

static int
nothing_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return 0;
}

static const CliOption run_options[] = {
  { "env", 'e', CLI_LIST, .help = "Set a variable" },
  { "publish", 'p', CLI_CSV, .help = "Publish a port" },
  { "interactive", 'i', CLI_BOOL, .help = "Keep stdin" },
  { "tty", 't', CLI_BOOL, .help = "Allocate a terminal" },
  { "detach", 'd', CLI_BOOL, .help = "Run in the background" },
  { "sig-proxy", 0, CLI_BOOL, .help = "Proxy signals", .value = "true" },
  { "name", 0, CLI_STRING, .help = "Assign a name" },
  { "memory", 'm', CLI_SIZE, .help = "Memory limit" },
  { "shm-size", 0, CLI_SIZE, .help = "Size of /dev/shm", .value = "65536k" },
  { "hostname", 'h', CLI_STRING, .help = "Host name" },
  { "network", 0, CLI_LIST, .help = "Networks", .alias = "net" },
  CLI_END
};
static const CliOption kinds_options[] = {
  { "bool", 'b', CLI_BOOL, .help = "B" },
  { "choice", 'c', CLI_CHOICE, .help = "C", .value = "one", .values = CLI_VALUES ("one", "two") },
  { "int", 'n', CLI_INT, .help = "I", .value = "10" },
  { "uint", 'u', CLI_UINT, .help = "U" },
  { "float", 'f', CLI_FLOAT, .help = "F" },
  { "duration", 'd', CLI_DURATION, .help = "D", .value = "30s" },
  { "size", 's', CLI_SIZE, .help = "S" },
  { "csv", 0, CLI_CSV, .help = "V" },
  { "uints", 0, CLI_UINTS, .help = "N" },
  { "pull", 0, CLI_STRING, .help = "P", .bare = "always", .value = "missing" },
  { "secret-switch", 0, CLI_BOOL, .hidden = TRUE, .help = "X" },
  CLI_END
};
static const CliOption globals[] = { { "root", 0, CLI_STRING, .help = "The store" }, CLI_END };

static const CliCommand cmd_run = {
  .names = "run, container run", .usage = "IMAGE [COMMAND [ARG...]]", .summary = "Run a command",
  .options = { run_options }, .min_args = 1, .max_args = CLI_ANY, .stop_at_args = TRUE, .run = nothing_run,
};
static const CliCommand cmd_rm = {
  .names = "rm, container rm", .usage = "CONTAINER", .summary = "Remove", .examples = "rm web\n",
  .max_args = CLI_ANY, .options = { kinds_options }, .run = nothing_run,
};
static const CliCommand cmd_images = {
  .names = "images, image list|ls", .summary = "List images", .description = "List **images -a**, *any*, *.tar", .max_args = 1, .run = nothing_run,
};
static const CliCommand cmd_tag = { .names = "tag, image tag", .summary = "Tag", .min_args = 2, .max_args = CLI_ANY, .run = nothing_run };
static const CliCommand cmd_rename = { .names = "rename", .summary = "Rename", .min_args = 2, .max_args = 2, .run = nothing_run };
static const CliCommand cmd_import = { .names = "import", .summary = "Import", .min_args = 1, .max_args = 2, .program = "coracle-image" };
static const CliCommand cmd_version = { .names = "version", .summary = "Version", .run = nothing_run };
static const CliCommand cmd_exec = {
  .names = "exec", .summary = "Exec", .min_args = 1, .max_args = CLI_ANY, .few_args = "exec requires a container", .run = nothing_run
};
static const CliCommand cmd_image = { .names = "image", .summary = "Manage images" };
static const CliCommand cmd_container = { .names = "container", .summary = "Manage containers" };
static const CliCommand cmd_empty = { .names = "volume", .summary = "Manage volumes" };
static const CliCommand cmd_secret = { .names = "rmx", .summary = "Hidden", .hidden = TRUE, .run = nothing_run };
static const CliCommand *const commands[] = {
  &cmd_run, &cmd_rm, &cmd_images, &cmd_tag, &cmd_rename, &cmd_import, &cmd_version, &cmd_exec, &cmd_image, &cmd_container, &cmd_empty, &cmd_secret, NULL
};

/* split: the words of @line; a lone '' is an empty word. Borrowed by what is parsed from it. */
static char **
split (const char *line)
{
  char **words = g_strsplit (line, " ", -1);
  for (unsigned i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], "''") == 0)
      *words[i] = '\0';
  return words;
}

/* describe: what was parsed, as one line, so that a table can hold it. */
static char *
describe (const CliArgs *args)
{
  g_autofree char *env = g_strjoinv ("|", (char **) cli_args_list (args, "env"));
  g_autofree char *publish = g_strjoinv ("|", (char **) cli_args_list (args, "publish"));
  g_autofree char *network = g_strjoinv ("|", (char **) cli_args_list (args, "network"));
  g_autofree char *argv = g_strjoinv ("|", (char **) cli_args_argv (args));
  const char *name = cli_args_string (args, "name"), *host = cli_args_string (args, "hostname");
  return g_strdup_printf ("%s%s%s%s e=%s p=%s n=%s m=%" G_GINT64_FORMAT " net=%s h=%s: %s", cli_args_bool (args, "interactive") ? "i" : "",
                          cli_args_bool (args, "tty") ? "t" : "", cli_args_bool (args, "detach") ? "d" : "",
                          cli_args_bool (args, "sig-proxy") ? "s" : "", env, publish, name != NULL ? name : "", cli_args_int (args, "memory"),
                          network, host != NULL ? host : "", argv);
}

static void
test_grammar (void)
{
  static const struct { const char *line, *expected; } table[] = {
    { "img", "s e= p= n= m=0 net= h=: img" },
    { "-it img", "its e= p= n= m=0 net= h=: img" },
    { "-itd img sh -c true", "itds e= p= n= m=0 net= h=: img|sh|-c|true" },
    { "-p8080:80 img", "s e= p=8080:80 n= m=0 net= h=: img" },
    { "-p 8080:80 -p=1,2 img", "s e= p=8080:80|1|2 n= m=0 net= h=: img" },
    { "-e=X img", "s e=X p= n= m=0 net= h=: img" },
    { "-e= img", "s e== p= n= m=0 net= h=: img" },
    { "-e a,b -ec=d --env=e=f --env g img", "s e=a,b|c=d|e=f|g p= n= m=0 net= h=: img" },
    { "-itp80:80 img", "its e= p=80:80 n= m=0 net= h=: img" },
    { "--name=a --name b img", "s e= p= n=b m=0 net= h=: img" },
    { "--name= img", "s e= p= n= m=0 net= h=: img" },
    { "--name -x img", "s e= p= n=-x m=0 net= h=: img" },
    { "--tty=false --interactive=T --sig-proxy=0 img", "i e= p= n= m=0 net= h=: img" },
    { "-t=false -i=1 img", "is e= p= n= m=0 net= h=: img" },
    { "-m 64m img -m 1", "s e= p= n= m=67108864 net= h=: img|-m|1" },
    { "-- -it", "s e= p= n= m=0 net= h=: -it" },
    { "-i -- img -- -t", "is e= p= n= m=0 net= h=: img|--|-t" },
    { "--net a --network=b img", "s e= p= n= m=0 net=a|b h=: img" },
    { "-h box img", "s e= p= n= m=0 net= h=box: img" },
    { "- --tty", "s e= p= n= m=0 net= h=: -|--tty" },
    { "'' -t", "s e= p= n= m=0 net= h=: |-t" },
    { "--root /x img", "s e= p= n= m=0 net= h=: img" },
    { "-p \"a,b\",c img", "s e= p=a,b|c n= m=0 net= h=: img" },
    { "-p '' img", "s e= p= n= m=0 net= h=: img" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_auto (GStrv) words = split (table[i].line);
      g_autoptr (GError) error = NULL;
      g_autoptr (CliArgs) args = cli_parse (&cmd_run, globals, (const char *const *) words, &error);
      g_assert_no_error (error);
      g_autofree char *got = describe (args);
      g_assert_cmpstr (got, ==, table[i].expected);
      g_assert_false (cli_args_help (args));
    }
}

static void
test_grammar_errors (void)
{
  static const struct { const char *line, *expected; } table[] = {
    { "--foo img", "unknown flag: --foo" },
    { "--foo=bar img", "unknown flag: --foo" },
    { "-x img", "unknown shorthand flag: 'x' in -x" },
    { "-itx img", "unknown shorthand flag: 'x' in -x" },
    { "-ixt img", "unknown shorthand flag: 'x' in -xt" },
    { "-i= img", "unknown shorthand flag: '=' in -=" },
    { "--name", "flag needs an argument: --name" },
    { "-e", "flag needs an argument: 'e' in -e" },
    { "-ite", "flag needs an argument: 'e' in -e" },
    { "--=x", "bad flag syntax: --=x" },
    { "---x", "bad flag syntax: ---x" },
    { "--tty=maybe img", "invalid argument \"maybe\" for \"-t, --tty\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax" },
    { "-it=x img", "invalid argument \"x\" for \"-t, --tty\" flag: strconv.ParseBool: parsing \"x\": invalid syntax" },
    { "--sig-proxy= img", "invalid argument \"\" for \"--sig-proxy\" flag: strconv.ParseBool: parsing \"\": invalid syntax" },
    { "-m x img", "invalid argument \"x\" for \"-m, --memory\" flag: invalid size: 'x'" },
    { "-p a\"b img", "invalid argument \"a\\\"b\" for \"-p, --publish\" flag: parse error on line 1, column 2: bare \" in non-quoted-field" },
    { "-p \"ab img", "invalid argument \"\\\"ab\" for \"-p, --publish\" flag: parse error on line 1, column 4: extraneous or missing \" in quoted-field" },
    { "-p \"a\"b img", "invalid argument \"\\\"a\\\"b\" for \"-p, --publish\" flag: parse error on line 1, column 3: extraneous or missing \" in quoted-field" },
    { "--help --foo", "unknown flag: --foo" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_auto (GStrv) words = split (table[i].line);
      g_autoptr (GError) error = NULL;
      g_autoptr (CliArgs) args = cli_parse (&cmd_run, globals, (const char *const *) words, &error);
      g_assert_null (args);
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
      g_assert_cmpstr (error->message, ==, table[i].expected);
    }
}

static void
test_interspersed (void)
{
  const char *argv[] = { "a", "-b", "b", "--int", "3", "--", "-b", NULL };
  g_autoptr (CliArgs) args = cli_parse (&cmd_rm, NULL, argv, NULL);
  g_assert_nonnull (args);
  g_assert_cmpuint (cli_args_count (args), ==, 3);
  g_assert_cmpstr (cli_args_arg (args, 2), ==, "-b");
  g_assert_null (cli_args_arg (args, 3));
  g_assert_cmpint (cli_args_int (args, "int"), ==, 3);
  g_assert_true (cli_args_is_set (args, "bool"));
  g_assert_false (cli_args_is_set (args, "float"));
}

static void
test_help_words (void)
{
  const char *argv[] = { "-h", "--nonsense", NULL }, *longer[] = { "x", "--help", NULL };
  g_autoptr (CliArgs) brief = cli_parse (&cmd_rm, NULL, argv, NULL);
  g_assert_true (brief != NULL && cli_args_help (brief));
  g_autoptr (CliArgs) args = cli_parse (&cmd_rm, NULL, longer, NULL);
  g_assert_true (args != NULL && cli_args_help (args));
}

static void
test_defaults (void)
{
  const char *none[] = { NULL }, *bare[] = { "--pull", "x", NULL }, *valued[] = { "--pull=never", NULL };
  g_autoptr (CliArgs) args = cli_parse (&cmd_rm, NULL, none, NULL);
  g_assert_cmpint (cli_args_int (args, "int"), ==, 10);
  g_assert_cmpint (cli_args_int (args, "duration"), ==, 30 * G_USEC_PER_SEC);
  g_assert_cmpstr (cli_args_string (args, "choice"), ==, "one");
  g_assert_cmpstr (cli_args_string (args, "pull"), ==, "missing");
  g_assert_cmpfloat (cli_args_float (args, "float"), ==, 0);
  g_assert_null (cli_args_list (args, "csv")[0]);
  g_autoptr (CliArgs) with_bare = cli_parse (&cmd_rm, NULL, bare, NULL);
  g_assert_cmpstr (cli_args_string (with_bare, "pull"), ==, "always");
  g_assert_cmpstr (cli_args_arg (with_bare, 0), ==, "x");
  g_autoptr (CliArgs) with_value = cli_parse (&cmd_rm, NULL, valued, NULL);
  g_assert_cmpstr (cli_args_string (with_value, "pull"), ==, "never");
}

/* every value kind, good and bad: @expected NULL means @text is refused with @message */
static void
test_values (void)
{
  static const struct { CliType type; const char *text; gboolean good; gint64 number; const char *message; } table[] = {
    { CLI_BOOL, "true", TRUE, 1 }, { CLI_BOOL, "F", TRUE, 0 }, { CLI_BOOL, "TRUE", TRUE, 1 }, { CLI_BOOL, "yes", FALSE, 0, "strconv.ParseBool: parsing \"yes\": invalid syntax" },
    { CLI_INT, "12", TRUE, 12 }, { CLI_INT, "-12", TRUE, -12 }, { CLI_INT, "+7", TRUE, 7 }, { CLI_INT, "0x1F", TRUE, 31 }, { CLI_INT, "0b101", TRUE, 5 },
    { CLI_INT, "0o17", TRUE, 15 }, { CLI_INT, "017", TRUE, 15 }, { CLI_INT, "0", TRUE, 0 }, { CLI_INT, "-9223372036854775808", TRUE, G_MININT64 },
    { CLI_INT, "9223372036854775807", TRUE, G_MAXINT64 }, { CLI_INT, "9223372036854775808", FALSE, 0, "strconv.ParseInt: parsing \"9223372036854775808\": value out of range" },
    { CLI_INT, "0x_ff", TRUE, 255 }, { CLI_INT, "1_000", FALSE, 0, "strconv.ParseInt: parsing \"1_000\": invalid syntax" },
    { CLI_INT, "", FALSE, 0, "strconv.ParseInt: parsing \"\": invalid syntax" }, { CLI_INT, "-", FALSE, 0, "strconv.ParseInt: parsing \"-\": invalid syntax" },
    { CLI_INT, "0x", FALSE, 0, "strconv.ParseInt: parsing \"0x\": invalid syntax" }, { CLI_INT, "1a", FALSE, 0, "strconv.ParseInt: parsing \"1a\": invalid syntax" },
    { CLI_INT, " 1", FALSE, 0, "strconv.ParseInt: parsing \" 1\": invalid syntax" }, { CLI_INT, "08", FALSE, 0, "strconv.ParseInt: parsing \"08\": invalid syntax" },
    { CLI_INT, "99999999999999999999999", FALSE, 0, "strconv.ParseInt: parsing \"99999999999999999999999\": value out of range" },
    { CLI_UINT, "5", TRUE, 5 }, { CLI_UINT, "-1", FALSE, 0, "strconv.ParseUint: parsing \"-1\": invalid syntax" }, { CLI_UINT, "x", FALSE, 0, "strconv.ParseUint: parsing \"x\": invalid syntax" },
    { CLI_FLOAT, "a", FALSE, 0, "strconv.ParseFloat: parsing \"a\": invalid syntax" }, { CLI_FLOAT, "1.5", TRUE, 0 }, { CLI_FLOAT, "1e999", FALSE, 0, "strconv.ParseFloat: parsing \"1e999\": value out of range" },
    { CLI_FLOAT, "", FALSE, 0, "strconv.ParseFloat: parsing \"\": invalid syntax" },
    { CLI_DURATION, "90s", TRUE, 90000000 }, { CLI_DURATION, "1h30m", TRUE, 5400000000 }, { CLI_DURATION, "1.5s", TRUE, 1500000 }, { CLI_DURATION, "250ms", TRUE, 250000 },
    { CLI_DURATION, "-2us", TRUE, -2 }, { CLI_DURATION, "0", TRUE, 0 }, { CLI_DURATION, "3µs", TRUE, 3 },
    { CLI_DURATION, "5", FALSE, 0, "time: missing unit in duration \"5\"" }, { CLI_DURATION, "5x", FALSE, 0, "time: unknown unit \"x\" in duration \"5x\"" },
    { CLI_DURATION, "", FALSE, 0, "time: invalid duration \"\"" }, { CLI_DURATION, "s", FALSE, 0, "time: invalid duration \"s\"" },
    { CLI_DURATION, "9999999999h", FALSE, 0, "time: invalid duration \"9999999999h\"" },
    { CLI_SIZE, "0", TRUE, 0 }, { CLI_SIZE, "100", TRUE, 100 }, { CLI_SIZE, "10b", TRUE, 10 }, { CLI_SIZE, "64m", TRUE, 64 << 20 }, { CLI_SIZE, "1.5G", TRUE, 1610612736 },
    { CLI_SIZE, "4kb", TRUE, 4096 }, { CLI_SIZE, "4KiB", TRUE, 4096 }, { CLI_SIZE, "1 t", TRUE, G_GINT64_CONSTANT (1) << 40 }, { CLI_SIZE, "-1", FALSE, 0, "invalid size: '-1'" },
    { CLI_SIZE, "m", FALSE, 0, "invalid size: 'm'" }, { CLI_SIZE, "", FALSE, 0, "invalid size: ''" }, { CLI_SIZE, "1mm", FALSE, 0, "invalid suffix: 'mm'" },
    { CLI_SIZE, "1bb", FALSE, 0, "invalid suffix: 'bb'" }, { CLI_SIZE, "99999999999999999999p", FALSE, 0, "invalid size: '99999999999999999999p': too large" },
    { CLI_CHOICE, "two", TRUE, 0 }, { CLI_CHOICE, "three", FALSE, 0, "\"three\" is not a valid value.  Choose from: \"one, two\"" },
    { CLI_UINTS, "1,2,3", TRUE, 0 }, { CLI_UINTS, "1,a", FALSE, 0, "strconv.ParseUint: parsing \"a\": invalid syntax" }, { CLI_STRING, "", TRUE, 0 }, { CLI_LIST, "\"", TRUE, 0 },
    { CLI_CSV, "a,", TRUE, 0 }, { CLI_CSV, "\"", FALSE, 0, "parse error on line 1, column 2: extraneous or missing \" in quoted-field" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
    {
      CliOption option = { .name = "x", .type = table[i].type, .values = CLI_VALUES ("one", "two") };
      g_autoptr (GError) error = NULL;
      gint64 number = -4711;
      gboolean good = cli_value_check (&option, table[i].text, &number, NULL, &error);
      g_test_message ("type %d, \"%s\"", table[i].type, table[i].text);
      g_assert_cmpint (good, ==, table[i].good);
      g_assert_cmpstr (error != NULL ? error->message : NULL, ==, table[i].message);
      g_assert_cmpint (number, ==, good ? table[i].number : -4711);
    }
}

static void
test_float (void)
{
  const char *argv[] = { "-f", "1.25", NULL };
  g_autoptr (CliArgs) args = cli_parse (&cmd_rm, NULL, argv, NULL);
  g_assert_nonnull (args);
  g_assert_cmpfloat (cli_args_float (args, "float"), ==, 1.25);
}

static void
test_csv (void)
{
  static const struct { const char *text, *expected; } table[] = {
    { "", "" }, { "a", "a" }, { "a,b", "a|b" }, { "a,,b", "a||b" }, { "a,", "a|" }, { ",", "|" }, { "\"a,b\",c", "a,b|c" }, { "\"a\"\"b\"", "a\"b" }, { "\"\"", "" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
      g_assert_true (cli_csv_split (table[i].text, list, NULL));
      g_ptr_array_add (list, NULL);
      g_autofree char *joined = g_strjoinv ("|", (char **) list->pdata);
      g_assert_cmpstr (joined, ==, table[i].expected);
    }
}

static void
test_count (void)
{
  static const struct { const CliCommand *command; unsigned count; const char *message; } table[] = {
    { &cmd_tag, 2, NULL }, { &cmd_tag, 5, NULL }, { &cmd_tag, 1, "requires at least 2 arg(s), only received 1" },
    { &cmd_rename, 2, NULL }, { &cmd_rename, 1, "accepts 2 arg(s), received 1" }, { &cmd_rename, 3, "accepts 2 arg(s), received 3" },
    { &cmd_import, 1, NULL }, { &cmd_import, 0, "accepts between 1 and 2 arg(s), received 0" }, { &cmd_images, 1, NULL },
    { &cmd_images, 2, "accepts at most 1 arg(s), received 2" }, { &cmd_version, 0, NULL }, { &cmd_version, 1, "`podman x` takes no arguments" },
    { &cmd_exec, 0, "exec requires a container" }, { &cmd_exec, 1, NULL },
  };
  const char *argv[] = { "a", "a", "a", "a", "a", NULL };
  for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CliArgs) args = cli_parse (table[i].command, NULL, argv + 5 - table[i].count, NULL);
      g_assert_cmpint (cli_check_count (table[i].command, args, "podman x", &error), ==, table[i].message == NULL);
      g_assert_cmpstr (error != NULL ? error->message : NULL, ==, table[i].message);
    }
}

static void
test_find (void)
{
  static const struct { const char *path; const CliCommand *command; const char *name; } table[] = {
    { "run", &cmd_run, "run" }, { "container run", &cmd_run, "container run" }, { "image ls", &cmd_images, "image list" }, { "images", &cmd_images, "images" },
    { "image list", &cmd_images, "image list" }, { "image", &cmd_image, "image" }, { "ru", NULL, NULL }, { "image l", NULL, NULL }, { "ls", NULL, NULL }, { "", NULL, NULL },
    { "image ", NULL, NULL }, { "list|ls", NULL, NULL }, { "image list|ls", NULL, NULL }, { "rmx", &cmd_secret, "rmx" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *name = NULL;
      g_assert_true (cli_find (commands, table[i].path, &name) == table[i].command);
      g_assert_cmpstr (name, ==, table[i].name);
    }
}

static void
test_suggest (void)
{
  static const struct { const char *group, *word, *expected; } table[] = {
    { "", "imags", "image images" }, { "", "ru", "rm run" }, { "", "rmx", "rm run" }, { "", "vers", "version" }, { "", "RUN", "rm run" },
    { "", "nothinglikeit", "" }, { "", "", "" }, { "image", "lst", "list" }, { "", "volume", "" }, { "image", "rm", "" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_auto (GStrv) words = cli_suggest (commands, table[i].group, table[i].word);
      g_autofree char *joined = g_strjoinv (" ", words);
      g_assert_cmpstr (joined, ==, table[i].expected);
    }
}

/* a group in a group: found, listed and suggested by its whole path; empty it is not shown */
static void
test_deep (void)
{
  static const CliCommand outer = { .names = "outer", .summary = "Outer" }, inner = { .names = "outer inner", .summary = "Inner" }, hollow = { .names = "outer hollow", .summary = "Hollow" },
                          leaf = { .names = "outer inner leaf|sheet, sheet", .summary = "Leaf", .run = nothing_run };
  static const CliCommand *const deep[] = { &outer, &inner, &hollow, &leaf, NULL };
  g_autofree char *name = NULL;
  g_assert_true (cli_find (deep, "outer inner sheet", &name) == &leaf);
  g_assert_cmpstr (name, ==, "outer inner leaf");
  g_assert_true (cli_find (deep, "outer inner", NULL) == &inner);
  g_assert_true (cli_find (deep, "sheet", NULL) == &leaf);
  g_assert_null (cli_find (deep, "outer leaf", NULL));
  g_assert_null (cli_find (deep, "inner leaf", NULL));
  g_autoptr (GPtrArray) within = cli_list (deep, "outer"), leaves = cli_list (deep, "outer inner");
  g_assert_cmpuint (within->len, ==, 1);
  g_assert_cmpstr (((const CliEntry *) within->pdata[0])->word, ==, "inner");
  g_assert_cmpuint (leaves->len, ==, 1);
  g_auto (GStrv) words = cli_suggest (deep, "outer inner", "laef");
  g_assert_cmpstr (words[0], ==, "leaf");
}

static void
test_help_layout (void)
{
  g_autoptr (GString) out = g_string_new (NULL);
  cli_help (out, "podman", "container rm", &cmd_rm, commands);
  g_assert_cmpstr (out->str, ==,
                   "Remove\n\nDescription:\n  Remove\n\nUsage:\n  podman container rm [options] CONTAINER\n\nExamples:\n  podman container rm web\n\nOptions:\n"
                   "  -b, --bool                     B\n"
                   "  -c, --choice choice            C (default one)\n"
                   "      --csv strings              V\n"
                   "  -d, --duration duration        D (default 30s)\n"
                   "  -f, --float float              F\n"
                   "  -n, --int int                  I (default 10)\n"
                   "      --pull string[=\"always\"]   P (default \"missing\")\n"
                   "  -s, --size <number>[<unit>]    S\n"
                   "  -u, --uint uint                U\n"
                   "      --uints uints              N\n\n");
  g_string_truncate (out, 0);
  cli_help (out, "coracle", "image list", &cmd_images, commands);
  g_assert_cmpstr (out->str, ==, "List images\n\nDescription:\n  List images -a, any, *.tar\n\nUsage:\n  coracle image list\n\nAliases:\n  list, ls\n\n");
  g_string_truncate (out, 0);
  cli_help (out, "coracle", "image", &cmd_image, commands);
  g_assert_cmpstr (out->str, ==, "Manage images\n\nDescription:\n  Manage images\n\nUsage:\n  coracle image [command]\n\nAvailable Commands:\n"
                                 "  list        List images\n  tag         Tag\n\n");
}

static void
test_exit_status (void)
{
  static const struct { CoracleErrorCode code; int status; } table[] = {
    { CORACLE_ERROR_SYSTEM, 125 }, { CORACLE_ERROR_INVALID, 125 }, { CORACLE_ERROR_NOT_FOUND, 125 }, { CORACLE_ERROR_CANNOT_INVOKE, 126 }, { CORACLE_ERROR_NO_COMMAND, 127 },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (GError) error = g_error_new_literal (CORACLE_ERROR, table[i].code, "x");
      g_assert_cmpint (cli_exit_status (error), ==, table[i].status);
    }
  g_autoptr (GError) foreign = g_error_new_literal (G_FILE_ERROR, CORACLE_ERROR_NO_COMMAND, "x");
  g_assert_cmpint (cli_exit_status (foreign), ==, 125);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/grammar", test_grammar);
  g_test_add_func ("/cli/grammar-errors", test_grammar_errors);
  g_test_add_func ("/cli/interspersed", test_interspersed);
  g_test_add_func ("/cli/help-words", test_help_words);
  g_test_add_func ("/cli/defaults", test_defaults);
  g_test_add_func ("/cli/values", test_values);
  g_test_add_func ("/cli/float", test_float);
  g_test_add_func ("/cli/csv", test_csv);
  g_test_add_func ("/cli/count", test_count);
  g_test_add_func ("/cli/find", test_find);
  g_test_add_func ("/cli/suggest", test_suggest);
  g_test_add_func ("/cli/deep", test_deep);
  g_test_add_func ("/cli/help-layout", test_help_layout);
  g_test_add_func ("/cli/exit-status", test_exit_status);
  return g_test_run ();
}
