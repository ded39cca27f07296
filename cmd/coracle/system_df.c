#include <stdio.h>
#include <string.h>

#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_list.h"
#include "pkg/engine/disk_usage.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

static const CliOption options[] = {
  { "format", 0, CLI_STRING, .help = "How to print: json, a Go template, or table with one",
    .man = "Prints \"json\", or what a Go template makes of each line, with the fields Type, Total, Active, Size, Reclaimable, RawSize, RawReclaimable. Beginning with \"table \" it becomes a table with "
           "headings." },
  { "verbose", 'v', CLI_BOOL, .help = "Show each image, container and volume" },
  CLI_END
};

/* ---- the sums */

static json_t *
sum_json (const char *type, const DiskSum *sum, gboolean count)
{
  int percent = sum->size > 0 ? (int) ((double) sum->reclaimable / (double) sum->size * 100) : 0;
  g_autofree char *size = text_size ((guint64) sum->size, 4), *freed = text_size ((guint64) sum->reclaimable, 4), *reclaimable = g_strdup_printf ("%s (%d%%)", freed, percent);
  json_t *object = json_pack ("{s:s, s:I, s:I, s:I, s:I}", "Type", type, "Total", (json_int_t) sum->total, "Active", (json_int_t) sum->active, "RawSize", (json_int_t) sum->size,
                              "RawReclaimable", (json_int_t) sum->reclaimable);
  if (count)
    json_object_set_new (object, "TotalCount", json_integer (sum->total));
  json_object_set_new (object, "Size", json_string (size));
  json_object_set_new (object, "Reclaimable", json_string (reclaimable));
  return object;
}

/* print_json: a line each, as Podman does here; @list: in a list. */
static void
print_json (const json_t *array, gboolean list)
{
  size_t i;
  json_t *item;
  if (list)
    fputs ("[\n", stdout);
  json_array_foreach (array, i, item)
    {
      g_autofree char *text = json_to_text (item, 0, JSON_TEXT_DEFAULT);
      printf ("%s%s%s\n", list ? "    " : "", text, list && i + 1 < json_array_size (array) ? "," : "");
    }
  if (list)
    fputs ("]\n", stdout);
}

static gboolean
print_sums (const DiskUsage *usage, const char *format, GError **error)
{
  static const TemplateHeader headers[] = { { NULL } };
  gboolean json = format != NULL && template_is_json (format);
  const struct { const char *type; const DiskSum *sum; } rows[] = { { "Images", &usage->images }, { "Containers", &usage->containers }, { "Local Volumes", &usage->volumes } };
  json_auto_t *array = json_array ();
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    json_array_append_new (array, sum_json (rows[i].type, rows[i].sum, json));
  if (json)
    {
      print_json (array, strcmp (format, "json") == 0);
      return TRUE;
    }
  g_autoptr (GString) out = g_string_new (NULL);
  if (!template_render_list (format != NULL ? format : "table {{.Type}}\\t{{.Total}}\\t{{.Active}}\\t{{.Size}}\\t{{.Reclaimable}}", array, headers, TEMPLATE_DEFAULT, out, error))
    return FALSE;
  fputs (out->str, stdout);
  return TRUE;
}

/* ---- each */

/* age: how long ago, as Podman tells it here: without "ago". */
static char *
age (gint64 then)
{
  return text_duration (g_get_real_time () - then);
}

static void
add_image (GString *rows, const DiskImage *image)
{
  g_autofree char *created = age (image->row->image->created * G_USEC_PER_SEC), *size = text_size ((guint64) image->size, 4), *shared = text_size ((guint64) image->shared, 4),
                  *unique = text_size ((guint64) image->unique, 4);
  g_string_append_printf (rows, "%s\t%s\t%.12s\t%s\t%s\t%s\t%s\t%lld\n", image->row->repository, image->row->tag, image->row->image->id, created, size, shared, unique,
                          (long long) image->row->containers);
}

static void
add_container (GString *rows, const DiskContainer *container)
{
  const StateContainer *row = container->view->row;
  g_autofree char *command = container_command_text (row), *size = text_size ((guint64) container->size, 4), *created = age (row->created);
  g_strdelimit (command, "\t\n", ' ');
  g_string_append_printf (rows, "%.12s\t%.12s\t%s\t%lld\t%s\t%s\t%s\t%s\n", row->id, row->image_id != NULL ? row->image_id : "", command, (long long) container->volumes, size, created,
                          container->view->status, row->name);
}

static void
print_table (const char *title, const GString *rows, gboolean last)
{
  g_autoptr (GString) out = g_string_new (NULL);
  text_columns (rows->str, 12, 2, out);
  printf ("%s space usage:\n\n%s%s", title, out->str, last ? "" : "\n");
}

static void
print_each (const DiskUsage *usage)
{
  g_autoptr (GString) images = g_string_new ("REPOSITORY\tTAG\tIMAGE ID\tCREATED\tSIZE\tSHARED SIZE\tUNIQUE SIZE\tCONTAINERS\n"),
                      containers = g_string_new ("CONTAINER ID\tIMAGE\tCOMMAND\tLOCAL VOLUMES\tSIZE\tCREATED\tSTATUS\tNAMES\n"),
                      volumes = g_string_new ("VOLUME NAME\tLINKS\tSIZE\n");
  for (guint i = 0; i < usage->image_rows->len; i++)
    add_image (images, usage->image_rows->pdata[i]);
  for (guint i = 0; i < usage->container_rows->len; i++)
    add_container (containers, usage->container_rows->pdata[i]);
  for (guint i = 0; i < usage->volume_rows->len; i++)
    {
      const DiskVolume *volume = usage->volume_rows->pdata[i];
      g_autofree char *size = text_size ((guint64) volume->size, 4);
      g_string_append_printf (volumes, "%s\t%lld\t%s\n", volume->name, (long long) volume->links, size);
    }
  print_table ("Images", images, FALSE);
  print_table ("Containers", containers, FALSE);
  print_table ("Local Volumes", volumes, TRUE);
}

static int
system_df_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL;
  gboolean verbose = cli_args_bool (args, "verbose");
  if (verbose && format != NULL)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "cannot combine --format and --verbose flags");
      return CLI_FAILED;
    }
  if (format != NULL && !template_check (format, error))
    return CLI_FAILED;
  g_auto (Session) session = { 0 };
  g_autoptr (DiskUsage) usage = NULL;
  if (!session_open (&session, context, TRUE, error) || (usage = disk_usage (session.storage, error)) == NULL)
    return CLI_FAILED;
  if (!verbose)
    return print_sums (usage, format, error) ? 0 : CLI_FAILED;
  print_each (usage);
  return 0;
}

const CliCommand cmd_system_df = {
  .names = "system df",
  .summary = "Show what takes how much of the disk",
  .description = "Shows how many images, containers and volumes there are, how many are in use, what they take on the disk, and what pruning would give back. What several images share "
                 "counts once.",
  .examples = "system df\nsystem df -v\nsystem df --format '{{.Type}}: {{.Reclaimable}}'\n",
  .options = { options },
  .run = system_df_run,
};
