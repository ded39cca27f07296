/* cli: the command line as data. One static const CliCommand per command gives parsing, --help, the man page and the
 * completions of three shells; this module has the grammar (pflag's, as Podman's users know it) and the renderers of help.
 * It neither prints nor exits: cmd/common/dispatch does.
 *
 * A command is one file that defines
 *
 *   static const CliOption options[] = {
 *     { "all", 'a', CLI_BOOL, .help = "Remove all images" },
 *     { "time", 't', CLI_INT, .help = "Seconds to wait before killing", .value = "10" },
 *     { "volume", 'v', CLI_LIST, .help = "Bind mount a path or a volume", .complete = CLI_COMPLETE_FILE },
 *     CLI_END
 *   };
 *   const CliCommand cmd_rm = {
 *     .names = "rm, container rm", .usage = "CONTAINER [CONTAINER...]", .summary = "Remove one or more containers",
 *     .description = "…", .examples = "rm web\nrm -f web db\n", .options = { options }, .max_args = CLI_ANY,
 *     .complete = CLI_COMPLETE_CONTAINER, .complete_rest = CLI_COMPLETE_CONTAINER, .run = rm_run,
 *   };
 *
 * and is listed in cmd/coracle/commands.h. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct CliArgs CliArgs;
typedef struct CliCommand CliCommand;

/* What the value of an option is. It is checked when the command line is read; the texts of the errors are pflag's. */
typedef enum {
  CLI_BOOL,      /* --flag, --flag=false; Go's spellings (1 t T true TRUE True …). cli_args_bool */
  CLI_STRING,    /* any text. cli_args_string */
  CLI_CHOICE,    /* a text that must be one of .values. cli_args_string */
  CLI_INT,       /* 64 bit signed; 0x, 0o, 0b, 0 and _ as in Go. cli_args_int */
  CLI_UINT,      /* the same, 0 to INT64_MAX. cli_args_int */
  CLI_FLOAT,     /* decimal. cli_args_float */
  CLI_DURATION,  /* Go's: "90s", "1h30m", "1.5s", "0". cli_args_int, in microseconds */
  CLI_SIZE,      /* bytes, with b k m g t p (powers of 1024, also kb, kib): "64m". cli_args_int, in bytes */
  CLI_LIST,      /* repeatable, each occurrence one entry (pflag's stringArray). cli_args_list */
  CLI_CSV,       /* repeatable, each occurrence split at commas, CSV quoting (pflag's stringSlice). cli_args_list */
  CLI_UINTS,     /* as CLI_CSV, every entry a CLI_UINT. cli_args_list */
} CliType;

/* What a shell offers as value of an option or as positional argument. */
typedef enum {
  CLI_COMPLETE_DEFAULT,   /* .values if there are any, else nothing */
  CLI_COMPLETE_FILE,
  CLI_COMPLETE_DIR,
  CLI_COMPLETE_IMAGE,     /* names and short ids of images */
  CLI_COMPLETE_CONTAINER, /* names of all containers */
  CLI_COMPLETE_RUNNING,   /* names of running containers */
  CLI_COMPLETE_NETWORK,
  CLI_COMPLETE_VOLUME,
  CLI_COMPLETE_POD,
  CLI_COMPLETE_SECRET,
  CLI_COMPLETE_SIGNAL,
  CLI_COMPLETE_CAPABILITY,
  CLI_COMPLETE_COMMAND,   /* a word of `coracle help` */
} CliComplete;

