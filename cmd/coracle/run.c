#include <stdio.h>

#include "cmd/coracle/create_options.h"
#include "pkg/engine/container.h"

static void
notice (const char *text, void *data)
{
  (void) data;
  fprintf (stderr, "Notice: %s\n", text);
}

static const CliOption run_options[] = {
  { "preserve-fds", 0, CLI_UINT, .help = "Hand this many open files on, from descriptor 3 up",
    .man = "Hand on the file descriptors 3 to 2 + N of the caller, besides 0, 1 and 2. They must be open." },
  { "sig-proxy", 0, CLI_BOOL, .help = "Pass signals on to the command", .value = "true" },
  CLI_END
};

static int
run_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_autoptr (ConfigPaths) paths = config_paths_new (context->root, context->run_root, error);
  g_autoptr (ContainerOptions) options = paths != NULL ? create_options_read (args, error) : NULL;
  if (options == NULL)
    return CLI_FAILED;
  options->create_command = g_strdupv (context->argv);
  if (context->hooks_dir != NULL)
    {
      g_strfreev (options->hooks_dir);
      options->hooks_dir = g_strdupv ((char **) context->hooks_dir);
    }
  options->preserve_fds = cli_args_int (args, "preserve-fds");
  options->sig_proxy = cli_args_bool (args, "sig-proxy");
  int status;
  return container_run (paths, options, notice, NULL, &status, error) ? status : CLI_FAILED;
}

const CliCommand cmd_run = {
  .names = "run, container run",
  .usage = "IMAGE [COMMAND [ARG...]]",
  .summary = "Start a command in a container of its own",
  .description = "Make a container from an image, start it and stay with it until it ends. Its exit status is that of the command: 125 when coracle itself fails, 126 when the "
                 "command cannot be executed, 127 when it is not found.",
  .examples = "run --rm debian cat /etc/os-release\nrun -it --rm debian bash\n",
  .options = { create_options, run_options },
  .max_args = CLI_ANY,
  .stop_at_args = TRUE,
  .complete = CLI_COMPLETE_IMAGE,
  .run = run_run,
};
