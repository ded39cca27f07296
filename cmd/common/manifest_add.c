#include "cmd/common/access_options.h"
#include "cmd/common/image_commands.h"
#include "cmd/common/manifest_options.h"

static const CliOption options[] = {
  { "all", 0, CLI_BOOL, .help = "Of an image that is a list itself add all that is in it" },
  MANIFEST_OPTION_ANNOTATION,
  MANIFEST_OPTION_ARCH,
  { "artifact", 0, CLI_BOOL, .help = "Make an artifact of the files that are named, and add it" },
  { "artifact-config", 0, CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "File that becomes the artifact's config" },
  { "artifact-config-type", 0, CLI_STRING, .help = "Media type of the artifact's config" },
  { "artifact-exclude-titles", 0, CLI_BOOL, .help = "Do not note the names of the files" },
  { "artifact-layer-type", 0, CLI_STRING, .help = "Media type of the files (default: by name and content)" },
  { "artifact-subject", 0, CLI_STRING, .complete = CLI_COMPLETE_IMAGE, .help = "Image that the artifact is about" },
  { "artifact-type", 0, CLI_STRING, .help = "Type of the artifact" },
  ACCESS_OPTION_AUTHFILE,
  ACCESS_OPTION_CERT_DIR,
  ACCESS_OPTION_CREDS,
  MANIFEST_OPTION_FEATURES,
  { "insecure", 0, CLI_BOOL, .hidden = TRUE, .help = "As --tls-verify=false" },
  MANIFEST_OPTION_OS,
  MANIFEST_OPTION_OS_VERSION,
  ACCESS_OPTION_TLS_VERIFY,
  MANIFEST_OPTION_VARIANT,
  CLI_END
};

const CliCommand cmd_manifest_add = {
  .names = "manifest add", .usage = "LIST IMAGEORARTIFACT [IMAGEORARTIFACT...]", .summary = "Add images to a manifest list",
  .description = "Adds images to a list, and prints its id. An image is one of the store, or in a registry (docker://NAME, or a name that is not in the store), or in oci:, oci-archive:, "
                 "docker-archive: or dir:. Of an image that is a list itself the one for this platform, or for --os, --arch and --variant, is added.\n\n"
                 "What is not in the store stays where it is: manifest push fetches it from there.",
  .examples = "manifest add app:1 app-amd64\nmanifest add --all app:1 docker://registry.example/app\nmanifest add --artifact --artifact-type text/spdx app:1 sbom.spdx\n",
  .options = { options }, .min_args = 2, .max_args = CLI_ANY, .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .program = "coracle-image",
};
