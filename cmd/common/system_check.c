#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "force", 'f', CLI_BOOL, .help = "With --repair: also remove containers whose image is damaged" },
  { "max", 'm', CLI_DURATION, .help = "How old layers of no image may be before they count as damaged", .value = "24h" },
  { "quick", 'q', CLI_BOOL, .help = "Leave out what takes long: reading all blobs" },
  { "repair", 'r', CLI_BOOL, .help = "Remove what is damaged, unless a container uses it" },
  CLI_END
};

const CliCommand cmd_system_check = {
  .names = "system check", .summary = "Check that the store is whole",
  .description = "Compares what the store lists with what lies on the disk: every image's manifest, config and layers, every blob with its digest, every container with its folder and image, and folders "
                 "and blobs that belong to nothing. Damage is told of, and makes the exit status 125; with --repair damaged images are removed, to be pulled again.",
  .examples = "system check\nsystem check --quick\nsystem check --repair --force\n", .options = { options }, .program = "coracle-image",
};
