#include "pkg/cli/docs.h"

#include "pkg/base/path.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

static int
nothing_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return 0;
}

static const CliOption options[] = {
  { "detach", 'd', CLI_BOOL, .help = "Don't stay: run [in] the background" },
  { "pull", 0, CLI_CHOICE, .help = "Policy", .values = CLI_VALUES ("always", "missing", "never"), .value = "missing" },
  { "volume", 'v', CLI_LIST, .help = "Mount", .complete = CLI_COMPLETE_FILE, .man = "Mounts a path.\n\n.dots and 'quotes' and \\slashes. **Bold -b** and *name*=VALUE, *a*; *.c and a*b*c, /*/*, 2 * 3 * 4, ***." },
  { "workdir", 'w', CLI_STRING, .help = "Folder", .complete = CLI_COMPLETE_DIR },
  { "cap-add", 0, CLI_CSV, .help = "Add", .complete = CLI_COMPLETE_CAPABILITY },
  { "network", 0, CLI_LIST, .help = "Networks", .complete = CLI_COMPLETE_NETWORK, .alias = "net" },
  { "obscure", 0, CLI_BOOL, .help = "Nobody should see it", .hidden = TRUE },
  { "tls", 0, CLI_STRING, .help = "Optional", .bare = "yes" },
  CLI_END
};
static const CliOption globals[] = { { "root", 0, CLI_STRING, .help = "Store", .complete = CLI_COMPLETE_DIR }, CLI_END };
static const CliOption root_options[] = { { "version", 'v', CLI_BOOL, .help = "Version" }, CLI_END };
static const CliCommand root = { .names = "", .summary = "Containers", .options = { root_options, globals }, .max_args = CLI_ANY };
static const CliCommand cmd_run = {
  .names = "run, container run", .usage = "IMAGE [COMMAND [ARG...]]", .summary = "Run a command", .options = { options }, .min_args = 1,
  .max_args = CLI_ANY, .stop_at_args = TRUE, .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_FILE, .run = nothing_run,
  .examples = "run -it debian\n",
};
static const CliCommand cmd_kill = {
  .names = "kill, container kill", .usage = "CONTAINER...", .summary = "Kill", .max_args = CLI_ANY, .complete = CLI_COMPLETE_RUNNING,
  .complete_rest = CLI_COMPLETE_RUNNING, .run = nothing_run,
};
static const CliCommand cmd_images = { .names = "images, image list|ls", .summary = "List images", .run = nothing_run };
static const CliCommand cmd_image = { .names = "image", .summary = "Manage images" };
static const CliCommand cmd_container = { .names = "container", .summary = "Manage containers" };
static const CliCommand cmd_ghost = { .names = "ghost", .summary = "Unseen", .hidden = TRUE, .run = nothing_run };
static const CliCommand *const commands[] = { &cmd_run, &cmd_kill, &cmd_images, &cmd_image, &cmd_container, &cmd_ghost, NULL };

static const char *
two_capabilities (int number)
{
  static const char *const names[] = { "CAP_CHOWN", "CAP_KILL" };
  return number < 2 ? names[number] : NULL;
}

static const CliDocs docs = {
  .program = "coracle", .version = "9.8", .root = &root, .globals = globals, .commands = commands, .capability = two_capabilities,
};

typedef struct {
  char *folder;   /* with a coracle that lists names, the completions, and files to complete */
} Fixture;

static void
write_file (const char *folder, const char *name, const char *text, int mode)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (g_chmod (path, (mode_t) mode), ==, 0);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  static const char lister[] =
      "#!/bin/sh\n"
      "if [ \"$1\" = --root ]; then printf 'elsewhere\\n'; exit; fi\n"
      "case \"$*\" in\n"
      "  \"images --filter dangling=false --format \"*) printf 'localhost/bb:latest\\nlocalhost/deb:12\\n' ;;\n"
      "  \"ps --format {{.Names}}\") printf 'web\\nwest\\n' ;;\n"
      "  \"ps -a --format {{.Names}}\") printf 'old\\nweb\\nwest\\n' ;;\n"
      "  \"network ls --format {{.Name}}\") printf 'blue\\ngreen\\n' ;;\n"
      "esac\n";
  g_autoptr (GString) bash = g_string_new (NULL), zsh = g_string_new (NULL), fish = g_string_new (NULL);
  fixture->folder = g_dir_make_tmp ("coracle-docs-XXXXXX", NULL);
  g_autofree char *engine = NULL;
  g_assert_true (g_file_get_contents ("man/completion.bash", &engine, NULL, NULL));
  cli_docs_bash (bash, &docs);
  g_string_append (bash, engine);
  cli_docs_zsh (zsh, &docs);
  cli_docs_fish (fish, &docs);
  write_file (fixture->folder, "coracle", lister, 0755);
  write_file (fixture->folder, "bash", bash->str, 0644);
  write_file (fixture->folder, "_coracle", zsh->str, 0644);
  write_file (fixture->folder, "fish", fish->str, 0644);
  g_autofree char *sub = g_build_filename (fixture->folder, "data", NULL);
  g_assert_cmpint (g_mkdir (sub, 0755), ==, 0);
  write_file (sub, "archive.tar", "", 0644);
  g_autofree char *inner = g_build_filename (sub, "around", NULL);
  g_assert_cmpint (g_mkdir (inner, 0755), ==, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  /* the shells leave files of their own at home */
  g_assert_cmpint (path_remove_tree (AT_FDCWD, fixture->folder), ==, 0);
  g_free (fixture->folder);
}

