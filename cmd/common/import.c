#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "arch", 0, CLI_STRING, .help = "Architecture that the image is for; by default this machine's" },
  { "change", 'c', CLI_LIST, .help = "Apply a Dockerfile instruction to the image (CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR)" },
  { "message", 'm', CLI_STRING, .help = "Set the comment of the imported image" },
  { "os", 0, CLI_STRING, .help = "Operating system that the image is for; by default linux" },
  { "quiet", 'q', CLI_BOOL, .help = "Print nothing but the ID" },
  { "variant", 0, CLI_STRING, .help = "Variant of the architecture, as in v8" },
  CLI_END
};

const CliCommand cmd_import = {
  .names = "import, image import", .usage = "PATH [REFERENCE]", .summary = "Make an image of one layer from a tar of a root filesystem",
  .description = "Makes an image of one layer from a root filesystem's tar, compressed or not; from a file or a URL, and `-` reads standard input. Prints the image's id.",
  .examples = "import rootfs.tar debian:mine\nimport -c 'CMD [\"/bin/sh\"]' -c ENV=A=b - box < rootfs.tar.gz\n", .options = { options }, .min_args = 1, .max_args = 2,
  .complete = CLI_COMPLETE_FILE, .program = "coracle-image",
};