typedef struct {
  const char *name;          /* without dashes; NULL ends an array (CLI_END) */
  char short_name;           /* 0 = none */
  uint8_t type;              /* CliType */
  uint8_t complete;          /* CliComplete, of the value */
  gboolean hidden;           /* accepted, but in no help, page or completion */
  const char *help;          /* one line, capital first, no stop at the end */
  const char *arg;           /* placeholder of the value in help; NULL = the type's as pflag names it ("string", "strings", "int" …) */
  const char *value;         /* the value when it is not given, in command line spelling; shown as "(default …)"; NULL = false, NULL, 0. None for lists */
  const char *bare;          /* if set the value is optional, only --flag=VALUE gives one, and --flag alone means this (--pull) */
  const char *alias;         /* another spelling of the name, accepted but not shown ("net" for "network"); NULL = none */
  const char *man;           /* the man page's text, roff-free, paragraphs separated by an empty line; NULL = help */
  const char *const *values; /* NULL-terminated: what CLI_CHOICE allows and completion offers */
} CliOption;

#define CLI_END { NULL }
#define CLI_VALUES(...) ((const char *const[]) { __VA_ARGS__, NULL })
#define CLI_ANY 0xffff        /* .max_args: no limit */
#define CLI_MAX_OPTION_ARRAYS 8

/* What every command gets: what was asked for outside of its own words. */
typedef struct {
  const char *program;       /* as called: "coracle", "podman" or "docker"; what texts to users say */
  const char *path;          /* program and command as called: "podman image rm" */
  const CliCommand *command;
  const CliCommand *const *commands;  /* all of the program's, NULL-terminated */
  const char *root;          /* --root, else NULL; to config_paths_new */
  const char *run_root;      /* --runroot, else NULL */
  const char *cgroup_manager;   /* --cgroup-manager, else NULL */
  const char *runtime;       /* --runtime, else NULL */
  const char *const *hooks_dir;   /* --hooks-dir, NULL-terminated, else NULL */
  const char *log_level;     /* --log-level, lower case; "warn" if not given */
  char **argv;               /* the whole original command line, for passing on (restart, coracle-image) */
} CliContext;

/* A command's work. Returns the exit status. On failure it sets @error and returns CLI_FAILED: dispatch prints "Error: TEXT" once
 * and exits by the error's code (cli_exit_status); a positive status together with @error prints the text and exits with that status
 * (rm of a missing container: 1). Having printed all itself, a command returns the status and leaves @error alone. */
#define CLI_FAILED (-1)
typedef int (*CliRunFunc) (const CliContext *context, const CliArgs *args, GError **error);

struct CliCommand {
  const char *names;         /* where it is found, first the canonical one: "images, image list|ls": a comma parts the paths,
                                a bar the spellings of the last word. The words before the last one are its group's path */
  const char *usage;         /* the arguments, without "[options]", as in "IMAGE [COMMAND [ARG...]]"; "" or NULL = none */
  const char *summary;       /* one line, no stop at the end */
  const char *description;   /* sentences for --help and the man page; paragraphs separated by an empty line; NULL = summary. This, notes and an
                                option's man may mark words: **bold**, *italic* */
  const char *examples;      /* lines without the program's name: "rm web\nrm -f web db\n"; NULL = none */
  const char *notes;         /* more paragraphs, for the man page only; NULL = none */
  const CliOption *options[CLI_MAX_OPTION_ARRAYS];  /* arrays, each ended by CLI_END; one may be shared by several commands */
  uint16_t min_args, max_args;
  const char *few_args;      /* the text instead of the usual one when there are fewer than min_args; NULL = usual */
  gboolean stop_at_args;     /* options end at the first positional argument (run, exec, create; groups always) */
  gboolean hidden;           /* works, but in no help, page or completion */
  uint8_t complete;          /* CliComplete of the first positional argument */
  uint8_t complete_rest;     /* CliComplete of the further ones */
  const char *program;       /* the libexec program that runs it ("coracle-image"); NULL = coracle itself */
  CliRunFunc run;            /* NULL: a group of commands, or .program's */
};

/* cli_command_is_group: it holds commands ("image") and does nothing itself. */
gboolean cli_command_is_group (const CliCommand *command);

/* cli_find: the command that @path names ("image ls"), through all its names.
 * @commands: NULL-terminated. Returns NULL if there is none. @ret_name: may be NULL; the canonical spelling of that path
 * ("image list"), free with g_free. */
const CliCommand *cli_find (const CliCommand *const *commands, const char *path, char **ret_name);

