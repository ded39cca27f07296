#include "cmd/common/access_options.h"
#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "all", 0, CLI_BOOL, .help = "Of images that are lists themselves add all that is in them" },
  { "amend", 'a', CLI_BOOL, .help = "Add to the list if it is there already" },
  { "annotation", 0, CLI_LIST, .arg = "KEY=VALUE", .help = "Set an annotation of the list" },
  { "insecure", 0, CLI_BOOL, .hidden = TRUE, .help = "As --tls-verify=false" },
  ACCESS_OPTION_TLS_VERIFY,
  CLI_END
};

const CliCommand cmd_manifest_create = {
  .names = "manifest create", .usage = "LIST [IMAGE...]", .summary = "Make a manifest list",
  .description = "Makes a manifest list, a name for images of several platforms, and prints its id. Images are named as for manifest add.",
  .examples = "manifest create app:1\nmanifest create app:1 app-amd64 docker://registry.example/app-arm64\n", .options = { options }, .min_args = 1, .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .program = "coracle-image",
};
