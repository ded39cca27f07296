#include "cmd/common/access_options.h"
#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  ACCESS_OPTION_AUTHFILE,
  { "insecure", 0, CLI_BOOL, .hidden = TRUE, .help = "As --tls-verify=false" },
  ACCESS_OPTION_TLS_VERIFY,
  { "verbose", 'v', CLI_BOOL, .hidden = TRUE, .help = "For Docker's sake: there is nothing more to say" },
  CLI_END
};

const CliCommand cmd_manifest_inspect = {
  .names = "manifest inspect", .usage = "IMAGE", .summary = "Show a manifest list, or an image's manifest in its registry",
  .description = "Prints the manifest list IMAGE of the store as JSON; what is not one of those is looked for in its registry.",
  .examples = "manifest inspect app:1\nmanifest inspect registry.example/app:1\n", .options = { options }, .min_args = 1, .max_args = 1, .complete = CLI_COMPLETE_IMAGE,
  .program = "coracle-image",
};
