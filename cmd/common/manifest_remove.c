#include "cmd/common/image_commands.h"

const CliCommand cmd_manifest_remove = {
  .names = "manifest remove", .usage = "LIST DIGEST", .summary = "Take an image out of a manifest list",
  .description = "Takes the image of this digest out of a list, and prints the id of the list. The image itself stays.",
  .examples = "manifest remove app:1 sha256:cb8a924afdf0229ef7515d9e5b3024e23b3eb03ddbba287f4a19c6ac90b8d221\n", .min_args = 2, .max_args = 2, .complete = CLI_COMPLETE_IMAGE,
  .program = "coracle-image",
};