/* output_of: what @argv prints, in the fixture's folder, that folder first in PATH; it must succeed. */
static char *
output_of (const Fixture *fixture, const char *const *argv)
{
  g_auto (GStrv) environment = g_get_environ ();
  g_autofree char *path = g_strconcat (fixture->folder, ":", g_getenv ("PATH"), NULL);
  environment = g_environ_setenv (environment, "PATH", path, TRUE);
  environment = g_environ_setenv (environment, "HOME", fixture->folder, TRUE);
  environment = g_environ_setenv (environment, "ASAN_OPTIONS", "", TRUE);
  g_autoptr (GError) error = NULL;
  g_autofree char *problems = NULL;
  char *output = NULL;
  int status = 0;
  gboolean started = g_spawn_sync (fixture->folder, (char **) argv, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &problems, &status, &error);
  g_assert_no_error (error);
  g_assert_true (started);
  g_assert_cmpstr (problems, ==, "");
  g_assert_cmpint (status, ==, 0);
  return output;
}

typedef struct { const char *line, *expected; } Case;

static const Case bash_cases[] = {
  { "coracle ", "container image images kill run" },
  { "coracle im", "image images" },
  { "coracle --r", "--root" },
  { "coracle gh", "" },
  { "coracle image ", "list ls" },
  { "coracle container r", "run" },
  { "coracle nonsense ", "" },
  { "coracle run --", "--help --cap-add --detach --network --pull --tls --volume --workdir --root" },
  { "coracle container run --v", "--volume" },
  { "coracle run --pull ", "always missing never" },
  { "coracle run --pull=m", "missing" },
  { "coracle run --pull never ", "localhost/bb:latest localhost/deb:12" },
  { "coracle run ", "localhost/bb:latest localhost/deb:12" },
  { "coracle run --tls ", "localhost/bb:latest localhost/deb:12" },
  { "coracle run -d loc", "localhost/bb:latest localhost/deb:12" },
  { "coracle run localhost/deb:", "12" },
  { "coracle run -dv data/a", "data/archive.tar data/around" },
  { "coracle run -vdata -w data/a", "data/around" },
  { "coracle run --volume=data/ar", "data/archive.tar data/around" },
  { "coracle run --cap-add ", "all CAP_CHOWN CAP_KILL" },
  { "coracle run --cap-add CAP_K", "CAP_KILL" },
  { "coracle run --network g", "green" },
  { "coracle run bb data/arc", "data/archive.tar" },
  { "coracle run bb --pull", "" },
  { "coracle kill ", "web west" },
  { "coracle kill web we", "web west" },
  { "coracle kill -- w", "web west" },
  { "coracle --root /x kill ", "elsewhere" },
  { "coracle --root data/", "data/around" },
};

static int
compare_words (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* sorted: the words of @text in one order: folders are listed in any. Free with g_free. */
static char *
sorted (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  qsort (words, g_strv_length (words), sizeof *words, compare_words);
  return g_strjoinv (" ", words);
}

static void
test_bash (Fixture *fixture, gconstpointer data)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (bash_cases); i++)
    {
      const char *script = "source ./bash; COMP_LINE=$1 COMP_POINT=${#1}; _coracle; echo -n \"${COMPREPLY[*]}\"";
      const char *argv[] = { "bash", "--norc", "-c", script, "bash", bash_cases[i].line, NULL };
      g_autofree char *output = output_of (fixture, argv);
      g_autofree char *got = sorted (output), *expected = sorted (bash_cases[i].expected);
      g_test_message ("%s", bash_cases[i].line);
      g_assert_cmpstr (got, ==, expected);
    }
}

static gboolean
missing (const char *shell)
{
  g_autofree char *path = g_find_program_in_path (shell);
  if (path == NULL)
    g_test_skip ("the shell is not installed");
  return path == NULL;
}

