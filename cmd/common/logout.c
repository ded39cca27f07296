#include "cmd/common/access_options.h"
#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "Forget the credentials of all registries" },
  ACCESS_OPTION_AUTHFILE,
  { "compat-auth-file", 0, CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "Docker's config.json to change, instead of auth.json" },
  CLI_END
};

const CliCommand cmd_logout = {
  .names = "logout", .usage = "[REGISTRY]", .summary = "Log out of a registry",
  .description = "Forgets the credentials that login has kept.", .examples = "logout registry.example\nlogout --all\n", .options = { options }, .max_args = 1, .program = "coracle-image",
};
