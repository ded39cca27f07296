#include "cmd/common/access_options.h"
#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  ACCESS_OPTION_AUTHFILE,
  ACCESS_OPTION_CERT_DIR,
  { "compat-auth-file", 0, CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "Docker's config.json to change, instead of auth.json" },
  { "get-login", 0, CLI_BOOL, .help = "Print who is logged in at the registry" },
  { "password", 'p', CLI_STRING, .help = "Password for the registry" },
  { "password-stdin", 0, CLI_BOOL, .help = "Read the password from standard input" },
  ACCESS_OPTION_TLS_VERIFY,
  { "username", 'u', CLI_STRING, .help = "Name at the registry" },
  { "verbose", 'v', CLI_BOOL, .help = "Say which file was changed" },
  CLI_END
};

const CliCommand cmd_login = {
  .names = "login", .usage = "[REGISTRY]", .summary = "Log in to a registry",
  .description = "Asks the registry whether name and password are good and keeps them in auth.json (containers-auth.json(5)), or gives them to the credential helper that is named there.",
  .examples = "login registry.example\nlogin -u me --password-stdin registry.example:5000 < secret\n", .options = { options }, .max_args = 1, .program = "coracle-image",
};
