#include "cmd/common/dispatch.h"

#include "cmd/common/later.h"
#include "cmd/common/log.h"
#include "pkg/base/error.h"
#include "pkg/config/paths.h"
#include "pkg/engine/network.h"
#include "pkg/engine/oci_runtime.h"
#include "pkg/events/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const CliOption global_options[] = {
  { "cgroup-manager", 0, CLI_STRING, .help = "Who makes cgroups: systemd or cgroupfs", .values = CLI_VALUES ("systemd", "cgroupfs"),
    .man = "Who makes the cgroups of containers: systemd, as scopes, or cgroupfs, directly in what is delegated to this user. Without it: what containers.conf says; else what can be had, cgroupfs first; "
           "with neither, containers stay in the cgroup of the command." },
  { "events-backend", 0, CLI_STRING, .help = "Where events are kept (file, journald, none)", .values = CLI_VALUES ("file", "journald", "none"),
    .man = "Where this command writes the events that `events` shows, or reads them: *file*, *journald* or *none*. Without it: events_logger of containers.conf, else *file*." },
  { "hooks-dir", 0, CLI_LIST, .arg = "strings", .complete = CLI_COMPLETE_DIR, .help = "Folder of OCI hook definitions (may be given several times)",
    .man = "A folder of OCI hook definitions, which name programs to be run at stages of a container's life (oci-hooks(5)). It may be given several times: a definition in a later folder takes the place of one in an "
           "earlier folder with the same file name. Without it containers.conf's hooks_dir counts; and without that root has /usr/share/containers/oci/hooks.d and /etc/containers/oci/hooks.d, and other users have none." },
  { "debug", 'D', CLI_BOOL, .hidden = TRUE, .help = "Log messages at and above the level debug", .man = "The same as --log-level=debug, as Docker spells it." },
  { "log-level", 0, CLI_STRING, .help = "Log messages at and above this level (trace, debug, info, warn, error, fatal, panic)", .value = "warn",
    .values = CLI_VALUES ("trace", "debug", "info", "warn", "warning", "error", "fatal", "panic") },
  { "network-config-dir", 0, CLI_STRING, .complete = CLI_COMPLETE_DIR, .help = "Folder of the files that describe networks",
    .man = "The folder of the files that describe networks. Without it: network_config_dir of containers.conf, else the folder networks of the store." },
  { "noout", 0, CLI_BOOL, .help = "Do not print to standard output",
    .man = "Prints nothing to standard output. What a container itself prints and what goes to standard error is not changed." },
  { "out", 0, CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "Print to this file instead of standard output",
    .man = "Prints to this file, which is emptied before, instead of standard output. What a container itself prints is not changed." },
  { "root", 0, CLI_STRING, .complete = CLI_COMPLETE_DIR, .help = "Folder of the store: images, containers, volumes",
    .man = "The folder of the store, which holds images, containers and volumes. Without it: graphroot of storage.conf, else $XDG_DATA_HOME/coracle." },
  { "runroot", 0, CLI_STRING, .complete = CLI_COMPLETE_DIR, .help = "Folder of what lives only until the next boot",
    .man = "The folder of what lives only until the next boot: process ids, sockets, exit statuses. Without it: runroot of storage.conf, else $XDG_RUNTIME_DIR/coracle." },
  { "runtime", 0, CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "Runtime of containers: a name of containers.conf or a path; there is one, coracle",
    .man = "The OCI runtime: a name, which containers.conf may define, or an absolute path. Containers are run by this program itself, whose name is coracle; another name or path for it, or a copy of "
           "it, is shown by `inspect`. Another runtime is an error here. One that containers.conf chooses for other tools is passed over." },
  { "runtime-flag", 0, CLI_LIST, .arg = "stringArray", .help = "Flag for the runtime of containers, which has none: an error",
    .man = "A flag for the OCI runtime. The one there is, coracle itself, has no flags: the command fails." },
  { "storage-driver", 0, CLI_STRING, .help = "How layers are stacked: overlay, the only way there is", .values = CLI_VALUES ("overlay"),
    .man = "How layers are stacked: *overlay*, by the kernel or else by fuse-overlayfs. Another word, as vfs or btrfs, is an error. What storage.conf chooses for other tools is passed over." },
  CLI_END
};

