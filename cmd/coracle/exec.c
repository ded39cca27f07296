#include <stdio.h>
#include <unistd.h>

#include "cmd/common/select.h"
#include "cmd/coracle/kept_fds.h"
#include "pkg/base/error.h"
#include "pkg/engine/container_exec.h"
#include "pkg/monitor/detach_keys.h"

static const CliOption options[] = {
  { "cidfile", 0, CLI_STRING, .help = "The container whose ID is in this file", .arg = "file", .complete = CLI_COMPLETE_FILE },
  { "detach", 'd', CLI_BOOL, .help = "Leave the command running in the background, and print the session's ID" },
  { "detach-keys", 0, CLI_STRING, .help = "Keys that leave the command running in the background", .arg = "sequence", .value = DETACH_KEYS_DEFAULT,
    .man = "Keys that leave the command running in the background: with commas between them, each a character or ctrl- and one of a-z, @, [, \\, ], ^ and _. An empty text: none." },
  { "env", 'e', CLI_LIST, .help = "Set an environment variable", .arg = "env",
    .man = "Set an environment variable, KEY=VALUE. KEY alone takes the caller's value, if there is one; KEY* all of the caller's that begin so." },
  { "env-file", 0, CLI_LIST, .help = "Read environment variables from a file", .arg = "file", .complete = CLI_COMPLETE_FILE },
  { "interactive", 'i', CLI_BOOL, .help = "Keep standard input open" },
  SELECT_OPTION_LATEST,
  { "no-session", 0, CLI_BOOL, .help = "Keep no record of the session: inspect does not list it" },
  { "preserve-fd", 0, CLI_UINTS, .help = "Hand these open files on, under the same numbers", .arg = "FD1[,FD2,...]" },
  { "preserve-fds", 0, CLI_UINT, .help = "Hand this many open files on, from descriptor 3 up", .arg = "N" },
  { "privileged", 0, CLI_BOOL, .help = "Give the command all capabilities",
    .man = "Give the command all capabilities, over what belongs to the container. Its seccomp filter and its mounts stay as they are." },
  { "tty", 't', CLI_BOOL, .help = "Give the command a terminal" },
  { "user", 'u', CLI_STRING, .help = "User, and perhaps group, of the command: names or numbers", .arg = "user[:group]" },
  { "workdir", 'w', CLI_STRING, .help = "Working folder of the command", .arg = "dir" },
  CLI_END
};

static const SelectRequest request_one = { .none = "exec requires the name or ID of a container or the --latest or --cidfile flag" };

static int
exec_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_autoptr (GArray) kept = g_array_new (FALSE, FALSE, sizeof (int));
  gboolean detach = cli_args_bool (args, "detach");
  if (!kept_fds_read (args, kept, error))
    return CLI_FAILED;
  if (cli_args_bool (args, "no-session") && (detach || cli_args_is_set (args, "detach-keys")))
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "--no-session cannot be used with --detach or --detach-keys");
      return CLI_FAILED;
    }
  /* not a Session: that may enter the user namespace to sweep, and what starts the command is best outside of it (runtime.h, runtime_exec) */
  g_autoptr (ConfigPaths) paths = config_paths_new (context->root, context->run_root, error);
  g_autoptr (Storage) storage = paths != NULL ? storage_open (paths, error) : NULL;
  const char *const *words = NULL;
  g_autoptr (ContainerView) view = storage != NULL ? select_first (storage, context, args, &request_one, &words, error) : NULL;
  if (view == NULL)
    return CLI_FAILED;
  if (words[0] == NULL)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "must provide a non-empty command to start an exec session: invalid argument");
      return CLI_FAILED;
    }
  ContainerExec request = {
    .argv = words, .env = cli_args_list (args, "env"), .env_file = cli_args_list (args, "env-file"), .user = cli_args_string (args, "user"), .cwd = cli_args_string (args, "workdir"),
    .tty = cli_args_bool (args, "tty"), .interactive = cli_args_bool (args, "interactive"), .privileged = cli_args_bool (args, "privileged"), .detach = detach,
    .hidden = cli_args_bool (args, "no-session"), .detach_keys = cli_args_is_set (args, "detach-keys") ? cli_args_string (args, "detach-keys") : NULL, .out_fd = STDOUT_FILENO, .err_fd = STDERR_FILENO, .kept = (const int *) (void *) kept->data, .n_kept = kept->len,
  };
  g_auto (ContainerExecResult) result = { 0 };
  if (!container_exec (storage, view, &request, &result, error))
    return detach ? 125 : result.status != 0 ? result.status : CLI_FAILED;
  if (result.detached && detach)
    printf ("%s\n", result.id);
  return result.status;
}

const CliCommand cmd_exec = {
  .names = "exec, container exec",
  .usage = "CONTAINER COMMAND [ARG...]",
  .summary = "Run a command in a running container",
  .description = "Run one more command in a container that runs. The exit status is that of the command: 125 when coracle itself fails, 126 when the command cannot be executed, 127 when it "
                 "is not found. A signal that ends coracle leaves the command running.",
  .examples = "exec web ls /srv\nexec -it web sh\nexec -d web touch /tmp/done\n",
  .options = { options },
  .max_args = CLI_ANY,
  .stop_at_args = TRUE,
  .complete = CLI_COMPLETE_RUNNING,
  .run = exec_run,
};
