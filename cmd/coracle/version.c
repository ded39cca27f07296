#include "cmd/coracle/commands.h"

#include "pkg/engine/info.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

#include <stdio.h>

static const CliOption options[] = {
  { "format", 'f', CLI_STRING, .help = "Print as JSON or by a Go template",
    .man = "Prints \"json\", or what a Go template makes of the fields Client.Version, Client.APIVersion, Client.GitCommit, Client.Built, Client.BuiltTime, "
           "Client.OsArch and Client.Os. Server stands for Client: there is no other." },
  CLI_END
};

static void
print_lines (json_t *client)
{
  static const struct { const char *label, *key; } lines[] = {
    { "Version:", "Version" },
    { "API Version:", "APIVersion" },
    { "Built:", "BuiltTime" },
    { "OS/Arch:", "OsArch" },
  };
  printf ("%-14s Coracle\n", "Client:");
  for (unsigned i = 0; i < G_N_ELEMENTS (lines); i++)
    printf ("%-14s %s\n", lines[i].label, json_string_value (json_object_get (client, lines[i].key)));
}

static int
version_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_string (args, "format");
  json_auto_t *client = engine_version ();
  if (format == NULL)
    {
      print_lines (client);
      return 0;
    }
  json_auto_t *version = json_pack ("{s:O}", "Client", client);
  g_autoptr (GString) out = g_string_new (NULL);
  if (template_is_json (format))
    json_write (out, version, 0, JSON_TEXT_DEFAULT);
  else
    {
      /* scripts ask for .Server.Version and .Version too */
      json_object_set (version, "Server", client);
      json_object_update (version, client);
      if (!template_render (format, version, out, error))
        return CLI_FAILED;
    }
  puts (out->str);
  return 0;
}

const CliCommand cmd_version = {
  .names = "version",
  .summary = "Show the version",
  .description = "Shows the version of the program and of the interface that it speaks.",
  .examples = "version\nversion --format '{{.Client.Version}}'\n",
  .options = { options },
  .run = version_run,
};