static const CliOption root_options[] = {
  { "help", 0, CLI_BOOL, .help = "Show this help" },
  { "version", 'v', CLI_BOOL, .help = "Show the version" },
  CLI_END
};

const CliCommand root_command = {
  .names = "", .summary = "Manage pods, containers and images",
  .options = { root_options, global_options }, .max_args = CLI_ANY,
};

/* One run of the program: what was parsed on the way down to the command. */
typedef struct {
  const DispatchProgram *program;
  CliContext context;
  GPtrArray *levels;   /* CliArgs: the program's, the group's, the command's */
  gboolean debug, level_given;
} Run;

void
dispatch_print_error (const GError *error)
{
  fprintf (stderr, "Error: %s\n", error->message);
}

static int
fail_usage (const char *path, const GError *error)
{
  const char *instead = NULL, *later = later_flag (path, error->message, &instead);
  fprintf (stderr, "Error: %s\n", error->message);
  if (later != NULL && instead != NULL)
    fprintf (stderr, "--%s is not supported in this version yet; %s may do instead\n", later, instead);
  else if (later != NULL)
    fprintf (stderr, "--%s is not supported in this version yet\n", later);
  fprintf (stderr, "See '%s --help'\n", path);
  return cli_exit_status (error);
}

static int
fail_unknown (const char *program, const CliCommand *const *commands, const char *group, const char *word)
{
  g_auto (GStrv) words = cli_suggest (commands, group, word);
  const char *space = *group != '\0' ? " " : "";
  fprintf (stderr, "Error: unrecognized command `%s%s%s %s`\n", program, space, group, word);
  if (later_command (group, word))
    fprintf (stderr, "`%s` is not supported in this version yet\n", word);
  else if (words[0] != NULL)
    {
      g_autofree char *list = g_strjoinv ("\n\t", words);
      fprintf (stderr, "\nDid you mean this?\n\t%s\n\n", list);
    }
  fprintf (stderr, "Try '%s%s%s --help' for more information\n", program, space, group);
  return 125;
}

static void
print_help (const char *program, const char *name, const CliCommand *command, const CliCommand *const *commands)
{
  g_autoptr (GString) out = g_string_new (NULL);
  cli_help (out, program, name, command, commands);
  fputs (out->str, stdout);
}

int
dispatch_show_help (const char *program, const CliCommand *const *commands, const char *const *words)
{
  g_autofree char *name = g_strdup ("");
  const CliCommand *command = &root_command;
  for (; *words != NULL && cli_command_is_group (command); words++)
    {
      g_autofree char *path = *name != '\0' ? g_strconcat (name, " ", *words, NULL) : g_strdup (*words);
      g_autofree char *found = NULL;
      command = cli_find (commands, path, &found);
      if (command == NULL)
        return fail_unknown (program, commands, name, *words);
      g_free (name);
      name = g_steal_pointer (&found);
    }
  print_help (program, name, command, commands);
  return 0;
}

/* take_globals: what @args says of the global options; the later, the stronger. */
static void
take_globals (CliContext *context, const CliArgs *args)
{
  if (cli_args_is_set (args, "root"))
    context->root = cli_args_string (args, "root");
  if (cli_args_is_set (args, "runroot"))
    context->run_root = cli_args_string (args, "runroot");
  if (cli_args_is_set (args, "cgroup-manager"))
    context->cgroup_manager = cli_args_string (args, "cgroup-manager");
  if (cli_args_is_set (args, "hooks-dir"))
    context->hooks_dir = cli_args_list (args, "hooks-dir");
  if (cli_args_is_set (args, "network-config-dir"))
    network_choose_folder (cli_args_string (args, "network-config-dir"));
  if (cli_args_is_set (args, "runtime"))
    context->runtime = cli_args_string (args, "runtime");
  if (cli_args_is_set (args, "log-level"))
    context->log_level = cli_args_string (args, "log-level");
}

