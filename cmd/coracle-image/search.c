#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cmd/common/image_commands.h"
#include "cmd/coracle-image/access.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/registry_search.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

#define LIMIT 25          /* where none is asked for */
#define DESCRIPTION 44    /* characters */

int search_run (const CliContext *context, const CliArgs *args, GError **error);

static json_t *
row_json (const ImageSearchRow *row, gboolean whole)
{
  gboolean cut = !whole && g_utf8_strlen (row->description, -1) > DESCRIPTION;
  g_autofree char *start = cut ? g_utf8_substring (row->description, 0, DESCRIPTION) : g_strdup (row->description);
  g_autofree char *shown = g_strconcat (start, cut ? "..." : NULL, NULL);
  return json_pack ("{s:s, s:s, s:s, s:I, s:s, s:s, s:s}", "Index", row->registry, "Name", row->name, "Description", shown, "Stars", (json_int_t) row->stars, "Official",
                    row->official ? "[OK]" : "", "Automated", row->automated ? "[OK]" : "", "Tag", row->tag != NULL ? row->tag : "");
}

/* print_tags_json: one object for each repository. */
static void
print_tags_json (const GPtrArray *rows)
{
  json_auto_t *array = json_array ();
  json_t *last = NULL;
  for (guint i = 0; i < rows->len; i++)
    {
      const ImageSearchRow *row = rows->pdata[i];
      if (last == NULL || strcmp (json_string_value (json_object_get (last, "Name")), row->name) != 0)
        {
          last = json_pack ("{s:s, s:[]}", "Name", row->name, "Tags");
          (void) json_array_append_new (array, last);
        }
      (void) json_array_append_new (json_object_get (last, "Tags"), json_string (row->tag));
    }
  g_autofree char *text = json_to_text (array, 4, JSON_TEXT_DEFAULT);
  puts (text);
}

static gboolean
print_rows (const CliArgs *args, const GPtrArray *rows, const char *format, GError **error)
{
  static const TemplateHeader headers[] = { { NULL } };
  gboolean tags = cli_args_bool (args, "list-tags");
  if (rows->len == 0)
    return TRUE;
  if (tags && g_strcmp0 (format, "json") == 0)
    {
      print_tags_json (rows);
      return TRUE;
    }
  if (format == NULL)
    format = tags                                ? "table {{.Name}}\\t{{.Tag}}"
             : cli_args_bool (args, "compatible") ? "table {{.Name}}\\t{{.Description}}\\t{{.Stars}}\\t{{.Official}}\\t{{.Automated}}"
                                                  : "table {{.Name}}\\t{{.Description}}";
  json_auto_t *array = json_array ();
  for (guint i = 0; i < rows->len; i++)
    (void) json_array_append_new (array, row_json (rows->pdata[i], cli_args_bool (args, "no-trunc")));
  g_autoptr (GString) out = g_string_new (NULL);
  if (!template_render_list (format, array, headers, TEMPLATE_DEFAULT, out, error))
    return FALSE;
  fputs (out->str, stdout);
  return TRUE;
}

int
search_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL;
  gint64 limit = cli_args_int (args, "limit");
  g_auto (AccessArgs) access = { 0 };
  if (cli_args_bool (args, "list-tags") && cli_args_list (args, "filter")[0] != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "filters are not applicable to list tags result"), CLI_FAILED;
  if ((format != NULL && !template_check (format, error)) || !access_read (args, &cmd_search, &access, error))
    return CLI_FAILED;
  ImageSearchRequest request = { .access = access.access, .term = cli_args_arg (args, 0), .filters = cli_args_list (args, "filter"), .tags = cli_args_bool (args, "list-tags"),
                                 .limit = limit == 0 ? LIMIT : (guint) CLAMP (limit, 0, 1000000) };
  request.access.retries = 0;
  if (*request.term == '\0')
    return 0;
  g_autoptr (GPtrArray) rows = image_search (&request, error);
  return rows != NULL && print_rows (args, rows, format, error) ? 0 : CLI_FAILED;
}
