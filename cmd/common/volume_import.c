#include "cmd/common/image_commands.h"

const CliCommand cmd_volume_import = {
  .names = "volume import", .usage = "VOLUME [SOURCE]", .summary = "Put the files of a tar archive into a volume",
  .description = "Unpacks a tar archive, compressed or not, from a file, or from standard input (`-`), in a volume, which must exist. What is in the volume stays, unless the archive has it as well.",
  .examples = "volume import data data.tar\nvolume import data - < data.tar.gz\n", .min_args = 1, .max_args = 2,
  .complete = CLI_COMPLETE_VOLUME, .complete_rest = CLI_COMPLETE_FILE, .program = "coracle-image",
};
