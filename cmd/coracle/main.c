#include "cmd/common/dispatch.h"
#include "cmd/coracle/commands.h"

int
main (int argc, char **argv)
{
  const DispatchProgram program = { .name = "coracle", .commands = coracle_commands };
  return dispatch (&program, argv);
}
