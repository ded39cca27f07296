#include <stdio.h>

#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/network.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

static const CliOption options[] = {
  { "filter", 'f', CLI_LIST, .help = "Only those that fit (KEY=VALUE)",
    .man = "Show only networks that fit: *name*=REGEX, *id*=ID, *driver*=DRIVER, *label*=KEY[=VALUE], *label!*=KEY[=VALUE], *until*=TIME, *dangling*=true|false. Every key must fit; of several values of one key one is enough, but "
           "labels must all." },
  { "format", 0, CLI_STRING, .help = "How to print: json, a Go template, or table with one",
    .man = "json, or a Go template. Fields: ID, Name, Driver, NetworkInterface, Created, Subnets, Routes, IPv6Enabled, Internal, DNSEnabled, NetworkDNSServers, Labels, Options, IPAMOptions. Beginning with \"table \" it becomes "
           "columns under headings." },
  { "no-trunc", 0, CLI_BOOL, .help = "Print IDs in full" },
  { "noheading", 'n', CLI_BOOL, .help = "Leave out the line of headings" },
  { "quiet", 'q', CLI_BOOL, .help = "Print the names alone" },
  CLI_END
};

/* labels_text: as Podman lists them. */
static json_t *
labels_text (json_t *labels)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *key;
  json_t *value;
  json_object_foreach (labels, key, value)
    g_string_append_printf (text, "%s%s=%s", text->len > 0 ? "," : "", key, json_string_value (value));
  return json_string (text->str);
}

/* row_fields: what a template may name. */
static json_t *
row_fields (const NetConfig *config, gboolean whole)
{
  static const struct { const char *field, *key; } names[] = {
    { "Name", "name" }, { "Driver", "driver" }, { "NetworkInterface", "network_interface" }, { "Created", "created" }, { "Subnets", "subnets" }, { "Routes", "routes" }, { "IPv6Enabled", "ipv6_enabled" },
    { "Internal", "internal" }, { "DNSEnabled", "dns_enabled" }, { "NetworkDNSServers", "network_dns_servers" }, { "Options", "options" }, { "IPAMOptions", "ipam_options" },
  };
  json_auto_t *object = net_config_to_json (config);
  json_t *fields = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      json_t *value = json_object_get (object, names[i].key);
      gboolean list = i == 4 || i == 5 || i == 9;
      json_object_set_new (fields, names[i].field, value != NULL ? json_incref (value) : list ? json_array () : i == 10 ? json_object () : json_string (""));
    }
  g_autofree char *id = whole ? g_strdup (config->id) : g_strndup (config->id, 12);
  json_object_set_new (fields, "ID", json_string (id));
  json_object_set_new (fields, "Labels", labels_text (config->labels));
  return fields;
}

static gboolean
print_rows (const GPtrArray *configs, const CliArgs *args, const char *format, GError **error)
{
  static const TemplateHeader headers[] = { { "ID", "NETWORK ID" }, { NULL } };
  gboolean json = format != NULL && template_is_json (format);
  json_auto_t *array = json_array ();
  for (guint i = 0; i < configs->len; i++)
    json_array_append_new (array, json ? net_config_to_json (configs->pdata[i]) : row_fields (configs->pdata[i], cli_args_bool (args, "no-trunc")));
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean done = TRUE;
  if (json)
    template_write_json (format, array, 2, out);
  else
    done = template_render_list (format != NULL ? format : "table {{.ID}}\\t{{.Name}}\\t{{.Driver}}", array, headers, cli_args_bool (args, "noheading") ? TEMPLATE_NO_HEADING : TEMPLATE_DEFAULT, out, error);
  if (done)
    fputs (out->str, stdout);
  return done;
}

static int
network_ls_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL;
  if (format != NULL && cli_args_bool (args, "quiet"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "quiet and format flags are mutually exclusive"), CLI_FAILED;
  if (format != NULL && !template_check (format, error))
    return CLI_FAILED;
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) configs = NULL;
  if (!session_open (&session, context, FALSE, error) || !network_list (session.storage, cli_args_list (args, "filter"), &configs, error))
    return CLI_FAILED;
  if (!cli_args_bool (args, "quiet"))
    return print_rows (configs, args, format, error) ? 0 : CLI_FAILED;
  for (guint i = 0; i < configs->len; i++)
    puts (((const NetConfig *) configs->pdata[i])->name);
  return 0;
}

const CliCommand cmd_network_ls = {
  .names = "network ls|list",
  .summary = "List networks",
  .description = "List the networks that containers can be put on.",
  .examples = "network ls\nnetwork ls --filter driver=bridge --format '{{.Name}}'\n",
  .options = { options },
  .run = network_ls_run,
};
