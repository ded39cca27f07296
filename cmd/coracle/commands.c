#include "cmd/coracle/commands.h"

#define ENTRY(name) &cmd_##name,
const CliCommand *const coracle_commands[] = { CORACLE_COMMANDS (ENTRY) IMAGE_COMMANDS (ENTRY) &cmd_artifact, &cmd_container, &cmd_generate, &cmd_healthcheck_group, &cmd_image, &cmd_image_trust, &cmd_manifest, &cmd_network, &cmd_system, &cmd_volume, NULL };
