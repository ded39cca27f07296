#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_list.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

#define COMMAND_SHOWN 17

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "Also those that do not run" },
  { "external", 0, CLI_BOOL, .help = "Show containers of other tools too, of which this store has none" },
  { "filter", 'f', CLI_LIST, .help = "List only what fits (KEY=VALUE)",
    .man = "Show only containers that fit: *id*=ID (its beginning, or a regular expression), *name*=REGEX, *label*=KEY[=VALUE], *label!*=KEY[=VALUE], *status*=STATE, "
           "*exited*=CODE, *ancestor*=IMAGE, *before*=CONTAINER, *since*=CONTAINER, *until*=TIME, *volume*=NAME|PATH, *network*=NAME, *command*=REGEX, *restart-policy*=POLICY, "
           "*should-start-on-boot*=true|false, *health*=STATE, *pod*=NAME. Every key must fit; of several values of one key one is enough, except for labels, which must "
           "all fit. A *status* filter looks at all containers." },
  { "format", 0, CLI_STRING, .help = "How to print: json, a Go template, or table with one",
    .man = "Prints \"json\", or what a Go template makes of each container, with the fields ID, Image, ImageID, Command, Created, CreatedAt, CreatedHuman, RunningFor, "
           "Status, State, Names, Labels, Mounts, Networks, Ports, ExposedPorts, Pid, Size, Exited, ExitedAt, ExitCode, StartedAt, AutoRemove, CIDFile, Pod, PodName, "
           "IsInfra, Restarts, Namespaces, and with --ns CGROUPNS, IPC, MNT, NET, PIDNS, USERNS, UTS; .Label \"KEY\" gives one label. Beginning with \"table \" it becomes "
           "a table with headings." },
  { "last", 'n', CLI_INT, .help = "Only the last so many made, whether they run or not", .value = "-1" },
  { "latest", 'l', CLI_BOOL, .help = "Only the last one made, whether it runs or not" },
  { "no-trunc", 0, CLI_BOOL, .help = "Print IDs and commands in full" },
  { "noheading", 0, CLI_BOOL, .help = "Leave out the line of headings" },
  { "ns", 0, CLI_BOOL, .help = "Print the namespaces of each", .alias = "namespace" },
  { "pod", 'p', CLI_BOOL, .help = "Print the pod of each: its ID and name" },
  { "quiet", 'q', CLI_BOOL, .help = "Print the IDs alone" },
  { "size", 's', CLI_BOOL, .help = "Print how much each has written (slow)" },
  { "sort", 0, CLI_CHOICE, .help = "Sort output by: command, created, id, image, names, runningfor, size, status", .value = "created",
    .values = CLI_VALUES ("command", "created", "id", "image", "names", "runningfor", "size", "status") },
  { "sync", 0, CLI_BOOL, .help = "Record first what has become of containers whose monitor died" },
  { "watch", 'w', CLI_UINT, .help = "Print again every so many seconds" },
  CLI_END
};

/* What is asked for. */
typedef struct {
  const char *format;     /* NULL: the usual table */
  gboolean whole, quiet, sizes, namespaces, pods, heading;
  gint64 interval;
  ContainerListRequest request;
} Ps;

static void
set_text (json_t *fields, const char *name, const char *value)
{
  json_object_set_new (fields, name, json_string (value));
}

static char *
size_text (const ContainerRow *row)
{
  if (row->size_rw < 0)
    return g_strdup ("");
  g_autofree char *rw = text_size ((guint64) row->size_rw, 3), *root = text_size ((guint64) row->size_root, 3);
  return g_strdup_printf ("%s (virtual %s)", rw, root);
}

/* set_rest: what only a template can ask for. */
static void
set_rest (json_t *fields, const ContainerRow *row, gboolean whole)
{
  const StateContainer *container = row->view->row;
  struct timespec when = text_time_from_usec (container->created);
  g_autofree char *created = text_time_rfc3339 (when, TRUE), *created_go = text_time_go (when, TRUE);
  set_text (fields, "Created", created);
  set_text (fields, "CreatedAt", created_go);
  g_autoptr (GString) networks = g_string_new (NULL);
  size_t n;
  json_t *network;
  json_array_foreach (json_object_get (fields, "Networks"), n, network)
    g_string_append_printf (networks, "%s%s", n > 0 ? "," : "", json_string_value (network));
  set_text (fields, "Networks", networks->str);
  json_t *image_id = json_object_get (fields, "ImageID");
  if (!whole && json_string_length (image_id) > 12)
    json_object_set_new (fields, "ImageID", json_stringn (json_string_value (image_id), 12));
  static const char *const maps[] = { "Labels", "ExposedPorts" };
  for (size_t i = 0; i < G_N_ELEMENTS (maps); i++)
    if (json_is_null (json_object_get (fields, maps[i])))
      json_object_set_new (fields, maps[i], json_object ());
}

