#include "cmd/common/dispatch.h"
#include "cmd/coracle/commands.h"

static int
help_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return dispatch_show_help (context->program, context->commands, cli_args_argv (args));
}

const CliCommand cmd_help = {
  .names = "help", .usage = "[COMMAND...]", .summary = "Show help about a command",
  .description = "Shows what a command does and which options it takes, as COMMAND --help does.",
  .examples = "help\nhelp version\n", .max_args = 3, .complete = CLI_COMPLETE_COMMAND, .complete_rest = CLI_COMPLETE_COMMAND, .run = help_run,
};
