#include "cmd/common/session.h"

static int
volume_reload_run (const CliContext *context, const CliArgs *args, GError **error)
{
  (void) context;
  (void) args;
  (void) error;
  return 0;
}

const CliCommand cmd_volume_reload = {
  .names = "volume reload",
  .summary = "Look again at the volumes of plugins",
  .description = "Look again which volumes plugins have. There are no plugins, and the volumes of the store are always looked at as they are: so there is nothing to do, and nothing is printed.",
  .run = volume_reload_run,
};
