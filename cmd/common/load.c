#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "input", 'i', CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "Load images from the specified file (default: standard input)" },
  { "quiet", 'q', CLI_BOOL, .help = "Suppress the output" },
  CLI_END
};

const CliCommand cmd_load = {
  .names = "load, image load", .summary = "Load image(s) from a tar archive",
  .description = "Reads images that save wrote: a docker-archive or oci-archive, compressed or not, or a folder (an OCI layout, dir). Images that are there already "
                 "only get their names.",
  .examples = "load -i app.tar\nload < app.tar.zst\n", .options = { options }, .program = "coracle-image",
};
