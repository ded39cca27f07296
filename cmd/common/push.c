#include "cmd/common/access_options.h"
#include "cmd/common/image_commands.h"
#include "cmd/common/push_options.h"

static const CliOption options[] = {
  ACCESS_OPTION_AUTHFILE,
  ACCESS_OPTION_CERT_DIR,
  { "compress", 0, CLI_BOOL, .help = "Compress layers that are plain tars (for dir: alone; registries and OCI layouts always do)" },
  PUSH_OPTION_COMPRESSION_FORMAT,
  PUSH_OPTION_COMPRESSION_LEVEL,
  ACCESS_OPTION_CREDS,
  PUSH_OPTION_DIGESTFILE,
  ACCESS_OPTION_CONTENT_TRUST,
  { "encrypt-layer", 0, CLI_LIST, .hidden = TRUE, .help = "Not supported" },
  { "encryption-key", 0, CLI_LIST, .hidden = TRUE, .help = "Not supported" },
  PUSH_OPTION_FORCE_COMPRESSION,
  { "format", 'f', CLI_STRING, .help = "Kind of manifest: oci or v2s2 (default: as the image has it, oci in OCI layouts)", .values = CLI_VALUES ("oci", "v2s2") },
  PUSH_OPTION_QUIET,
  PUSH_OPTION_REMOVE_SIGNATURES,
  ACCESS_OPTION_RETRY,
  ACCESS_OPTION_RETRY_DELAY,
  PUSH_OPTIONS_SIGN,
  ACCESS_OPTION_TLS_VERIFY,
  CLI_END
};

const CliCommand cmd_push = {
  .names = "push, image push", .usage = "IMAGE [DESTINATION]", .summary = "Copy an image to a registry, an archive or a layout",
  .description = "Copies an image to a registry, or to docker-archive:PATH[:NAME], oci-archive:PATH[:NAME], oci:PATH[:NAME] or dir:PATH. Without DESTINATION it goes where IMAGE says (a short name: docker.io).\n\n"
                 "Layers that were pulled go as they came, so that digests stay; those that were made here are compressed by all processors. What the registry has is not sent again, not even "
                 "compressed again, and what another of its repositories has is taken from there. A broken upload is taken up where it broke.",
  .examples = "push app registry.example/team/app:1.2\npush --creds me:secret app docker://localhost:5000/app\npush app oci:/srv/layout:app\npush app docker-archive:app.tar\n",
  .options = { options }, .min_args = 1, .max_args = 2, .complete = CLI_COMPLETE_IMAGE, .program = "coracle-image",
};
