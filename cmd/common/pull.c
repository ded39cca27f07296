#include "cmd/common/access_options.h"
#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "all-tags", 'a', CLI_BOOL, .help = "Pull every tag of the repository" },
  { "arch", 0, CLI_STRING, .arg = "ARCH", .help = "Use ARCH instead of the architecture of the machine for choosing images" },
  ACCESS_OPTION_AUTHFILE,
  ACCESS_OPTION_CERT_DIR,
  ACCESS_OPTION_CREDS,
  ACCESS_OPTION_DECRYPTION_KEY,
  ACCESS_OPTION_CONTENT_TRUST,
  { "os", 0, CLI_STRING, .arg = "OS", .help = "Use OS instead of the running OS for choosing images" },
  { "platform", 0, CLI_STRING, .help = "Take the image for this system (OS/ARCH[/VARIANT])" },
  { "policy", 0, CLI_CHOICE, .help = "When to fetch an image that is here already", .value = "always", .values = CLI_VALUES ("always", "missing", "never", "newer") },
  { "problem-fd", 0, CLI_INT, .hidden = TRUE, .value = "-1", .help = "Write what went wrong to this descriptor" },
  { "quiet", 'q', CLI_BOOL, .help = "Print nothing but the ID" },
  ACCESS_OPTION_RETRY,
  ACCESS_OPTION_RETRY_DELAY,
  ACCESS_OPTION_TLS_VERIFY,
  { "variant", 0, CLI_STRING, .help = "Take the image for this variant of the architecture" },
  CLI_END
};

const CliCommand cmd_pull = {
  .names = "pull, image pull", .usage = "IMAGE [IMAGE...]", .summary = "Pull an image from a registry, an archive or a layout",
  .description = "Copies images from registries, from docker-archive:PATH[:NAME], oci-archive:PATH[:NAME], oci:PATH[:NAME] and dir:PATH into the store and prints their ids.\n\n"
                 "Layers come in parallel, and are unpacked as they come. What is there is not fetched, and what another process is fetching is waited for. A broken connection is taken up where it "
                 "broke.\n\nregistries.conf(5) says what a short name means, which registries have mirrors, and which are blocked; policy.json(5) what may be pulled at all.",
  .examples = "pull debian\npull registry.example:5000/team/app:1.2\npull oci:/srv/layout:app\npull docker-archive:app.tar\n", .options = { options }, .min_args = 1, .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .program = "coracle-image",
};