static void
set_namespaces (json_t *fields)
{
  static const struct { const char *name, *key; } spaces[] = { { "CGROUPNS", "Cgroup" }, { "IPC", "Ipc" }, { "MNT", "Mnt" }, { "NET", "Net" },
                                                               { "PIDNS", "Pidns" }, { "USERNS", "User" }, { "UTS", "Uts" } };
  json_t *found = json_object_get (fields, "Namespaces");
  for (size_t i = 0; i < G_N_ELEMENTS (spaces); i++)
    {
      const char *inode = json_string_value (json_object_get (found, spaces[i].key));
      set_text (fields, spaces[i].name, inode != NULL ? inode : "");
    }
}

/* shown_command: free with g_free. */
static char *
shown_command (const StateContainer *container, gboolean whole)
{
  g_autofree char *command = container_command_text (container);
  return whole || strlen (command) <= COMMAND_SHOWN ? g_steal_pointer (&command) : text_truncate (command, COMMAND_SHOWN + 3, "...");
}

/* row_fields: what a Go template may name; see podman-ps(1). */
static json_t *
row_fields (const ContainerRow *row, const Ps *ps, gint64 now)
{
  const StateContainer *container = row->view->row;
  json_t *fields = ps->format != NULL || ps->namespaces ? container_row_json (row, ps->namespaces, now) : json_object ();
  g_autofree char *id = g_strndup (container->id, ps->whole ? strlen (container->id) : 12), *shown = shown_command (container, ps->whole),
                  *ago = text_ago (container->created, now), *status = container_status_text (row->view, now), *ports = container_ports_text (container),
                  *size = size_text (row);
  const struct { const char *name, *value; } texts[] = {
    { "ID", id },            { "Image", container->image_name }, { "Command", shown }, { "CreatedHuman", ago }, { "RunningFor", ago },
    { "Status", status },    { "Ports", ports },                 { "Names", container->name }, { "Size", size },      { "Pod", "" },         { "PodName", "" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    set_text (fields, texts[i].name, texts[i].value);
  if (ps->format != NULL)
    set_rest (fields, row, ps->whole);
  if (ps->format != NULL || ps->namespaces)
    set_namespaces (fields);
  return fields;
}

#define NAMESPACE_FORMAT "table {{.ID}}\\t{{.Names}}\\t{{.Pid}}\\t{{.CGROUPNS}}\\t{{.IPC}}\\t{{.MNT}}\\t{{.NET}}\\t{{.PIDNS}}\\t{{.USERNS}}\\t{{.UTS}}"

/* render_usual: the table that everybody looks at, without the detour over a template and an object for each row: half of the time that hundreds of rows take. */
static void
render_usual (GPtrArray *rows, const Ps *ps, GString *out)
{
  gint64 now = g_get_real_time ();
  const char *pods = ps->pods ? "\tPOD ID\tPODNAME" : "", *sizes = ps->sizes ? "\tSIZE" : "";
  g_autoptr (GString) text = g_string_new (NULL);
  if (ps->heading)
    g_string_append_printf (text, "CONTAINER ID\tIMAGE\tCOMMAND\tCREATED\tSTATUS\tPORTS\tNAMES%s%s\n", pods, sizes);
  for (guint i = 0; i < rows->len; i++)
    {
      const ContainerRow *row = rows->pdata[i];
      const StateContainer *container = row->view->row;
      g_autofree char *command = shown_command (container, ps->whole), *ago = text_ago (container->created, now), *status = container_status_text (row->view, now),
                      *ports = container_ports_text (container), *size = ps->sizes ? size_text (row) : NULL;
      g_string_append_printf (text, "%.*s\t%s\t%s\t%s\t%s\t%s\t%s%s", ps->whole ? 64 : 12, container->id, container->image_name, command, ago, status, ports, container->name,
                              ps->pods ? "\t\t" : "");
      if (size != NULL)
        g_string_append_printf (text, "\t%s", size);
      g_string_append_c (text, '\n');
    }
  text_columns (text->str, 12, 2, out);
}

static gboolean
render (GPtrArray *rows, const Ps *ps, GString *out, GError **error)
{
  static const TemplateHeader headers[] = { { "ID", "CONTAINER ID" }, { "Id", "CONTAINER ID" }, { "CreatedHuman", "CREATED" }, { "ImageID", "IMAGE ID" },
                                            { "IsInfra", "IS INFRA" }, { "PIDNS", "PIDNS" }, { "CGROUPNS", "CGROUPNS" }, { "USERNS", "USERNS" },
                                            { "CIDFile", "CIDFILE" }, { "PodName", "PODNAME" }, { "Pod", "POD ID" }, { NULL } };
  gint64 now = g_get_real_time ();
  gboolean json = ps->format != NULL && template_is_json (ps->format);
  json_auto_t *array = json_array ();
  for (guint i = 0; i < rows->len; i++)
    json_array_append_new (array, json ? container_row_json (rows->pdata[i], ps->namespaces, now) : row_fields (rows->pdata[i], ps, now));
  if (json)
    {
      template_write_json (ps->format, array, 2, out); /* Podman indents this list by 2, others by 4 */
      return TRUE;
    }
  return template_render_list (ps->format != NULL ? ps->format : NAMESPACE_FORMAT, array, headers, ps->heading ? TEMPLATE_DEFAULT : TEMPLATE_NO_HEADING, out, error);
}

static void
render_ids (GPtrArray *rows, const Ps *ps, GString *out)
{
  for (guint i = 0; i < rows->len; i++)
    g_string_append_printf (out, "%.*s\n", ps->whole ? 64 : 12, ((const ContainerRow *) rows->pdata[i])->view->row->id);
}

static gboolean
list_once (Session *session, const Ps *ps, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  if (!container_rows (session->storage, &ps->request, &rows, error))
    return FALSE;
  g_autoptr (GString) out = g_string_new (NULL);
  if (ps->quiet && ps->format == NULL)
    render_ids (rows, ps, out);
  else if (ps->format == NULL && !ps->namespaces)
    render_usual (rows, ps, out);
  else if (!render (rows, ps, out, error))
    return FALSE;
  fputs (out->str, stdout);
  return TRUE;
}

static gboolean
read_words (const CliArgs *args, Ps *ps, GError **error)
{
  gboolean size = cli_args_bool (args, "size"), latest = cli_args_bool (args, "latest");
  gint64 last = cli_args_int (args, "last");
  *ps = (Ps){ .format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL, .whole = cli_args_bool (args, "no-trunc"),
              .quiet = cli_args_bool (args, "quiet"), .sizes = size, .namespaces = cli_args_bool (args, "ns"), .pods = cli_args_bool (args, "pod"), .heading = !cli_args_bool (args, "noheading"),
              .interval = cli_args_int (args, "watch"),
              .request = { .all = cli_args_bool (args, "all"), .last = latest ? 1 : MAX (last, 0), .filters = cli_args_list (args, "filter"), .sort = cli_args_string (args, "sort") } };
  if (ps->quiet && (size || ps->namespaces))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "quiet conflicts with size and namespace");
  if (size && ps->namespaces)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "size and namespace options conflict");
  if (latest && last >= 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "last and latest are mutually exclusive");
  /* measuring costs entering the user namespace: only where sizes are wanted */
  ps->request.size = size || strcmp (ps->request.sort, "size") == 0 || (ps->format != NULL && strstr (ps->format, ".Size") != NULL);
  ps->request.usual = ps->format == NULL && !ps->namespaces && !ps->request.size;
  ps->request.brief = ps->quiet && ps->request.usual && strcmp (ps->request.sort, "command") != 0;
  ps->request.usual = ps->request.usual && !ps->request.brief;
  return ps->format == NULL || template_check (ps->format, error);
}

static int
ps_run (const CliContext *context, const CliArgs *args, GError **error)
{
  Ps ps;
  g_auto (Session) session = { 0 };
  if (!read_words (args, &ps, error) || !session_open (&session, context, ps.request.size || cli_args_bool (args, "sync"), error))
    return CLI_FAILED;
  for (;;)
    {
      if (ps.interval > 0 && isatty (STDOUT_FILENO))
        fputs ("\033[H\033[2J", stdout);
      if (!list_once (&session, &ps, error))
        return CLI_FAILED;
      if (ps.interval == 0)
        return 0;
      if (fflush (stdout) != 0)
        return 125;
      g_usleep ((gulong) ps.interval * G_USEC_PER_SEC);
    }
}

const CliCommand cmd_ps = {
  .names = "ps, container list|ls|ps",
  .summary = "List the containers that run, or all",
  .description = "Lists containers: the running ones, or with --all every one, with image, command, age, status, ports and names.",
  .examples = "ps -a\nps --filter status=exited --format '{{.Names}} {{.ExitCode}}'\nps -q --filter label=app=web\n",
  .options = { options },
  .run = ps_run,
};
