#include <stdio.h>
#include <string.h>

#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/diff.h"
#include "pkg/json/json.h"

static const CliOption format_options[] = {
  { "format", 0, CLI_STRING, .help = "How to print: json" },
  CLI_END
};

static const CliOption container_options[] = {
  { "latest", 'l', CLI_BOOL, .help = "The container made last, instead of a name" },
  CLI_END
};

/* print_json: an array for each kind of change that there is. Names that are no UTF-8 are mended. */
static void
print_json (const GPtrArray *changes)
{
  static const struct { char kind; const char *name; } kinds[] = { { 'C', "changed" }, { 'A', "added" }, { 'D', "deleted" } };
  json_t *object = json_object ();
  for (size_t k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      json_t *array = json_array ();
      for (guint i = 0; i < changes->len; i++)
        {
          const TreeChange *change = changes->pdata[i];
          g_autofree char *path = g_utf8_make_valid (change->path, -1);
          if (change->kind == kinds[k].kind)
            (void) json_array_append_new (array, json_string (path));
        }
      if (json_array_size (array) > 0)
        (void) json_object_set (object, kinds[k].name, array);
      json_decref (array);
    }
  g_autoptr (GString) out = g_string_new (NULL);
  json_write (out, object, 5, JSON_TEXT_DEFAULT);
  puts (out->str);
  json_decref (object);
}

static gboolean
check_words (const CliContext *context, const CliArgs *args, gboolean latest, GError **error)
{
  const char *format = cli_args_string (args, "format");
  unsigned n = cli_args_count (args);
  if (latest && n > 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--latest and containers cannot be used together");
  if (!latest && n == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" requires a name, id, or the \"--latest\" flag", context->path);
  if (n > 2)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "accepts between 1 and 2 arg(s), received %u", n);
  if (format != NULL && *format != '\0' && strcmp (format, "json") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "only supported value for '--format' is 'json'");
  return TRUE;
}

static char *
latest_id (Session *session, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  if (!state_container_list (session->storage->state, &rows, error))
    return NULL;
  if (rows->len == 0)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no containers: no such container"), NULL;
  return g_strdup (((const StateContainer *) rows->pdata[rows->len - 1])->id);
}

static int
diff (const CliContext *context, const CliArgs *args, DiffKind kind, gboolean latest, GError **error)
{
  g_auto (Session) session = { 0 };
  if (!check_words (context, args, latest, error) || !session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  g_autofree char *newest = latest ? latest_id (&session, error) : NULL;
  const char *name = latest ? newest : cli_args_arg (args, 0);
  g_autoptr (GPtrArray) changes = NULL;
  if (name == NULL || !diff_changes (session.storage, kind, name, cli_args_arg (args, 1), &changes, error))
    return CLI_FAILED;
  const char *format = cli_args_string (args, "format");
  if (format != NULL && *format != '\0')
    print_json (changes);
  else
    for (guint i = 0; i < changes->len; i++)
      printf ("%c %s\n", ((const TreeChange *) changes->pdata[i])->kind, ((const TreeChange *) changes->pdata[i])->path);
  return 0;
}

static int
diff_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean latest = cli_args_bool (args, "latest");
  return diff (context, args, latest ? DIFF_CONTAINER : DIFF_ANY, latest, error);
}

static int
container_diff_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return diff (context, args, DIFF_CONTAINER, cli_args_bool (args, "latest"), error);
}

static int
image_diff_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return diff (context, args, DIFF_IMAGE, FALSE, error);
}

#define MEANING                                                                                                                                                                        \
  "Each line is a path with what became of it: `A` added, `C` changed, `D` deleted. A second name is what it is compared with. What is made in every container, as /etc/hosts, is left out."

const CliCommand cmd_diff = {
  .names = "diff", .usage = "CONTAINER|IMAGE [CONTAINER|IMAGE]", .summary = "Show what a container or an image has changed of what it was made from",
  .description = "Shows what a container has changed of its image, or an image's last layer of those below it.\n\n" MEANING
                 "\n\nOf a container and an image of the same name the container is meant.",
  .examples = "diff web\ndiff --format json web\ndiff web debian\n", .options = { format_options, container_options }, .max_args = CLI_ANY, .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_IMAGE, .run = diff_run,
};

const CliCommand cmd_container_diff = {
  .names = "container diff", .usage = "CONTAINER [CONTAINER|IMAGE]", .summary = "Show what a container has changed of its image",
  .description = "Shows what a container has changed of its image.\n\n" MEANING, .examples = "container diff web\ncontainer diff --latest\n", .options = { format_options, container_options },
  .max_args = CLI_ANY, .complete = CLI_COMPLETE_CONTAINER, .complete_rest = CLI_COMPLETE_IMAGE, .run = container_diff_run,
};

const CliCommand cmd_image_diff = {
  .names = "image diff", .usage = "IMAGE [CONTAINER|IMAGE]", .summary = "Show what an image has changed of what it was made from",
  .description = "Shows what an image's last layer has changed of those below it.\n\n" MEANING, .examples = "image diff debian\nimage diff mine debian\n", .options = { format_options },
  .min_args = 1, .max_args = 2, .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .run = image_diff_run,
};
