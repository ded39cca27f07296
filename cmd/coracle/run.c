#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/coracle/create_options.h"
#include "cmd/coracle/fetch_options.h"
#include "cmd/coracle/health_options.h"
#include "cmd/coracle/kept_fds.h"
#include "cmd/coracle/life_options.h"
#include "cmd/coracle/limit_options.h"
#include "pkg/base/error.h"
#include "pkg/engine/container.h"

static const CliOption run_options[] = {
  { "detach", 'd', CLI_BOOL, .help = "Leave the container running on its own and print its ID" },
  { "preserve-fd", 0, CLI_UINTS, .help = "Hand these open files on, under the same numbers", .arg = "FD1[,FD2,...]",
    .man = "Hand on these file descriptors of the caller, under the same numbers, besides 0, 1 and 2. They must be open. It cannot be given together with --preserve-fds. Where **--restart** asks "
           "for further starts, each of these gets the same open files, at most 32." },
  { "preserve-fds", 0, CLI_UINT, .help = "Hand this many open files on, from descriptor 3 up",
    .man = "Hand on the file descriptors 3 to 2 + N of the caller, besides 0, 1 and 2. They must be open. Where **--restart** asks for further starts, each of these gets the same open files, at most 32." },
  { "sig-proxy", 0, CLI_BOOL, .help = "Pass signals on to the command", .value = "true" },
  CLI_END
};

static int
run_detached (const ConfigPaths *paths, const ContainerOptions *options, const CliArgs *args, GError **error)
{
  g_autofree char *id = NULL;
  if (!container_run_detached (paths, options, create_notice, (void *) (uintptr_t) args, &id, error))
    return CLI_FAILED;
  printf ("%s\n", id);
  return 0;
}

/* is_silent: --attach for standard input alone: nothing of the container's is shown, so its ID is. */
static gboolean
is_silent (const ContainerOptions *options)
{
  if (options->attach == NULL)
    return FALSE;
  for (char **stream = options->attach; *stream != NULL; stream++)
    if (g_ascii_strcasecmp (*stream, "stdin") != 0)
      return FALSE;
  return TRUE;
}

/* read_fds: --preserve-fd, into @kept, which @options borrow. Podman's statuses: one that can never be is found out by its runtime. */
static gboolean
read_fds (ContainerOptions *options, const CliArgs *args, GArray *kept, GError **error)
{
  const char *const *listed = cli_args_list (args, "preserve-fd");
  if (listed[0] == NULL)
    return TRUE;
  if (cli_args_is_set (args, "preserve-fds"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot specify both --preserve-fds and --preserve-fd");
  if (!kept_fds_read (args, kept, error))
    return FALSE;
  for (const char *const *text = listed; *text != NULL; text++)
    if (g_ascii_strtoull (*text, NULL, 0) < 3)
      return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "cannot preserve FD %s, consider using the passthrough log-driver to pass STDIO streams into the container: invalid argument", *text);
  options->kept_fds = (const int *) (void *) kept->data;
  options->n_kept_fds = kept->len;
  return TRUE;
}

static int
run_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_autoptr (GArray) kept = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr (ConfigPaths) paths = config_paths_new (context->root, context->run_root, error);
  g_autoptr (ContainerOptions) options = paths != NULL ? create_options_read (context, args, error) : NULL;
  if (options == NULL || !read_fds (options, args, kept, error))
    return CLI_FAILED;
  options->preserve_fds = cli_args_int (args, "preserve-fds");
  options->sig_proxy = cli_args_bool (args, "sig-proxy");
  if (cli_args_bool (args, "detach") && options->attach != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--attach and --detach cannot be used together"), CLI_FAILED;
  if (options->interactive && options->tty && !isatty (STDIN_FILENO))
    g_warning ("The input device is not a TTY. The --tty and --interactive flags might not work properly");
  if (cli_args_bool (args, "detach"))
    return run_detached (paths, options, args, error);
  int status;
  g_autofree char *id = NULL;
  g_autoptr (ContainerRest) rest = NULL;
  gboolean ok = container_run (paths, options, create_notice, (void *) (uintptr_t) args, &id, &status, &rest, error);
  if (id != NULL && is_silent (options))
    printf ("%s\n", id);
  else if (rest != NULL)
    container_rest_leave (rest, status);
  return ok ? status : CLI_FAILED;
}

const CliCommand cmd_run = {
  .names = "run, container run",
  .usage = "IMAGE [COMMAND [ARG...]]",
  .summary = "Start a command in a container of its own",
  .description = "Make a container from an image, start it and stay with it until it ends, or with --detach leave it running. The exit status is that of the command: 125 when coracle "
                 "itself fails, 126 when the command cannot be executed, 127 when it is not found.",
  .examples = "run --rm debian cat /etc/os-release\nrun -it --rm debian bash\nrun -d --name web nginx\n",
  .options = { create_options, life_options, health_options, limit_options, fetch_options, run_options },
  .max_args = CLI_ANY,
  .stop_at_args = TRUE,
  .complete = CLI_COMPLETE_IMAGE,
  .run = run_run,
};
