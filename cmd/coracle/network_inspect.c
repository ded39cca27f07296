#include <stdio.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/network.h"
#include "pkg/template/template.h"

static const CliOption options[] = {
  { "format", 'f', CLI_STRING, .help = "How to print: json or a Go template" },
  CLI_END
};

static gboolean
print_objects (json_t *array, const char *format, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean done = TRUE;
  if (format == NULL || template_is_json (format))
    template_write_json (format != NULL ? format : "json", array, 5, out);
  else
    for (size_t i = 0; done && i < json_array_size (array); i++)
      {
        json_t *object = json_array_get (array, i);
        network_inspect_fill (object);
        done = template_render (format, object, out, error);
        g_string_append_c (out, '\n');
      }
  if (done)
    fputs (out->str, stdout);
  (void) fflush (stdout);   /* what is not found is told of after it */
  return done;
}

static int
network_inspect_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL;
  g_auto (Session) session = { 0 };
  if ((format != NULL && !template_check (format, error)) || !session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  json_auto_t *array = json_array ();
  g_autoptr (GPtrArray) failures = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  for (const char *const *name = cli_args_argv (args); *name != NULL; name++)
    {
      GError *problem = NULL;
      g_autoptr (NetConfig) config = network_find (session.storage, *name, &problem);
      json_t *object = config != NULL ? network_inspect (session.storage, config, &problem) : NULL;
      if (object != NULL)
        json_array_append_new (array, object);
      else
        {
          coracle_prefix (&problem, "network %s", *name);
          g_ptr_array_add (failures, problem);
        }
    }
  if (!print_objects (array, format, error))
    return CLI_FAILED;
  for (guint i = 1; i < failures->len; i++)
    fprintf (stderr, "%s\n", ((const GError *) failures->pdata[i])->message);
  if (failures->len == 0)
    return 0;
  dispatch_print_error (failures->pdata[0]);
  return cli_exit_status (failures->pdata[0]);
}

const CliCommand cmd_network_inspect = {
  .names = "network inspect",
  .usage = "NETWORK [NETWORK...]",
  .summary = "Show how networks are described, and who is on them",
  .description = "Show each network as JSON, with the containers that run on it, or as a Go template makes it.",
  .examples = "network inspect podman\nnetwork inspect -f '{{range .Subnets}}{{.Subnet}}{{end}}' podman\n",
  .options = { options },
  .min_args = 1,
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_NETWORK,
  .complete_rest = CLI_COMPLETE_NETWORK,
  .run = network_inspect_run,
};
