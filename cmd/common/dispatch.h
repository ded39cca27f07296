/* dispatch: from argv to the command's function and from its result to the exit status; what main is, in coracle and coracle-image. */
#pragma once

#include "pkg/cli/cli.h"

/* The program itself as a command: its help, --version, and global_options. */
extern const CliCommand root_command;
/* Options that every command takes, before or after its name. */
extern const CliOption global_options[];

typedef struct {
  const char *name;                          /* "coracle", "coracle-image": runs the commands of that .program (coracle: of none) */
  const CliCommand *const *commands;         /* NULL-terminated */
  CliRunFunc (*find_run) (const CliCommand *command);  /* NULL: the command's .run */
} DispatchProgram;

/* dispatch: parse @argv, run the command or exec the libexec program that has it, print a failure once. Returns the exit status. */
int dispatch (const DispatchProgram *program, char **argv);

/* dispatch_print_error: "Error: TEXT" on stderr, for a command that goes on after a failure (rm A B C). */
void dispatch_print_error (const GError *error);

/* dispatch_show_help: help of the command that @words name (NULL-terminated, empty = the program) on stdout; an unknown one is reported
 * with suggestions. Returns the exit status. */
int dispatch_show_help (const char *program, const CliCommand *const *commands, const char *const *words);