/* cli_mark: how long what is marked at @text is, "**words**" or "*word*"; 0: nothing is, as in a pattern. @before: the character in front of it, 0 if none.
 * @ret_stars: how many stars stand on each side. */
gsize cli_mark (const char *text, char before, gsize *ret_stars);

/* cli_option_find: by long name or alias; NULL if the command has none of that name. */
const CliOption *cli_option_find (const CliCommand *command, const char *name);

/* cli_parse: read the words after the command's name. @globals: options that every command takes, or NULL.
 * @argv: NULL-terminated, without the command's words; borrowed, must outlive the result.
 * "--help" is always accepted, and "-h" where the command has no such option: ask cli_args_help.
 * Errors: INVALID with pflag's text ("unknown flag: --foo"). The count of arguments is not checked: cli_check_count.
 * Source: pflag's documentation; Podman 5.8's behaviour. */
CliArgs *cli_parse (const CliCommand *command, const CliOption *globals, const char *const *argv, GError **error);
void cli_args_free (CliArgs *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliArgs, cli_args_free)

/* cli_check_count: are there as many positional arguments as @command wants? Errors: INVALID with Podman's text.
 * @path: the command as called ("podman image rm"). */
gboolean cli_check_count (const CliCommand *command, const CliArgs *args, const char *path, GError **error);

/* The values. Asking for a name that the command has not, or with the wrong type, aborts: it is a mistake in the program.
 * What was not given has the option's default; strings are NULL and lists empty without one. All is owned by @args. */
gboolean cli_args_help (const CliArgs *args);
gboolean cli_args_is_set (const CliArgs *args, const char *name);
gboolean cli_args_bool (const CliArgs *args, const char *name);
const char *cli_args_string (const CliArgs *args, const char *name);
gint64 cli_args_int (const CliArgs *args, const char *name);
double cli_args_float (const CliArgs *args, const char *name);
const char *const *cli_args_list (const CliArgs *args, const char *name);  /* NULL-terminated, never NULL */

/* The positional arguments: NULL-terminated. cli_args_arg: NULL beyond the last. */
const char *const *cli_args_argv (const CliArgs *args);
unsigned cli_args_count (const CliArgs *args);
const char *cli_args_arg (const CliArgs *args, unsigned index);

/* cli_value_check: is @text a value of @option's type? Error text: what pflag says after "flag: ". @ret_number: may be NULL; ints, sizes, durations. */
gboolean cli_value_check (const CliOption *option, const char *text, gint64 *ret_number, double *ret_float, GError **error);

/* cli_help: append the help of @command, called @name ("image list"; "" = the program itself), to @out, in Podman's layout.
 * @commands: all, NULL-terminated, for what lists commands. */
void cli_help (GString *out, const char *program, const char *name, const CliCommand *command, const CliCommand *const *commands);

/* cli_visible_options: what help, page and completions show, sorted by name. Free with g_ptr_array_unref; the entries are borrowed. */
GPtrArray *cli_visible_options (const CliCommand *command);

/* cli_option_placeholder: "string", "strings", "int" …; "" for CLI_BOOL. */
const char *cli_option_placeholder (const CliOption *option);

/* A command as it is listed below its group or the program. */
typedef struct {
  char *word;                /* "list" */
  char **aliases;            /* { "ls", NULL } */
  const CliCommand *command;
} CliEntry;

/* cli_list: the visible commands of @group ("" = the program's own), sorted. Free with g_ptr_array_unref; entries CliEntry. */
GPtrArray *cli_list (const CliCommand *const *commands, const char *group);

/* cli_suggest: the words of @group that @word may have meant: beginning like it or at most two edits away. Free with g_strfreev. */
char **cli_suggest (const CliCommand *const *commands, const char *group, const char *word);

/* cli_exit_status: what a failed command exits with: 126 for CANNOT_INVOKE, 127 for NO_COMMAND, else 125. */
int cli_exit_status (const GError *error);
