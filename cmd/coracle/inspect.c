#include <stdio.h>
#include <string.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/image.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

static const CliOption image_options[] = {
  { "format", 'f', CLI_STRING, .help = "How to print: json or a Go template" },
  CLI_END
};

static const CliOption inspect_options[] = {
  { "format", 'f', CLI_STRING, .help = "How to print: json or a Go template" },
  { "type", 't', CLI_CHOICE, .help = "Look for things of this type alone", .value = "all", .values = CLI_VALUES ("all", "image") },
  CLI_END
};

/* inspect_image: the object; NULL with NOT_FOUND lets the next kind try. @compact: without the fields that Podman's JSON leaves out. */
static json_t *
inspect_image (Session *session, const char *name, gboolean compact, GError **error)
{
  g_autoptr (StateImage) image = image_find (session->storage->state, name, error);
  json_t *object = image != NULL ? image_inspect (session->storage, image, error) : NULL;
  if (object != NULL && compact)
    image_inspect_prune (object);
  return object;
}

/* The kinds of things, in the order in which a name is looked for. */
static const struct {
  const char *type;
  json_t *(*inspect) (Session *session, const char *name, gboolean compact, GError **error);
} kinds[] = {
  { "image", inspect_image },
};

static json_t *
inspect_one (Session *session, const char *type, const char *name, gboolean compact, GError **error)
{
  gboolean any = strcmp (type, "all") == 0;
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (!any && strcmp (type, kinds[i].type) != 0)
        continue;
      g_autoptr (GError) failure = NULL;
      json_t *object = kinds[i].inspect (session, name, compact, &failure);
      if (object != NULL)
        return object;
      if (!any || !g_error_matches (failure, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return NULL;
        }
    }
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no such object: \"%s\"", name), NULL;
}

static gboolean
print_objects (json_t *array, const char *format, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean ok = TRUE;
  if (format == NULL || template_is_json (format))
    {
      json_write (out, array, 5, JSON_TEXT_DEFAULT);
      g_string_append_c (out, '\n');
    }
  else
    for (size_t i = 0; ok && i < json_array_size (array); i++)
      {
        ok = template_render (format, json_array_get (array, i), out, error);
        g_string_append_c (out, '\n');
      }
  if (ok)
    fputs (out->str, stdout);
  return ok;
}

/* inspect: what is found is printed although something else is not. */
static int
inspect (const CliContext *context, const CliArgs *args, const char *type, GError **error)
{
  const char *format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL;
  if (format != NULL && !template_check (format, error))
    return CLI_FAILED;
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  json_t *array = json_array ();
  g_autoptr (GPtrArray) failures = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  for (const char *const *name = cli_args_argv (args); *name != NULL; name++)
    {
      GError *failure = NULL;
      json_t *object = inspect_one (&session, type, *name, format == NULL || template_is_json (format), &failure);
      if (object != NULL)
        (void) json_array_append_new (array, object);
      else
        g_ptr_array_add (failures, failure);
    }
  gboolean ok = print_objects (array, format, error);
  json_decref (array);
  for (guint i = 0; ok && i < failures->len; i++)
    dispatch_print_error (failures->pdata[i]);
  return !ok ? CLI_FAILED : failures->len > 0 ? 125 : 0;
}

static int
inspect_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return inspect (context, args, cli_args_string (args, "type"), error);
}

static int
image_inspect_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return inspect (context, args, "image", error);
}

const CliCommand cmd_inspect = {
  .names = "inspect", .usage = "NAME [NAME...]", .summary = "Display the configuration of an object denoted by ID",
  .description = "Shows all that is known of a container or an image as JSON, or what a template takes from it.",
  .examples = "inspect web\ninspect --format '{{.Config.Cmd}}' debian\n", .options = { inspect_options }, .min_args = 1, .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER, .complete_rest = CLI_COMPLETE_CONTAINER, .run = inspect_run,
};

const CliCommand cmd_image_inspect = {
  .names = "image inspect", .usage = "IMAGE [IMAGE...]", .summary = "Show all that is known of an image",
  .description = "Shows all that is known of images as JSON, or what a template takes from it.", .examples = "image inspect debian\nimage inspect --format '{{.Id}}' debian\n",
  .options = { image_options }, .min_args = 1, .max_args = CLI_ANY, .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .run = image_inspect_run,
};
