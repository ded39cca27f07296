#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "arch", 0, CLI_STRING, .arg = "ARCH", .help = "Use ARCH instead of the architecture of the machine for choosing images" },
  { "os", 0, CLI_STRING, .arg = "OS", .help = "Use OS instead of the running OS for choosing images" },
  { "platform", 0, CLI_STRING, .help = "Take the image for this system (OS/ARCH[/VARIANT])" },
  { "policy", 0, CLI_CHOICE, .help = "When to fetch an image that is here already", .value = "always", .values = CLI_VALUES ("always", "missing", "never", "newer") },
  { "quiet", 'q', CLI_BOOL, .help = "Print nothing but the ID" },
  { "variant", 0, CLI_STRING, .help = "Take the image for this variant of the architecture" },
  CLI_END
};

const CliCommand cmd_pull = {
  .names = "pull, image pull", .usage = "IMAGE [IMAGE...]", .summary = "Pull an image from a local archive or layout",
  .description = "Copies images from docker-archive:PATH[:NAME], oci-archive:PATH[:NAME], oci:PATH[:NAME] and dir:PATH into the store and prints their ids. "
                 "Registries are not supported yet.",
  .examples = "pull oci:/srv/layout:app\npull docker-archive:app.tar\n", .options = { options }, .min_args = 1, .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .program = "coracle-image",
};
