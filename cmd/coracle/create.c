#include <stdint.h>
#include <stdio.h>

#include "cmd/coracle/create_options.h"
#include "cmd/coracle/fetch_options.h"
#include "cmd/coracle/health_options.h"
#include "cmd/coracle/life_options.h"
#include "cmd/coracle/limit_options.h"
#include "pkg/engine/container.h"

static int
create_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_autoptr (ConfigPaths) paths = config_paths_new (context->root, context->run_root, error);
  g_autoptr (ContainerOptions) options = paths != NULL ? create_options_read (context, args, error) : NULL;
  g_autofree char *id = NULL;
  /* nothing was to be executed: the statuses of run that speak of the command are not for here */
  if (options == NULL || !container_create (paths, options, create_notice, (void *) (uintptr_t) args, &id, error))
    return 125;
  printf ("%s\n", id);
  return 0;
}

const CliCommand cmd_create = {
  .names = "create, container create",
  .usage = "IMAGE [COMMAND [ARG...]]",
  .summary = "Make a container without starting it",
  .description = "Make a container from an image and print its ID. It is started with start; what run would find wrong with it is found now.",
  .examples = "create --name web nginx\n",
  .options = { create_options, life_options, health_options, limit_options, fetch_options },
  .max_args = CLI_ANY,
  .stop_at_args = TRUE,
  .complete = CLI_COMPLETE_IMAGE,
  .run = create_run,
};
