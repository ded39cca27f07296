#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "deep", 0, CLI_BOOL, .help = "Also compare every layer's files with the blob that they came from",
    .man = "Also unpack every layer's blob once more, and compare each file's content, mode, owner, time and attributes with what lies in the store. It takes as long as pulling all images "
           "from a near registry, and the room of the largest layer." },
  { "force", 'f', CLI_BOOL, .help = "With --repair: also remove containers whose image is lost" },
  { "max", 'm', CLI_DURATION, .help = "How old layers of no image may be before they count as damaged", .value = "24h" },
  { "quick", 'q', CLI_BOOL, .help = "Leave out what takes long: reading all blobs" },
  { "repair", 'r', CLI_BOOL, .help = "Mend what can be mended, and remove what is lost unless a container uses it",
    .man = "Make the folders of damaged layers anew from their blobs, unless a running container stands on them. Images whose blobs are damaged or missing are lost: they are removed and named, "
           "to be pulled again, unless containers use them." },
  CLI_END
};

const CliCommand cmd_system_check = {
  .names = "system check", .summary = "Check that the store is whole",
  .description = "Compares what the store lists with what lies on the disk: every image's manifest, config and layers, every blob with its digest, every container with its folder and image, and folders "
                 "and blobs that belong to nothing; with --deep every file of every layer, too, and with --quick only that all of it is there. Damage is told of, and makes the exit status 125, unless "
                 "--repair leaves none.",
  .examples = "system check\nsystem check --quick\nsystem check --deep --repair\nsystem check --repair --force\n",
  .options = { options },
  .program = "coracle-image",
};
