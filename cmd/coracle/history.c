#include <stdio.h>
#include <string.h>

#include "cmd/common/session.h"
#include "pkg/base/text.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

#define CREATED_BY_WIDTH 45

static const CliOption options[] = {
  { "format", 0, CLI_STRING, .help = "How to print: json or a Go template" },
  { "human", 'H', CLI_BOOL, .help = "Times in words rather than exact", .value = "true" },
  { "no-trunc", 0, CLI_BOOL, .help = "Print long values in full" },
  { "quiet", 'q', CLI_BOOL, .help = "Print the IDs alone" },
  CLI_END
};

static json_t *
step_json (const ImageStep *step)
{
  json_t *object = json_pack ("{s:s, s:s, s:s, s:I, s:s}", "id", step->id, "created", step->created, "CreatedBy", step->created_by, "size", (json_int_t) step->size, "comment",
                              step->comment);
  if (step->tags[0] != NULL)
    (void) json_object_set_new (object, "tags", json_strv ((const char *const *) step->tags));
  return object;
}

/* step_created: when, to the second, in this machine's zone or in UTC; "" if nothing says. Free with g_free. */
static char *
step_created (const ImageStep *step, gboolean local)
{
  if (step->created_usec == 0)
    return g_strdup (step->created);
  struct timespec when = text_time_from_usec (step->created_usec);
  when.tv_nsec = 0;
  return text_time_rfc3339 (when, local);
}

/* step_fields: what a Go template may name. */
static json_t *
step_fields (const ImageStep *step, gboolean human, gboolean whole)
{
  g_autofree char *id = whole ? g_strdup (step->id) : g_strndup (step->id, 12), *ago = text_ago (step->created_usec, g_get_real_time ()),
                  *size = text_size ((guint64) step->size, 4), *created = step_created (step, FALSE), *created_local = step_created (step, TRUE),
                  *by = whole ? g_strdup (step->created_by) : text_truncate (step->created_by, CREATED_BY_WIDTH, "...");
  return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "ID", id, "Created", human ? ago : created, "CreatedSince", ago, "CreatedAt", created_local, "CreatedBy", by,
                    "Size", size, "Comment", step->comment, "Tags", json_strv ((const char *const *) step->tags));
}

static gboolean
print_steps (const GPtrArray *steps, const CliArgs *args, const char *format, GError **error)
{
  gboolean json = format != NULL && template_is_json (format);
  json_t *array = json_array ();
  for (guint i = 0; i < steps->len; i++)
    (void) json_array_append_new (array, json ? step_json (steps->pdata[i]) : step_fields (steps->pdata[i], cli_args_bool (args, "human"), cli_args_bool (args, "no-trunc")));
  static const TemplateHeader headers[] = { { "CreatedSince", "CREATED" }, { NULL } };
  static const char plain[] = "table {{.ID}}\\t{{.Created}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}";
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean ok = template_render_list (format != NULL ? format : plain, array, headers, TEMPLATE_NO_TIMES, out, error);
  if (ok)
    fputs (out->str, stdout);
  json_decref (array);
  return ok;
}

static int
history_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL;
  if (format != NULL && !template_check (format, error))
    return CLI_FAILED;
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  g_autoptr (StateImage) image = image_lookup_instance (session.storage->state, cli_args_arg (args, 0), NULL, NULL, error);
  g_autoptr (GPtrArray) steps = NULL;
  if (image == NULL || !image_history (session.storage, image, &steps, error))
    return CLI_FAILED;
  if (!cli_args_bool (args, "quiet"))
    return print_steps (steps, args, format, error) ? 0 : CLI_FAILED;
  for (guint i = 0; i < steps->len; i++)
    {
      const ImageStep *step = steps->pdata[i];
      printf ("%.*s\n", cli_args_bool (args, "no-trunc") ? 64 : 12, step->id);
    }
  return 0;
}

const CliCommand cmd_history = {
  .names = "history, image history", .usage = "IMAGE", .summary = "Show the steps that an image was made in",
  .description = "Shows the steps that an image was made in, newest first, with what each added.", .examples = "history debian\nhistory --no-trunc --format json debian\n",
  .options = { options }, .min_args = 1, .max_args = 1, .complete = CLI_COMPLETE_IMAGE, .run = history_run,
};
