#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "output", 'o', CLI_STRING, .help = "Write to this file instead of standard output", .complete = CLI_COMPLETE_FILE },
  CLI_END
};

const CliCommand cmd_volume_export = {
  .names = "volume export", .usage = "VOLUME", .summary = "Write a volume's files as a tar archive",
  .description = "Writes what is in a volume as a tar archive to standard output or to a file. Containers may be using it. Owners, modes, extended attributes, hard links and holes are kept. The same "
                 "files give the same bytes.",
  .examples = "volume export data > data.tar\nvolume export -o data.tar data\nvolume export old | coracle volume import new -\n", .options = { options }, .min_args = 1, .max_args = 1,
  .complete = CLI_COMPLETE_VOLUME, .program = "coracle-image",
};
