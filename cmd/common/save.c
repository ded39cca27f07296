#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "compress", 0, CLI_BOOL, .help = "Compress layers that are plain tars, with gzip (only for --format docker-dir)" },
  { "format", 0, CLI_STRING, .help = "What to write: docker-archive, oci-archive, oci-dir (an OCI layout) or docker-dir (dir: with a v2s2 manifest)", .value = "docker-archive",
    .values = CLI_VALUES ("docker-archive", "oci-archive", "oci-dir", "docker-dir") },
  { "multi-image-archive", 'm', CLI_BOOL, .help = "Every argument is an image of one archive, not another name for the first (only docker-archive)" },
  { "output", 'o', CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "Write to this file or folder (default: standard output)" },
  { "quiet", 'q', CLI_BOOL, .help = "Show no progress" },
  { "uncompressed", 0, CLI_BOOL, .help = "In the OCI formats: layers as plain tars" },
  CLI_END
};

const CliCommand cmd_save = {
  .names = "save, image save", .usage = "NAME[:TAG] [NAME...]", .summary = "Write images into an archive or folder",
  .description = "Writes an image, or with --multi-image-archive several, that load reads. Further names are given to the first image in the archive. A file gets its name when it is "
                 "whole. Blobs that were pulled go into the OCI formats as they came, so that digests stay; a docker-archive has the layers inflated.",
  .examples = "save -o app.tar app\nsave --format oci-archive app:1 > app.tar\nsave -m -o both.tar app db\n", .options = { options }, .min_args = 1, .max_args = CLI_ANY,
  .few_args = "need at least 1 argument", .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .program = "coracle-image",
};
