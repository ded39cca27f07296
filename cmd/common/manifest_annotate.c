#include "cmd/common/image_commands.h"
#include "cmd/common/manifest_options.h"

static const CliOption options[] = {
  MANIFEST_OPTION_ANNOTATION,
  MANIFEST_OPTION_ARCH,
  MANIFEST_OPTION_FEATURES,
  { "index", 0, CLI_BOOL, .help = "Annotate the list itself" },
  MANIFEST_OPTION_OS,
  { "os-features", 0, CLI_LIST, .help = "Features of the operating system that the image needs" },
  MANIFEST_OPTION_OS_VERSION,
  { "subject", 0, CLI_STRING, .complete = CLI_COMPLETE_IMAGE, .help = "Image that the list is about" },
  MANIFEST_OPTION_VARIANT,
  CLI_END
};

const CliCommand cmd_manifest_annotate = {
  .names = "manifest annotate", .usage = "LIST [IMAGEORARTIFACT]", .summary = "Change what a manifest list says of an image",
  .description = "Changes what a list says of an image, which is named by its digest, by its name, or, of an artifact, by its file; with --index or --subject what it says of itself. "
                 "Prints the id of the list.",
  .examples = "manifest annotate --arch arm64 --variant v8 app:1 app-arm64\nmanifest annotate --index --annotation vendor=me app:1\n", .options = { options }, .min_args = 1,
  .max_args = 2, .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .program = "coracle-image",
};
