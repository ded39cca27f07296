#include "cmd/coracle/life_options.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/container_log.h"
#include "pkg/engine/container_policy.h"
#include "pkg/monitor/detach_keys.h"

const CliOption life_options[] = {
  { "attach", 'a', CLI_LIST, .help = "Attach to STDIN, STDOUT or STDERR alone", .arg = "strings", .values = CLI_VALUES ("stdin", "stdout", "stderr"),
    .man = "Attach to the streams named, stdin, stdout and stderr, instead of to standard output and error, and with --interactive to standard input." },
  { "conmon-pidfile", 0, CLI_STRING, .help = "Save the process ID of the container's monitor in this file", .complete = CLI_COMPLETE_FILE },
  { "detach-keys", 0, CLI_STRING, .help = "Keys that detach from the container, leaving it running; \"\" for none", .arg = "[a-Z]",
    .man = "The keys, with commas between them, that detach from the container and leave it running: a character, or ctrl- and one of a-z @ [ \\ ] ^ _. The default is ctrl-p,ctrl-q; the empty text "
           "means none." },
  { "log-driver", 0, CLI_STRING, .help = "Where the output is logged: k8s-file, json-file, journald, none, passthrough", .values = CLI_VALUES ("k8s-file", "json-file", "journald", "none", "passthrough", "passthrough-tty"),
    .man = "Where the container's output is logged. k8s-file, the default, is a file beside the container; json-file is another word for it, unless **--log-opt format=docker** asks for Docker's format; journald sends it to the journal, if one runs; none logs nothing. passthrough has "
           "the command write to the caller's own standard output and error itself, where nobody can attach to it; passthrough-tty does that with a terminal, too." },
  { "log-opt", 0, CLI_LIST, .help = "Settings of the log (path=, max-size=, tag=, label=, format=)", .arg = "stringArray",
    .man = "*path*=FILE: another file. *max-size*=SIZE: begin a new file when this one is larger, as in 10mb. *max-file*=N: how many old ones are kept. *tag*=TEMPLATE: what a line in the journal is marked "
           "with, a Go template with .ID, .FullID, .Name, .ImageName, .ImageID, .ImageFullID and .DaemonName. *label*=NAME=TEMPLATE, any number: one more field of each line in the journal. *format*=docker: "
           "the file of json-file holds one JSON object for each line, as Docker's does; k8s, the default, is the format of k8s-file." },
  { "requires", 0, CLI_CSV, .help = "Containers that are started before this one", .complete = CLI_COMPLETE_CONTAINER },
  { "restart", 0, CLI_STRING, .help = "What follows the container's end: no, on-failure[:N], always, unless-stopped", .values = CLI_VALUES ("no", "on-failure", "always", "unless-stopped"),
    .man = "no, the default. on-failure: start it again when its exit status is not 0, at most N times. always, unless-stopped: start it again however it ended. Who stops it with stop or kill does so for "
           "good. After a reboot the service coracle-restart starts those with always." },
  { "rmi", 0, CLI_BOOL, .help = "Remove the container as it ends, and its image unless another container uses it" },
  { "sdnotify", 0, CLI_STRING, .help = "Who tells systemd that the service is ready: container, conmon, healthy or ignore", .value = "container",
    .values = CLI_VALUES ("container", "conmon", "healthy", "ignore"),
    .man = "With NOTIFY_SOCKET in the environment: container passes on what the container itself says on a socket of its own; conmon tells that it is ready as soon as the container runs; healthy as soon as "
           "its health check succeeds; ignore says nothing." },
  { "volumes-from", 0, CLI_LIST, .help = "Mount what another container has mounted (CONTAINER[:ro,rw,z])", .complete = CLI_COMPLETE_CONTAINER },
  CLI_END
};

static void
set_text (char **at, const char *value)
{
  g_free (*at);
  *at = g_strdup (value);
}

static void
take_text (char **at, const CliArgs *args, const char *name)
{
  if (cli_args_is_set (args, name))
    set_text (at, cli_args_string (args, name));
}

static void
take_list (char ***at, const CliArgs *args, const char *name)
{
  if (!cli_args_is_set (args, name))
    return;
  g_strfreev (*at);
  *at = g_strdupv ((char **) cli_args_list (args, name));
}

static gboolean
read_attach (ContainerOptions *options, const CliArgs *args, GError **error)
{
  for (const char *const *stream = cli_args_list (args, "attach"); *stream != NULL; stream++)
    if (g_ascii_strcasecmp (*stream, "stdin") != 0 && g_ascii_strcasecmp (*stream, "stdout") != 0 && g_ascii_strcasecmp (*stream, "stderr") != 0)
      return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid stream \"%s\" for --attach - must be one of stdin, stdout, or stderr: invalid argument", *stream);
  take_list (&options->attach, args, "attach");
  return TRUE;
}

static gboolean
read_restart (ContainerOptions *options, const CliArgs *args, GError **error)
{
  Policy policy;
  if (!policy_parse (cli_args_string (args, "restart"), &policy, error))
    return FALSE;
  g_clear_pointer (&options->restart, g_free);
  if (policy.kind == POLICY_NO)
    return TRUE;
  if (options->rm)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "the --rm option conflicts with --restart, when the restartPolicy is not \"\" and \"no\"");
  options->restart = g_strdup (cli_args_string (args, "restart"));
  return TRUE;
}

static gboolean
read_sdnotify (ContainerOptions *options, const CliArgs *args, GError **error)
{
  static const char *const modes[] = { "container", "conmon", "healthy", "ignore", NULL };
  const char *mode = cli_args_string (args, "sdnotify");
  if (!g_strv_contains (modes, mode))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid sdnotify mode %s: must be container, conmon, healthy or ignore: invalid argument", mode);
  if (cli_args_is_set (args, "sdnotify"))
    set_text (&options->sdnotify, mode);
  return TRUE;
}

static gboolean
read_log (ContainerOptions *options, const CliArgs *args, GError **error)
{
  take_text (&options->log_driver, args, "log-driver");
  take_list (&options->log_opt, args, "log-opt");
  return log_check (options, error);
}

/* make_absolute: a later start may come from another folder. */
static void
make_absolute (char **path)
{
  if (*path == NULL || **path == '\0' || **path == '/')
    return;
  char *absolute = g_canonicalize_filename (*path, NULL);
  g_free (*path);
  *path = absolute;
}

gboolean
life_options_read (ContainerOptions *options, const CliArgs *args, GError **error)
{
  DetachKeys keys;
  take_text (&options->conmon_pidfile, args, "conmon-pidfile");
  make_absolute (&options->conmon_pidfile);
  make_absolute (&options->pidfile);
  take_text (&options->detach_keys, args, "detach-keys");
  take_list (&options->requires, args, "requires");
  take_list (&options->volumes_from, args, "volumes-from");
  options->rmi = cli_args_bool (args, "rmi");
  if (options->rmi && cli_args_is_set (args, "rm") && !cli_args_bool (args, "rm"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "the --rmi option does not work without --rm");
  options->rm = options->rm || options->rmi;
  if (options->detach_keys != NULL && !detach_keys_parse (options->detach_keys, &keys, error))
    return FALSE;
  return read_attach (options, args, error) && read_restart (options, args, error) && read_sdnotify (options, args, error) && read_log (options, args, error);
}
