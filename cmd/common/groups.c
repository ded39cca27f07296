/* The groups: names for what belongs together; each is shown once a command is in it. */
#include "cmd/common/image_commands.h"

const CliCommand cmd_image = {
  .names = "image", .summary = "Commands about images",
  .description = "Images come from archives and registries, and containers are made from them.",
};

const CliCommand cmd_image_trust = {
  .names = "image trust", .summary = "Say which images may be pulled",
  .description = "The policy for images: which registries are trusted, and whose signatures are asked for.",
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
  .notes = "Without --network a container is on a network of its own (see --network in coracle-run(1)): it reaches the world, and other containers do not reach it. Containers that are to talk with each other go on one named network: "
           "**coracle network create back**, then **coracle run --network back --name db** and so on. Each finds the others by their names, host names, the first 12 characters of their IDs and what --network-alias gives. The network that is "
           "always there, podman, also called bridge, has addresses but no names: make one of your own.\n\n"
           "A named network is inside a network namespace of the user's, not on this machine: its addresses cannot be reached from here. **-p** of **coracle run** publishes a port, on every kind of network but none, host and container:NAME.\n\n"
           "Names are known on the same network alone. By its address a container of one network can be reached from another one too, as with Podman, unless the network is made with **-o isolate=strict**, or both with **-o isolate=true**. "
           "**--internal** is a network without a way out: not even the world's names are answered there.",
};

const CliCommand cmd_volume = {
  .names = "volume", .summary = "Manage volumes",
  .description = "A volume is a folder of the store's that outlives the containers which use it.",
};
