#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "output", 'o', CLI_STRING, .help = "Write to this file instead of standard output", .complete = CLI_COMPLETE_FILE },
  CLI_END
};

const CliCommand cmd_export = {
  .names = "export, container export", .usage = "CONTAINER", .summary = "Write a container's files as a tar archive",
  .description = "Writes the root filesystem of a container, which may be running, as a tar archive to standard output or to a file: the image's files and what the container made of "
                 "them, without volumes. `import` makes an image of it again.\n\n"
                 "Owners, modes, extended attributes, hard links and holes are kept. The same files give the same bytes.",
  .examples = "export web > web.tar\nexport -o web.tar web\n", .options = { options }, .min_args = 1, .max_args = 1, .complete = CLI_COMPLETE_CONTAINER, .program = "coracle-image",
};
