/* coracle-image: the commands that move image bytes. coracle execs it with the user's own command line, so that what they need
 * (archives, compression, digests) costs the others nothing at start. */
#include "cmd/common/dispatch.h"
#include "cmd/common/image_commands.h"

#define DECLARE(name) int name##_run (const CliContext *context, const CliArgs *args, GError **error);
IMAGE_COMMANDS (DECLARE)

#define ENTRY(name) &cmd_##name,
static const CliCommand *const commands[] = { IMAGE_COMMANDS (ENTRY) &cmd_artifact, &cmd_container, &cmd_image, &cmd_manifest, &cmd_system, &cmd_volume, NULL };

static CliRunFunc
find_run (const CliCommand *command)
{
#define PAIR(name) if (command == &cmd_##name) return name##_run;
  IMAGE_COMMANDS (PAIR)
  return NULL;
}

int
main (int argc, char **argv)
{
  const DispatchProgram program = { .name = "coracle-image", .commands = commands, .find_run = find_run };
  return dispatch (&program, argv);
}
