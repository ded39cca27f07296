#include "pkg/engine/info.h"

#include <stdio.h>
#include <unistd.h>

#include "cmd/common/session.h"
#include "pkg/json/json.h"
#include "pkg/json/yaml.h"
#include "pkg/template/template.h"

static const CliOption options[] = {
  { "format", 'f', CLI_STRING, .help = "How to print: json or a Go template",
    .man = "Prints \"json\", or what a Go template makes of the fields Host, Store, Registries, Plugins and Version and all that is below them; see them with "
           "--format json." },
  CLI_END
};

/* enter: the user namespace, to tell its ids and to try an overlay in it. That it cannot be had is something to tell, not to fail by. */
static void
enter (Session *session)
{
  g_autoptr (GError) problem = NULL;
  IdmapPending *pending = NULL;
  if (session->map != NULL || (idmap_begin (session->paths->run_root, FALSE, &pending, &problem) && idmap_enter (pending, &session->map, &problem)))
    return;
  fprintf (stderr, "Notice: no user namespace: %s\n", problem->message);
}

static int
info_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL;
  if (format != NULL && !template_check (format, error))
    return CLI_FAILED;
  gboolean rootless = getuid () != 0;
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  enter (&session);
  const InfoRequest request = { .storage = session.storage, .map = session.map, .cgroup_manager = context->cgroup_manager, .runtime = context->runtime, .rootless = rootless };
  json_auto_t *info = engine_info (&request, error);
  if (info == NULL)
    return CLI_FAILED;
  g_autoptr (GString) out = g_string_new (NULL);
  if (format == NULL)
    yaml_write (out, info);
  else if (template_is_json (format))
    {
      template_write_json (format, info, 2, out);
      g_string_truncate (out, out->len - 1);
    }
  else
    {
      engine_info_add_go_names (info);
      if (!template_render (format, info, out, error))
        return CLI_FAILED;
    }
  puts (out->str);
  return 0;
}

const CliCommand cmd_info = {
  .names = "info, system info",
  .summary = "Display information about the machine, the store and this program",
  .description = "Shows what this machine offers to containers, where images and containers are kept, and how many there are.",
  .examples = "info\ninfo --format '{{.Store.GraphRoot}}'\n",
  .options = { options },
  .run = info_run,
};
