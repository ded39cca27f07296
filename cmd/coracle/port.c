#include <string.h>

#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"

static const CliOption options[] = {
  SELECT_OPTION_ALL ("Of all containers that run"),
  SELECT_OPTION_LATEST,
  CLI_END
};

/* check_port: PORT[/PROTOCOL], as the second word. */
static gboolean
check_port (const char *word, GError **error)
{
  g_autofree char *number = g_strndup (word, strcspn (word, "/"));
  guint64 port;
  if (number[0] == '\0' || number[strspn (number, "0123456789")] != '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "strconv.ParseUint: parsing \"%s\": invalid syntax", number);
  return g_ascii_string_to_unsigned (number, 10, 0, 65535, &port, NULL)
         || coracle_throw (error, CORACLE_ERROR_INVALID, "strconv.ParseUint: parsing \"%s\": value out of range", number);
}

static gboolean
check_words (const CliArgs *args, GError **error)
{
  gboolean all = cli_args_bool (args, "all"), latest = cli_args_bool (args, "latest");
  unsigned n = cli_args_count (args);
  if (all && latest)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--all and --latest cannot be used together");
  if (all && n > 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "no arguments are needed with --all");
  if (!all && !latest && n == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "you must supply a running container name or id");
  const char *port = cli_args_arg (args, latest ? 0 : 1);
  return port == NULL || port[0] == '\0' || check_port (port, error);
}

/* port_run: no container of this version has published ports, so there is nothing to print of any. */
static int
port_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  if (!check_words (args, error) || !session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  if (cli_args_bool (args, "all"))
    return 0;
  g_autoptr (ContainerView) view = cli_args_bool (args, "latest") ? container_find_latest (session.storage, error) : container_find (session.storage, cli_args_arg (args, 0), error);
  return view != NULL ? 0 : CLI_FAILED;
}

const CliCommand cmd_port = {
  .names = "port, container port",
  .usage = "[CONTAINER [PORT[/PROTOCOL]]]",
  .summary = "List the published ports of a container",
  .description = "List where the ports of a container are published on the host: all, or one of them.",
  .examples = "port web\nport web 80\nport --all\n",
  .options = { options },
  .max_args = 2,
  .complete = CLI_COMPLETE_CONTAINER,
  .run = port_run,
};