/* begin_log: Podman says what is wrong here in its own way, with exit status 1. */
static gboolean
begin_log (Run *run, const CliArgs *args)
{
  CliContext *context = &run->context;
  gboolean debug = cli_args_bool (args, "debug");
  run->debug = run->debug || debug;
  run->level_given = run->level_given || cli_args_is_set (args, "log-level");
  if (run->debug && run->level_given)
    {
      fputs ("Setting --log-level and --debug is not allowed\n", stderr);
      return FALSE;
    }
  const char *level = log_level_parse (run->debug ? "debug" : context->log_level);
  if (level == NULL)
    {
      g_autofree char *all = g_strjoinv (", ", (char **) (uintptr_t) log_levels);
      fprintf (stderr, "Log Level \"%s\" is not supported, choose from: %s\n", context->log_level, all);
      return FALSE;
    }
  context->log_level = level;
  log_begin (level);
  return TRUE;
}

/* begin_output: --out and --noout: only what the program itself prints goes elsewhere; descriptor 1 stays, for the container. */
static gboolean
begin_output (const CliArgs *args, GError **error)
{
  const char *path = cli_args_bool (args, "noout") ? "/dev/null" : cli_args_string (args, "out");
  if (path == NULL)
    return TRUE;
  FILE *file = fopen (path, "we");
  int errsv = errno;
  if (file == NULL)
    return coracle_throw_errno (error, errsv, "opening %s", path);
  stdout = file;
  return TRUE;
}

/* exec_program: hand the whole command line to the program of libexec that has the command; returns only on failure.
 * argv[0] stays: the other program speaks under the name that the user called. */
static int
exec_program (const CliContext *context, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ConfigPaths) paths = config_paths_new (context->root, context->run_root, &error);
  if (paths == NULL)
    {
      dispatch_print_error (error);
      return cli_exit_status (error);
    }
  g_autofree char *path = g_build_filename (paths->libexec, name, NULL);
  execv (path, context->argv);
  int errsv = errno;
  fprintf (stderr, "Error: running %s: %s\n", path, g_strerror (errsv));
  return 125;
}

static int
run_command (Run *run, const CliArgs *args)
{
  const CliCommand *command = run->context.command;
  CliRunFunc function = run->program->find_run != NULL ? run->program->find_run (command) : command->run;
  g_autoptr (GError) error = NULL;
  if (function == NULL)
    {
      fprintf (stderr, "Error: `%s` is not a command of %s\n", run->context.path, run->program->name);
      return 125;
    }
  if (!cli_check_count (command, args, run->context.path, &error))
    {
      dispatch_print_error (error);
      return cli_exit_status (error);
    }
  g_info ("%s filtering at log level %s", run->context.program, run->context.log_level);
  g_debug ("Called %s", run->context.path);
  for (char **word = run->context.argv; *word != NULL; word++)
    log_trace ("Word of the command line: %s", *word);
  int status = function (&run->context, args, &error);
  g_debug ("Shutting down engines: %s", error != NULL ? error->message : "done");
  if (error != NULL)
    dispatch_print_error (error);
  return status != CLI_FAILED ? status : error != NULL ? cli_exit_status (error) : 125;
}

static int
show_missing (const Run *run, const char *name)
{
  print_help (run->context.program, name, run->context.command, run->program->commands);
  fflush (stdout);
  fprintf (stderr, "Error: missing command '%s COMMAND'\n", run->context.path);
  return 125;
}

static gboolean
check_manager (const CliArgs *args, GError **error)
{
  static const char *const managers[] = { "cgroupfs", "systemd", NULL };
  return !cli_args_is_set (args, "cgroup-manager") || g_strv_contains (managers, cli_args_string (args, "cgroup-manager"))
         || coracle_throw (error, CORACLE_ERROR_INVALID, "configuring runtime: cgroup manager must be one of cgroupfs and systemd: invalid argument");
}

/* check_runtime: every command fails with a runtime that cannot be had. */
static gboolean
check_runtime (const CliArgs *args, GError **error)
{
  const char *const *flags = cli_args_list (args, "runtime-flag");
  if (flags != NULL && flags[0] != NULL)
    return oci_runtime_refuse_flag (flags[0], error);
  return !cli_args_is_set (args, "runtime") || oci_runtime_ask (cli_args_string (args, "runtime"), error);
}

