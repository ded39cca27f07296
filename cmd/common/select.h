/* select: which containers a command is about: names, --all, --latest, --filter, --cidfile; the same for every command that takes several.
 *
 *   static const CliOption options[] = { SELECT_OPTION_ALL ("All containers that run"), SELECT_OPTION_LATEST, SELECT_OPTION_FILTER ('f'), SELECT_OPTION_CIDFILE, … CLI_END };
 *   static const SelectRequest request = { .suits = is_running };
 *   …
 *   g_autoptr (GPtrArray) chosen = NULL;
 *   if (!select_check (context, args, &request, error) || !session_open (…) || !select_containers (session.storage, context, args, &request, &chosen, error))
 *     return CLI_FAILED;
 *   return select_each (chosen, act, data);
 *
 * As with Podman a name that does not exist ends the command before anything was done to any of them.
 * Source: podman-stop(1), podman-rm(1), podman-kill(1); the texts are those that Podman 5.8 prints. */
#pragma once

#include "pkg/cli/cli.h"
#include "pkg/engine/container.h"

#define SELECT_OPTION_ALL(text) { "all", 'a', CLI_BOOL, .help = text }
#define SELECT_OPTION_LATEST { "latest", 'l', CLI_BOOL, .help = "The container made last, instead of a name" }
#define SELECT_OPTION_CIDFILE { "cidfile", 0, CLI_LIST, .help = "The container whose ID is in this file", .complete = CLI_COMPLETE_FILE }
#define SELECT_OPTION_IGNORE { "ignore", 'i', CLI_BOOL, .help = "Do not mind containers, and files of --cidfile, that do not exist" }
/* @letter: 'f', or 0 where that is another option's */
#define SELECT_OPTION_FILTER(letter)                                        \
  {                                                                                                                                                                                  \
    "filter", letter, CLI_LIST, .help = "The containers that fit (KEY=VALUE)",                                                                                                       \
                                .man = "Choose the containers that fit, as **ps --filter** does. Of several values of one key one is enough, except for labels, which must all fit." \
  }

typedef enum {
  SELECT_DEFAULT = 0,
  SELECT_IGNORE = 1 << 0,         /* what does not exist is left out */
  SELECT_KEEP_MISSING = 1 << 1,   /* with SELECT_IGNORE: it stays in its place, as a Selected without id */
  SELECT_FILTER_NAMES = 1 << 3,   /* --filter goes with names: those of them that fit (start) */
  SELECT_ID_OR_NAME = 1 << 2,     /* the text for a missing one says "ID or name" (rm), not "name or ID" */
} SelectFlags;

typedef struct {
  SelectFlags flags;
  const char *none;                               /* the text when no container is asked for; NULL = "you must provide at least one name or id" */
  gboolean (*suits) (Storage *storage, const ContainerView *view);  /* which of all --all means; NULL = every one */
} SelectRequest;

typedef struct {
  char *given;   /* what the user wrote; the id where they wrote no name: what is printed */
  char *id;      /* in full; NULL: there is none (SELECT_KEEP_MISSING) */
} Selected;

/* select_check: do the words go together? To be asked before the store is opened. The command's table tells which of the options it has. Errors: INVALID. */
gboolean select_check (const CliContext *context, const CliArgs *args, const SelectRequest *request, GError **error);

/* select_containers: those that the words mean, in the order given, else oldest first. @ret_selected: of Selected; free with g_ptr_array_unref.
 * Errors: NOT_FOUND a name or a file of --cidfile that does not exist, --latest without any container; INVALID a filter. */
gboolean select_containers (Storage *storage, const CliContext *context, const CliArgs *args, const SelectRequest *request, GPtrArray **ret_selected, GError **error);

/* select_each: @act on each, by its id; what went well is printed as given, what fails is told of, and the rest goes on. Returns the exit status: 0, or that of the last failure. */
int select_each (const GPtrArray *chosen, gboolean (*act) (const char *id, void *data, GError **error), void *data);

/* A list of Selected of one's own: select_list_add leaves out an id that is there already. */
GPtrArray *select_list_new (void);
void select_list_add (GPtrArray *list, const char *given, const char *id);

/* select_all: every one that @suits, where a word of the command's own asks for them (restart --running). */
gboolean select_all (Storage *storage, gboolean (*suits) (Storage *storage, const ContainerView *view), GPtrArray **ret_selected, GError **error);

/* select_none: neither names nor an option that stands for them were given (start, logs and others have their own text for it). */
gboolean select_none (const CliContext *context, const CliArgs *args);

/* select_first: the one container that a command is about whose further words are not names (exec, top): --latest, --cidfile's, else the first argument. @request: flags and none.
 * @ret_rest: the arguments behind it; borrowed. Errors: as select_check and select_containers. */
ContainerView *select_first (Storage *storage, const CliContext *context, const CliArgs *args, const SelectRequest *request, const char *const **ret_rest, GError **error);
