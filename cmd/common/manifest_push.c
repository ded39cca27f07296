#include "cmd/common/access_options.h"
#include "cmd/common/image_commands.h"
#include "cmd/common/push_options.h"

static const CliOption options[] = {
  { "add-compression", 0, CLI_LIST, .help = "Add every image once more, compressed so (gzip, zstd, zstd:chunked)", .values = CLI_VALUES ("gzip", "zstd", "zstd:chunked") },
  { "all", 0, CLI_BOOL, .value = "true", .help = "Copy the images of the list, too" },
  ACCESS_OPTION_AUTHFILE,
  ACCESS_OPTION_CERT_DIR,
  PUSH_OPTION_COMPRESSION_FORMAT,
  PUSH_OPTION_COMPRESSION_LEVEL,
  ACCESS_OPTION_CREDS,
  PUSH_OPTION_DIGESTFILE,
  PUSH_OPTION_FORCE_COMPRESSION,
  { "format", 'f', CLI_STRING, .help = "Kind of list: oci or v2s2 (default: as it suits)", .values = CLI_VALUES ("oci", "v2s2") },
  { "insecure", 0, CLI_BOOL, .hidden = TRUE, .help = "As --tls-verify=false" },
  { "purge", 'p', CLI_BOOL, .hidden = TRUE, .help = "As --rm" },
  PUSH_OPTION_QUIET,
  PUSH_OPTION_REMOVE_SIGNATURES,
  { "rm", 0, CLI_BOOL, .help = "Remove the list from the store when it is there" },
  PUSH_OPTIONS_SIGN,
  ACCESS_OPTION_TLS_VERIFY,
  CLI_END
};

const CliCommand cmd_manifest_push = {
  .names = "manifest push", .usage = "LIST [DESTINATION]", .summary = "Copy a manifest list, and its images, to a registry or a layout",
  .description = "Copies a list and its images to a registry, or to oci:PATH[:NAME], oci-archive:PATH[:NAME] or dir:PATH. Images that are not in the store are fetched from where manifest add "
                 "found them. Without DESTINATION it goes where LIST says.",
  .examples = "manifest push app:1 registry.example/app:1\nmanifest push --rm app:1 oci:/srv/layout:app\n", .options = { options }, .min_args = 1, .max_args = 2,
  .complete = CLI_COMPLETE_IMAGE, .program = "coracle-image",
};
