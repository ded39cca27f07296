/* The groups: names for what belongs together; each is shown once a command is in it. */
#include "cmd/common/image_commands.h"

const CliCommand cmd_image = {
  .names = "image", .summary = "Commands about images",
  .description = "Images come from archives and registries, and containers are made from them.",
};

const CliCommand cmd_manifest = {
  .names = "manifest", .summary = "Commands about manifest lists",
  .description = "A manifest list is a name for images of several platforms; who pulls it gets the one for his own.",
};

const CliCommand cmd_artifact = {
  .names = "artifact", .summary = "Commands about artifacts",
  .description = "An artifact is files of any kind that registries keep as they keep images.",
};

const CliCommand cmd_container = {
  .names = "container", .summary = "Commands about containers",
  .description = "A container is a root filesystem made from an image, together with how to run a command in it.",
};

const CliCommand cmd_generate = {
  .names = "generate", .summary = "Write down what containers are made with",
  .description = "What a container was made with, in a form that other programs read.",
};

const CliCommand cmd_healthcheck_group = {
  .names = "healthcheck", .summary = "Check the health of containers",
  .description = "A health check is a command that is run in a container from time to time and tells by its exit status whether all is well.",
};

const CliCommand cmd_system = {
  .names = "system", .summary = "Manage the whole",
  .description = "What concerns the machine and the store as a whole.",
};

const CliCommand cmd_network = {
  .names = "network", .summary = "Manage networks",
  .description = "A network connects containers with each other, by name, and with the rest of the world.",
};

const CliCommand cmd_volume = {
  .names = "volume", .summary = "Manage volumes",
  .description = "A volume is a folder of the store's that outlives the containers which use it.",
};
