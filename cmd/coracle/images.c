#include <stdio.h>
#include <string.h>

#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "Also those without name that others were made from" },
  { "digests", 0, CLI_BOOL, .help = "Show digests" },
  { "filter", 'f', CLI_LIST, .help = "List only what fits (KEY=VALUE)",
    .man = "Show only images that fit: *dangling*=true|false, *label*=KEY[=VALUE], *reference*=PATTERN, *id*=ID, *digest*=DIGEST, *before*=IMAGE, *since*=IMAGE (or *after*), "
           "*until*=TIME, *containers*=true|false|external, *intermediate*=true|false, *readonly*=true|false, *manifest*=true|false. With != instead of = those that do not fit.\n\n"
           "Of several values of one key one is enough, but for labels: they must all be there." },
  { "format", 0, CLI_STRING, .help = "How to print: json, a Go template, or table with one" },
  { "history", 0, CLI_BOOL, .help = "Also the names that an image had before" },
  { "no-trunc", 0, CLI_BOOL, .help = "Print IDs in full" },
  { "noheading", 'n', CLI_BOOL, .help = "Leave out the line of headings" },
  { "quiet", 'q', CLI_BOOL, .help = "Print the IDs alone" },
  { "sort", 0, CLI_CHOICE, .help = "Sort by created, id, repository, size, or tag", .value = "created", .values = CLI_VALUES ("created", "id", "repository", "size", "tag") },
  CLI_END
};

static char *
shown_id (const char *id, gboolean whole)
{
  return whole ? g_strconcat ("sha256:", id, NULL) : g_strndup (id, 12);
}

/* row_fields: what a Go template may name; see podman-images(1). */
static json_t *
row_fields (const ImageRow *row, gboolean whole)
{
  const StateImage *image = row->image;
  struct timespec created = { .tv_sec = image->created };
  g_autofree char *id = shown_id (image->id, whole), *ago = text_ago (image->created * G_USEC_PER_SEC, g_get_real_time ()), *at = text_time_go (created, FALSE),
                  *size = text_size_spaced ((guint64) image->size), *history = g_strjoinv (", ", row->history);
  json_t *fields = image_row_json (row);
  json_t *names = image_names_json (image);
  const char *digest = image->manifest_digest != NULL ? image->manifest_digest : "<none>";
  const struct { const char *name; json_t *value; } extra[] = {
    { "ID", json_string (id) },           { "Repository", json_string (row->repository) }, { "Tag", json_string (row->tag) },  { "Digest", json_string (digest) },
    { "Created", json_string (ago) },     { "CreatedSince", json_string (ago) },           { "CreatedAt", json_string (at) },  { "CreatedTime", json_string (at) },
    { "Size", json_string (size) },       { "History", json_string (history) },            { "RepoTags", names },              { "IsDangling", json_boolean (row->name == NULL && !row->intermediate) },
    { "IsReadOnly", json_boolean (row->image->read_only) }, { "ReadOnly", json_boolean (row->image->read_only) },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (extra); i++)
    (void) json_object_set_new (fields, extra[i].name, extra[i].value);
  return fields;
}

static void
print_ids (const ImageList *list, gboolean whole)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < list->rows->len; i++)
    {
      const ImageRow *row = list->rows->pdata[i];
      g_autofree char *id = shown_id (row->image->id, whole);
      if (g_hash_table_add (seen, row->image->id))
        puts (id);
    }
}

static gboolean
print_rows (const ImageList *list, const CliArgs *args, const char *format, GError **error)
{
  static const TemplateHeader headers[] = { { "ID", "IMAGE ID" }, { "Id", "IMAGE ID" }, { "CreatedSince", "CREATED" }, { NULL } };
  g_autoptr (GString) plain = g_string_new ("table {{.Repository}}\\t{{.Tag}}\\t");
  g_string_append_printf (plain, "%s{{.ID}}\\t{{.Created}}\\t{{.Size}}%s", cli_args_bool (args, "digests") ? "{{.Digest}}\\t" : "",
                          cli_args_bool (args, "history") ? "\\t{{.History}}" : "");
  gboolean json = format != NULL && template_is_json (format);
  json_t *array = json_array ();
  for (guint i = 0; i < list->rows->len; i++)
    (void) json_array_append_new (array, json ? image_row_json (list->rows->pdata[i]) : row_fields (list->rows->pdata[i], cli_args_bool (args, "no-trunc")));
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean ok = template_render_list (format != NULL ? format : plain->str, array, headers, cli_args_bool (args, "noheading") ? TEMPLATE_NO_HEADING : TEMPLATE_DEFAULT, out, error);
  if (ok)
    fputs (out->str, stdout);
  json_decref (array);
  return ok;
}

static int
images_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL;
  if (format != NULL && !template_check (format, error))
    return CLI_FAILED;
  if (cli_args_arg (args, 0) != NULL && cli_args_list (args, "filter")[0] != NULL)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "cannot specify an image and a filter(s)");
      return CLI_FAILED;
    }
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  const ImageListRequest request = { .name = cli_args_arg (args, 0), .filters = cli_args_list (args, "filter"), .sort = cli_args_string (args, "sort"), .all = cli_args_bool (args, "all") };
  g_autoptr (ImageList) list = image_list (session.storage, &request, error);
  if (list == NULL)
    return CLI_FAILED;
  if (cli_args_bool (args, "quiet"))
    {
      print_ids (list, cli_args_bool (args, "no-trunc"));
      return 0;
    }
  return print_rows (list, args, format, error) ? 0 : CLI_FAILED;
}

const CliCommand cmd_images = {
  .names = "images, image list|ls", .usage = "[IMAGE]", .summary = "List the images that are here",
  .description = "Lists images with their names, ids, ages and sizes: all, or those that a name, a pattern or an id fits.",
  .examples = "images\nimages --format '{{.ID}} {{.Repository}}'\nimages --filter dangling=true\n",
  .options = { options }, .max_args = 1, .complete = CLI_COMPLETE_IMAGE, .run = images_run,
};
