#include <stdio.h>

#include "cmd/common/session.h"
#include "cmd/coracle/create_options.h"
#include "cmd/coracle/limit_options.h"
#include "pkg/base/error.h"
#include "pkg/engine/container_clone.h"

static const CliOption options[] = {
  { "destroy", 0, CLI_BOOL, .help = "Remove the container that is cloned" },
  { "force", 'f', CLI_BOOL, .help = "With --destroy: also if it runs" },
  { "name", 0, CLI_STRING, .help = "Call the clone by this name" },
  { "run", 0, CLI_BOOL, .help = "Start the clone" },
  CLI_END
};

static ContainerOptions *
read_options (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  const char *name = cli_args_is_set (args, "name") ? cli_args_string (args, "name") : cli_args_arg (args, 1);
  if (cli_args_bool (args, "force") && !cli_args_bool (args, "destroy"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set --force without --destroy"), NULL;
  if (!session_open (&session, context, FALSE, error))
    return NULL;
  /* after --name the second word is the image */
  const char *image = cli_args_is_set (args, "name") ? cli_args_arg (args, 1) : cli_args_arg (args, 2);
  g_autoptr (ContainerOptions) words = container_clone_options (session.storage, cli_args_arg (args, 0), name, image, error);
  if (words == NULL || !limit_options_read (words, args, error))
    return NULL;
  limit_options_drop (words);
  g_strfreev (words->create_command);
  words->create_command = g_strdupv (context->argv);
  return g_steal_pointer (&words);
}

/* destroy: in the user namespace, where making the clone has led us: the paths are those from before. */
static gboolean
destroy (const ConfigPaths *paths, const CliArgs *args, GError **error)
{
  g_autoptr (Storage) storage = storage_open (paths, error);
  return storage != NULL && container_remove (storage, cli_args_arg (args, 0), cli_args_bool (args, "force"), 10, FALSE, error);
}

static int
container_clone_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_autoptr (ConfigPaths) paths = config_paths_new (context->root, context->run_root, error);
  g_autoptr (ContainerOptions) words = paths != NULL ? read_options (context, args, error) : NULL;
  g_autofree char *id = NULL;
  if (words == NULL)
    return CLI_FAILED;
  if (!(cli_args_bool (args, "run") ? container_run_detached : container_create) (paths, words, create_notice, NULL, &id, error))
    return CLI_FAILED;
  if (cli_args_bool (args, "destroy") && !destroy (paths, args, error))
    return CLI_FAILED;
  printf ("%s\n", id);
  return 0;
}

const CliCommand cmd_container_clone = {
  .names = "container clone",
  .usage = "CONTAINER [NAME [IMAGE]]",
  .summary = "Make a container like another one",
  .description = "Make a container with the words that another one was made with, but for the flags given here, and print its ID. It is called NAME, or as the other with -clone behind. What the other has "
                 "written is not taken along.",
  .examples = "container clone web\ncontainer clone --destroy --memory 1g web web2\ncontainer clone --run web web3 nginx:1.27\n",
  .options = { options, limit_options },
  .min_args = 1,
  .max_args = 3,
  .complete = CLI_COMPLETE_CONTAINER,
  .run = container_clone_run,
};
