#include <stdio.h>

#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/volume.h"
#include "pkg/template/template.h"

static const CliOption options[] = {
  { "filter", 'f', CLI_LIST, .help = "Only those that fit (KEY=VALUE)",
    .man = "Show only volumes that fit: *name*=REGEX, *label*=KEY[=VALUE], *label!*=KEY[=VALUE], *dangling*=true|false, *driver*=DRIVER, *scope*=SCOPE, *opt*=NAME[=VALUE], *until*=TIME, *since*=VOLUME (or *after*). Every "
           "key must fit; of several values of one key one is enough, but labels must all." },
  { "format", 0, CLI_STRING, .help = "How to print: json, a Go template, or table with one",
    .man = "json, or a Go template. Fields: Name, Driver, Mountpoint, CreatedAt, Labels, Scope, Options, UID, GID, Anonymous, MountCount, NeedsCopyUp, NeedsChown, Status. Beginning with \"table \" it becomes columns under "
           "headings." },
  { "noheading", 'n', CLI_BOOL, .help = "Leave out the line of headings" },
  { "quiet", 'q', CLI_BOOL, .help = "Print the names alone" },
  CLI_END
};

static gboolean
print_rows (Storage *storage, const GPtrArray *volumes, const CliArgs *args, const char *format, GError **error)
{
  static const TemplateHeader headers[] = { { "Name", "VOLUME NAME" }, { NULL } };
  gboolean json = format != NULL && template_is_json (format), done = TRUE;
  json_auto_t *array = json_array ();
  g_autoptr (GString) out = g_string_new (NULL);
  for (guint i = 0; i < volumes->len; i++)
    json_array_append_new (array, volume_json (storage, volumes->pdata[i], !json));
  if (json)
    template_write_json (format, array, 2, out);
  else
    done = template_render_list (format != NULL ? format : "table {{.Driver}}\\t{{.Name}}", array, headers, cli_args_bool (args, "noheading") ? TEMPLATE_NO_HEADING : TEMPLATE_DEFAULT, out, error);
  if (done)
    fputs (out->str, stdout);
  return done;
}

static int
volume_ls_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL;
  if (format != NULL && cli_args_bool (args, "quiet"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "quiet and format flags cannot be used together"), CLI_FAILED;
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) volumes = NULL;
  if ((format != NULL && !template_check (format, error)) || !session_open (&session, context, FALSE, error)
      || !volume_list (session.storage, cli_args_list (args, "filter"), &volumes, error))
    return CLI_FAILED;
  if (!cli_args_bool (args, "quiet"))
    return print_rows (session.storage, volumes, args, format, error) ? 0 : CLI_FAILED;
  for (guint i = 0; i < volumes->len; i++)
    puts (((const Volume *) volumes->pdata[i])->name);
  return 0;
}

const CliCommand cmd_volume_ls = {
  .names = "volume ls|list",
  .summary = "List volumes",
  .description = "List the volumes of the store.",
  .examples = "volume ls\nvolume ls -q --filter dangling=true\n",
  .options = { options },
  .run = volume_ls_run,
};
