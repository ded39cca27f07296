#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "author", 'a', CLI_STRING, .help = "Set the author of the image" },
  { "change", 'c', CLI_LIST, .help = "Apply a Dockerfile instruction to the image (CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR)" },
  { "config", 0, CLI_STRING, .help = "Merge the image configuration in this JSON file into the container's", .arg = "file", .complete = CLI_COMPLETE_FILE },
  { "format", 'f', CLI_STRING, .help = "Format of the image's manifest: oci or docker", .arg = "Format", .value = "oci", .values = CLI_VALUES ("docker", "oci") },
  { "iidfile", 0, CLI_STRING, .help = "Write the image's ID to this file", .arg = "file", .complete = CLI_COMPLETE_FILE },
  { "include-volumes", 0, CLI_BOOL, .help = "Make all the container's volumes volumes of the image" },
  { "message", 'm', CLI_STRING, .help = "Set the image's comment (with --format docker)" },
  { "pause", 'p', CLI_BOOL, .help = "Let the container stand still meanwhile" },
  { "quiet", 'q', CLI_BOOL, .help = "Print nothing but the ID" },
  { "squash", 's', CLI_BOOL, .help = "Make one layer of everything" },
  CLI_END
};

const CliCommand cmd_commit = {
  .names = "commit, container commit", .usage = "CONTAINER [IMAGE]", .summary = "Make an image of a container as it is now",
  .description = "Makes an image of a container, which may be running: its own image's layers, and one more with what the container has written. Volumes are not part of it. The image starts "
                 "the way the container did: command, environment, user, working folder and labels are taken over. Without a name it is `<none>`. Prints the image's id.",
  .examples = "commit web\ncommit -c CMD=/bin/bash -c 'LABEL kind=boat' web localhost/web:mine\ncommit -f docker -m 'before the update' -a me web web:old\n", .options = { options },
  .min_args = 1, .max_args = 2, .complete = CLI_COMPLETE_CONTAINER, .complete_rest = CLI_COMPLETE_IMAGE, .program = "coracle-image",
};
