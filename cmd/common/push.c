#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "compress", 0, CLI_BOOL, .help = "Compress layers that are plain tars (for dir:; the OCI destinations always do)" },
  { "compression-format", 0, CLI_STRING, .help = "Compress layers with gzip or zstd; those of another compression too unless --force-compression=false",
    .values = CLI_VALUES ("gzip", "zstd") },
  { "compression-level", 0, CLI_INT, .help = "Level of the compression (1 to 9 for gzip, 1 to 20 for zstd)" },
  { "digestfile", 0, CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "Write the digest of the manifest to this file" },
  { "force-compression", 0, CLI_BOOL, .help = "Layers compressed otherwise are compressed anew" },
  { "format", 'f', CLI_STRING, .help = "Kind of manifest: oci or v2s2 (default: as the image has it, oci in OCI layouts)", .values = CLI_VALUES ("oci", "v2s2") },
  { "quiet", 'q', CLI_BOOL, .help = "Show no progress" },
  CLI_END
};

const CliCommand cmd_push = {
  .names = "push, image push", .usage = "IMAGE [DESTINATION]", .summary = "Copy an image to a local archive or layout",
  .description = "Copies an image to docker-archive:PATH[:NAME], oci-archive:PATH[:NAME], oci:PATH[:NAME] or dir:PATH. Registries are not supported yet.",
  .examples = "push app oci:/srv/layout:app\npush app docker-archive:app.tar\n", .options = { options }, .min_args = 1, .max_args = 2,
  .complete = CLI_COMPLETE_IMAGE, .program = "coracle-image",
};
