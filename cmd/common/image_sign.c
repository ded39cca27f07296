#include "cmd/common/access_options.h"
#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "Of a manifest list sign every image instead of the list" },
  ACCESS_OPTION_AUTHFILE,
  ACCESS_OPTION_CERT_DIR,
  { "directory", 'd', CLI_STRING, .complete = CLI_COMPLETE_DIR, .help = "Folder for the signatures (default: where registries.d keeps those of the registry)" },
  { "sign-by", 0, CLI_STRING, .help = "The GPG key to sign with, as gpg knows it" },
  CLI_END
};

const CliCommand cmd_image_sign = {
  .names = "image sign",
  .usage = "IMAGE [IMAGE...]",
  .summary = "Sign images with a GPG key",
  .description = "Signs images, by the name that they have, with the user's own gpg (simple signing). An image is docker://NAME in its registry, or containers-storage:NAME in the store. The signatures go to "
                 "FOLDER/PATH@sha256=DIGEST/signature-N, where FOLDER is what --directory says, or the place that registries.d(5) names for the registry; that is where policy.json's signedBy looks "
                 "for them.",
  .examples = "image sign --sign-by me@example.org docker://registry.example/team/app:1\nimage sign --sign-by me@example.org --directory /srv/signatures containers-storage:registry.example/team/app:1\n",
  .options = { options },
  .min_args = 1,
  .max_args = CLI_ANY,
  .program = "coracle-image",
};
