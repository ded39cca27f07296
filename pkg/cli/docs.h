/* docs: man pages and the completions of three shells from the commands' tables. Used when the project is built, by man/generate;
 * no program that users run has it linked in. */
#pragma once

#include "pkg/cli/cli.h"

typedef struct {
  const char *program;                /* "coracle" */
  const char *version;
  const CliCommand *root;             /* the program's own table */
  const CliOption *globals;           /* what every command takes */
  const CliCommand *const *commands;  /* NULL-terminated */
  const char *(*capability) (int number);  /* "CAP_CHOWN"; NULL beyond the last */
} CliDocs;

/* One way to call a visible command. */
typedef struct {
  char *path;                /* "image ls" */
  char *name;                /* its canonical spelling: "image list" */
  const CliCommand *command;
  gboolean main;             /* the first of the command's names: "images" */
} CliPath;

/* cli_docs_paths: every path of every visible command, groups before what is in them, sorted. Free with g_ptr_array_unref; entries CliPath. */
GPtrArray *cli_docs_paths (const CliCommand *const *commands);

/* cli_docs_main_name: the first of the command's names, "images"; free with g_free. */
char *cli_docs_main_name (const CliCommand *command);

/* cli_docs_man: the page of @command in roff (man macros). @command docs->root: the program's own page. */
void cli_docs_man (GString *out, const CliDocs *docs, const CliCommand *command);

/* cli_docs_kind: what completes @option's value: "file", "image" …, "values" with them in option->values, "" for nothing. */
const char *cli_docs_kind (const CliOption *option);
/* cli_docs_complete: the same for a positional argument's CliComplete. */
const char *cli_docs_complete (uint8_t complete);

/* The words whose lists no command gives: "signal" and "capability"; NULL for other kinds. Free with g_free. */
char *cli_docs_words (const CliDocs *docs, const char *kind);

/* The commands that list names at completion time. */
typedef struct { const char *kind, *arguments; } CliLister;
extern const CliLister cli_docs_listers[];   /* ended by a NULL kind */

/* cli_docs_bash: the functions that hold the tables; man/completion.bash, which walks them, is to follow in the same file. */
void cli_docs_bash (GString *out, const CliDocs *docs);
void cli_docs_zsh (GString *out, const CliDocs *docs);
void cli_docs_fish (GString *out, const CliDocs *docs);
