#include <stdio.h>
#include <unistd.h>

#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "cmd/coracle/health_options.h"
#include "cmd/coracle/limit_options.h"
#include "pkg/engine/container_health.h"
#include "pkg/engine/container_update.h"
#include "pkg/spec/env.h"
#include "pkg/spec/ulimit.h"

/* append: @word to a list that may be NULL. */
static void
append (char ***list, const char *word)
{
  guint n = *list != NULL ? g_strv_length (*list) : 0;
  *list = g_renew (char *, *list, n + 2);
  (*list)[n] = g_strdup (word);
  (*list)[n + 1] = NULL;
}

static const CliOption options[] = {
  SELECT_OPTION_LATEST,
  { "env", 'e', CLI_LIST, .help = "Set an environment variable (NAME[=VALUE])",
    .man = "Set an environment variable to a value, or with NAME alone to the caller's. The container's own command gets it when it is started again, exec at once." },
  { "restart", 0, CLI_STRING, .help = "What follows the container's end: no, on-failure[:N], always, unless-stopped", .values = CLI_VALUES ("no", "on-failure", "always", "unless-stopped") },
  { "ulimit", 0, CLI_CSV, .help = "Resource limit from the next start on (NAME=SOFT[:HARD])" },
  { "unsetenv", 0, CLI_LIST, .help = "Take an environment variable away", .man = "Take an environment variable away. The container's own command is without it when it is started again, exec at once." },
  CLI_END
};

/* change_words: environment and ulimits, which count when the command is started. */
static gboolean
change_words (ContainerOptions *words, const CliArgs *args, GError **error)
{
  const char *const *ulimits = cli_args_list (args, "ulimit");
  g_autoptr (GArray) parsed = spec_ulimits_parse (ulimits, error);
  if (parsed == NULL)
    return FALSE;
  for (; *ulimits != NULL; ulimits++)
    append (&words->ulimit, *ulimits);
  for (const char *const *text = cli_args_list (args, "env"); *text != NULL; text++)
    if (!spec_env_add (&words->env, *text, (const char *const *) environ, error))
      return FALSE;
  for (const char *const *name = cli_args_list (args, "unsetenv"); *name != NULL; name++)
    {
      spec_env_unset (&words->env, *name);
      if (words->unsetenv == NULL || !g_strv_contains ((const char *const *) words->unsetenv, *name))
        append (&words->unsetenv, *name);
    }
  return TRUE;
}

static gboolean
change (ContainerOptions *words, const void *data, GError **error)
{
  const CliArgs *args = data;
  if (cli_args_is_set (args, "restart"))
    {
      g_free (words->restart);
      words->restart = g_strdup (cli_args_string (args, "restart"));
    }
  return change_words (words, args, error) && limit_options_read (words, args, error);
}

/* asks_health: is there a word of health? */
static gboolean
asks_health (const CliArgs *args)
{
  for (const CliOption *option = health_options; option->name != NULL; option++)
    if (cli_args_is_set (args, option->name))
      return TRUE;
  return FALSE;
}

static gboolean
update_health (Storage *storage, const char *id, const CliArgs *args, GError **error)
{
  if (!asks_health (args))
    return TRUE;
  g_autoptr (ContainerOptions) words = container_options_new ();
  return health_options_read (words, args, error) && container_health_update (storage, id, words, error);
}

static int
update_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest request = { .none = "update must be called with a container or --latest" };
  g_auto (Session) session = { 0 };
  const char *const *rest;
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  g_autoptr (ContainerView) view = select_first (session.storage, context, args, &request, &rest, error);
  g_autofree char *id = NULL;
  if (view == NULL || !update_health (session.storage, view->row->id, args, error) || !container_update (session.storage, view->row->id, change, args, &id, error))
    return CLI_FAILED;
  printf ("%s\n", id);
  return 0;
}

const CliCommand cmd_update = {
  .names = "update, container update",
  .usage = "CONTAINER",
  .summary = "Change the limits, the restart policy and the health check of a container",
  .description = "Change what a container may use, what follows its end and how its health is checked. One that runs gets the new words at once, one that does not when it is started. A first "
                 "health check begins with the next start.",
  .examples = "update --memory 512m --cpus 2 web\n",
  .options = { options, health_options, limit_options },
  .max_args = 1,
  .complete = CLI_COMPLETE_CONTAINER,
  .run = update_run,
};
