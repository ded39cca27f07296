#include <stdio.h>
#include <string.h>

#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/container_ports.h"

static const CliOption options[] = {
  SELECT_OPTION_ALL ("Of all containers that run"),
  SELECT_OPTION_LATEST,
  CLI_END
};

/* PORT[/PROTOCOL] */
typedef struct {
  char *word;     /* as it was given */
  guint64 number;
  char *protocol;
} Wanted;

static void
wanted_clear (Wanted *wanted)
{
  g_free (wanted->word);
  g_free (wanted->protocol);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wanted, wanted_clear)

/* read_port: PORT[/PROTOCOL], as the second word. */
static gboolean
read_port (const char *word, Wanted *wanted, GError **error)
{
  g_autofree char *number = g_strndup (word, strcspn (word, "/"));
  const char *slash = strchr (word, '/');
  if (number[0] == '\0' || number[strspn (number, "0123456789")] != '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "strconv.ParseUint: parsing \"%s\": invalid syntax", number);
  wanted->word = g_strdup (word);
  wanted->protocol = g_strdup (slash != NULL ? slash + 1 : "tcp");
  return g_ascii_string_to_unsigned (number, 10, 0, 65535, &wanted->number, NULL)
         || coracle_throw (error, CORACLE_ERROR_INVALID, "strconv.ParseUint: parsing \"%s\": value out of range", number);
}

static gboolean
check_words (const CliArgs *args, Wanted *wanted, GError **error)
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
  return port == NULL || port[0] == '\0' || read_port (port, wanted, error);
}

/* print_ports: all, or the one that is @wanted. Returns whether there was one. */
static gboolean
print_ports (const StateContainer *row, const Wanted *wanted, gboolean named)
{
  g_autoptr (GPtrArray) ports = container_ports (row);
  gboolean any = FALSE;
  for (guint i = 0; i < ports->len; i++)
    {
      const PortMapping *mapping = ports->pdata[i];
      const char *protocol = port_mapping_protocol (mapping), *host = port_mapping_host (mapping);
      for (guint k = 0; k < mapping->range; k++)
        {
          guint port = mapping->container_port + k;
          if (wanted->word != NULL && (wanted->number != port || strcmp (wanted->protocol, protocol) != 0))
            continue;
          any = TRUE;
          if (named)
            printf ("%.12s\t", row->id);
          if (wanted->word == NULL)
            printf ("%u/%s -> ", port, protocol);
          printf (strchr (host, ':') != NULL ? "[%s]:%u\n" : "%s:%u\n", host, mapping->host_port + k);
        }
    }
  return any;
}

/* print_all: of those that run. */
static gboolean
print_all (Storage *storage, GError **error)
{
  const Wanted every = { 0 };
  g_autoptr (GPtrArray) views = NULL;
  if (!container_list (storage, &views, error))
    return FALSE;
  for (guint i = 0; i < views->len; i++)
    {
      const ContainerView *view = views->pdata[i];
      if (strcmp (view->status, "running") != 0)
        continue;
      state_container_read_config (view->row);
      (void) print_ports (view->row, &every, TRUE);
    }
  return TRUE;
}

static int
port_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  g_auto (Wanted) wanted = { 0 };
  if (!check_words (args, &wanted, error) || !session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  if (cli_args_bool (args, "all"))
    return print_all (session.storage, error) ? 0 : CLI_FAILED;
  g_autoptr (ContainerView) view = cli_args_bool (args, "latest") ? container_find_latest (session.storage, error) : container_find (session.storage, cli_args_arg (args, 0), error);
  if (view == NULL)
    return CLI_FAILED;
  if (strcmp (view->status, "running") != 0)
    return 0;
  state_container_read_config (view->row);
  if (!print_ports (view->row, &wanted, FALSE) && wanted.word != NULL && json_array_size (json_object_get (view->row->config, "ports")) > 0)
    {
      coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "failed to find published port \"%s\"", wanted.word);
      return CLI_FAILED;
    }
  return 0;
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