static gboolean
check_driver (const CliArgs *args, GError **error)
{
  const char *driver = cli_args_string (args, "storage-driver");
  return driver == NULL || strcmp (driver, "overlay") == 0
         || coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "storage driver \"%s\" is not supported: layers are stacked by overlay, or by fuse-overlayfs where the kernel has none", driver);
}

/* descend: @words follow the command @name (with .command and .path in the context): parse its options, and go on to the command
 * within if it is a group. */
static int
descend (Run *run, const char *name, const char *const *words)
{
  CliContext *context = &run->context;
  const CliCommand *command = context->command;
  g_autoptr (GError) error = NULL;
  if (command->program != NULL && strcmp (command->program, run->program->name) != 0)
    return exec_program (context, command->program);
  CliArgs *args = cli_parse (command, command != &root_command ? global_options : NULL, words, &error);
  if (args == NULL)
    return fail_usage (context->path, error);
  g_ptr_array_add (run->levels, args);
  take_globals (context, args);
  if (cli_args_help (args) || (command == &root_command && cli_args_bool (args, "help")))
    {
      print_help (context->program, name, command, run->program->commands);
      return 0;
    }
  if (!begin_log (run, args))
    return 1;
  if ((cli_args_is_set (args, "events-backend") && !events_choose (cli_args_string (args, "events-backend"), &error)) || !begin_output (args, &error)
      || !check_manager (args, &error) || !check_runtime (args, &error) || !check_driver (args, &error))
    {
      dispatch_print_error (error);
      return cli_exit_status (error);
    }
  if (command == &root_command && cli_args_bool (args, "version"))
    {
      printf ("%s version %s\n", context->program, CORACLE_VERSION);
      return 0;
    }
  if (!cli_command_is_group (command))
    return run_command (run, args);
  const char *word = cli_args_arg (args, 0);
  if (word == NULL)
    return show_missing (run, name);
  g_autofree char *asked = *name != '\0' ? g_strconcat (name, " ", word, NULL) : g_strdup (word);
  g_autofree char *found = NULL;
  context->command = cli_find (run->program->commands, asked, &found);
  if (context->command == NULL)
    return fail_unknown (context->program, run->program->commands, name, word);
  g_autofree char *path = g_strconcat (context->program, " ", found, NULL);
  context->path = path;
  return descend (run, found, cli_args_argv (args) + 1);
}

/* called_name: the name that texts say: the symlink's where it is one that users know. */
static const char *
called_name (const char *argv0)
{
  static const char *const known[] = { "podman", "docker" };
  const char *slash = strrchr (argv0, '/');
  const char *base = slash != NULL ? slash + 1 : argv0;
  for (unsigned i = 0; i < G_N_ELEMENTS (known); i++)
    if (strcmp (base, known[i]) == 0)
      return known[i];
  return "coracle";
}

/* open_missing_stdio: a closed 0, 1 or 2 would be taken by the next file opened, which then gets our output or the container's. */
static gboolean
open_missing_stdio (void)
{
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl (fd, F_GETFD) < 0 && open ("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
      return FALSE;
  return TRUE;
}

int
dispatch (const DispatchProgram *program, char **argv)
{
  if (argv[0] == NULL || !open_missing_stdio ())
    return 125;
  /* a caller that ignores it (some supervisors do) would have the kernel reap our children, and how they ended be lost: wait(2), NOTES */
  (void) signal (SIGCHLD, SIG_DFL);
  const char *name = called_name (argv[0]);
  g_autoptr (GPtrArray) levels = g_ptr_array_new_with_free_func ((GDestroyNotify) cli_args_free);
  Run run = {
    .program = program, .levels = levels,
    .context = { .program = name, .path = name, .command = &root_command, .commands = program->commands, .log_level = "warn", .argv = argv },
  };
  int status = descend (&run, "", (const char *const *) argv + 1);
  /* a full disk must not look like success */
  if (fflush (stdout) != 0 && status == 0)
    {
      int errsv = errno;
      fprintf (stderr, "Error: writing the output: %s\n", g_strerror (errsv));
      status = 125;
    }
  return status;
}
