#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "input", 'i', CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "Load images from the specified file (default: standard input)" },
  { "quiet", 'q', CLI_BOOL, .help = "Show no progress" },
  CLI_END
};

const CliCommand cmd_load = {
  .names = "load, image load", .summary = "Take in the images of an archive or folder",
  .description = "Reads images that save wrote: a docker-archive or oci-archive, compressed or not, from a file or a URL, or a folder (an OCI layout, dir). Images that are there already "
                 "only get their names.",
  .examples = "load -i app.tar\nload < app.tar.zst\n", .options = { options }, .program = "coracle-image",
};