/* fish's own engine answers: "word<tab>description" a line */
static void
test_fish (Fixture *fixture, gconstpointer data)
{
  static const Case cases[] = {
    { "coracle im", "image images" }, { "coracle image ", "list" }, { "coracle run --pul", "--pull" }, { "coracle run --pull ", "always missing never" },
    { "coracle kill ", "web west" }, { "coracle container kill we", "web west" }, { "coracle run --network ", "blue green" }, { "coracle gh", "" },
    { "coracle --root /x ima", "image images" }, { "coracle kill --vol", "" },
  };
  if (missing ("fish"))
    return;
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *argv[] = { "fish", "--no-config", "-c", "source ./fish; complete -C $argv[1]", cases[i].line, NULL };
      g_autofree char *got = output_of (fixture, argv);
      g_auto (GStrv) lines = g_strsplit (got, "\n", -1);
      for (unsigned j = 0; lines[j] != NULL; j++)
        lines[j][strcspn (lines[j], "\t")] = '\0';
      g_autofree char *joined = g_strjoinv (" ", lines);
      g_test_message ("%s", cases[i].line);
      g_assert_cmpstr (g_strchomp (joined), ==, cases[i].expected);
    }
}

/* zsh completes only at a terminal: here it reads the functions */
static void
test_zsh (Fixture *fixture, gconstpointer data)
{
  if (missing ("zsh"))
    return;
  const char *syntax[] = { "zsh", "-n", "_coracle", NULL };
  g_autofree char *nothing = output_of (fixture, syntax);
  g_assert_cmpstr (nothing, ==, "");
  const char *load[] = { "zsh", "-f", "-c", "compdef () { echo \"$@\"; }; source ./_coracle; whence -w _coracle_run _coracle_image _coracle_images", NULL };
  g_autofree char *got = output_of (fixture, load);
  g_assert_cmpstr (got, ==, "_coracle coracle\n_coracle_run: function\n_coracle_image: function\n_coracle_images: function\n");
}

static void
test_man (void)
{
  g_autoptr (GString) page = g_string_new (NULL);
  cli_docs_man (page, &docs, &cmd_run);
  static const char *const wanted[] = {
    ".TH \"CORACLE-RUN\" 1 \"\" \"coracle 9.8\"", "coracle\\-run \\- Run a command\n", "\\fBcoracle run\\fR [\\fIoptions\\fR] IMAGE",
    "\\fBcoracle container run\\fR", ".TP\n\\fB\\-d\\fR, \\fB\\-\\-detach\\fR\nDon\\(aqt stay: run [in] the background.\n",
    "\\fB\\-v\\fR, \\fB\\-\\-volume\\fR=\\fIstringArray\\fR\nMounts a path.\n.PP\n\\&.dots and \\(aqquotes\\(aq and \\eslashes. \\fBBold \\-b\\fR and \\fIname\\fR=VALUE, \\fIa\\fR; *.c and a*b*c, /*/*, 2 * 3 * 4, ***.\n",
    "\\fB\\-\\-tls\\fR[=\\fIstring\\fR]\nOptional.\nWithout a value: yes.\n", "Default: missing.\n", "$ coracle run \\-it debian\n",
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_test_message ("%s", wanted[i]);
      g_assert_nonnull (strstr (page->str, wanted[i]));
    }
  g_assert_null (strstr (page->str, "obscure"));
  g_string_truncate (page, 0);
  cli_docs_man (page, &docs, &cmd_image);
  g_assert_nonnull (strstr (page->str, ".TP\n\\fBlist\\fR\nList images.\nSee\n\\fBcoracle\\-images\\fR(1).\n"));
  g_string_truncate (page, 0);
  cli_docs_man (page, &docs, &root);
  g_assert_nonnull (strstr (page->str, ".SH EXIT STATUS\n"));
  g_assert_null (strstr (page->str, "ghost"));
}

static void
test_paths (void)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (commands);
  g_autoptr (GString) all = g_string_new (NULL);
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      g_string_append_printf (all, "%s%s;", path->path, path->main ? "!" : "");
    }
  g_assert_cmpstr (all->str, ==, "container!;container kill;container run;image!;image list;image ls;images!;kill!;run!;");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/docs/paths", test_paths);
  g_test_add_func ("/docs/man", test_man);
  g_test_add ("/docs/bash", Fixture, NULL, set_up, test_bash, tear_down);
  g_test_add ("/docs/zsh", Fixture, NULL, set_up, test_zsh, tear_down);
  g_test_add ("/docs/fish", Fixture, NULL, set_up, test_fish, tear_down);
  return g_test_run ();
}
