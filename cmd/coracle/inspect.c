#include <stdio.h>
#include <string.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/container.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/engine/network.h"
#include "pkg/engine/volume.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

static const CliOption format_options[] = {
  { "format", 'f', CLI_STRING, .help = "How to print: json or a Go template" },
  CLI_END
};

static const CliOption container_options[] = {
  { "latest", 'l', CLI_BOOL, .help = "Act on the latest container that was created" },
  { "size", 's', CLI_BOOL, .help = "Also how much each has written (slow)" },
  CLI_END
};

static const CliOption inspect_options[] = {
  { "type", 't', CLI_STRING, .help = "Look for things of this type alone", .value = "all", .values = CLI_VALUES ("all", "container", "image", "volume", "network") },
  CLI_END
};

/* How things are to be shown. */
typedef struct {
  const char *format;   /* NULL: JSON */
  gboolean compact;     /* without the fields that Podman's JSON leaves out */
  gboolean size;
} Wanted;

/* inspect_container, inspect_image: the object; NULL with NOT_FOUND lets the next kind try. */
static json_t *
inspect_container (Session *session, const char *name, const Wanted *wanted, GError **error)
{
  g_autoptr (ContainerView) view = container_find (session->storage, name, error);
  json_t *object = view != NULL ? container_inspect (session->storage, view, wanted->size, error) : NULL;
  if (object != NULL && wanted->compact)
    container_inspect_prune (object);
  return object;
}

static json_t *
inspect_image (Session *session, const char *name, const Wanted *wanted, GError **error)
{
  g_autoptr (StateImage) image = image_lookup_instance (session->storage->state, name, NULL, NULL, error);
  json_t *object = image != NULL ? image_inspect (session->storage, image, error) : NULL;
  if (object != NULL && wanted->compact)
    image_inspect_prune (object);
  return object;
}

static json_t *
inspect_volume (Session *session, const char *name, const Wanted *wanted, GError **error)
{
  g_autoptr (Volume) volume = volume_find (session->storage, name, error);
  return volume != NULL ? volume_json (session->storage, volume, !wanted->compact) : NULL;
}

static json_t *
inspect_network (Session *session, const char *name, const Wanted *wanted, GError **error)
{
  g_autoptr (NetConfig) config = network_find (session->storage, name, error);
  json_t *object = config != NULL ? network_inspect (session->storage, config, error) : NULL;
  if (object != NULL && !wanted->compact)
    network_inspect_fill (object);
  if (object == NULL)
    coracle_prefix (error, "network %s", name);
  return object;
}

/* The kinds of things, in the order in which a name is looked for. */
static const struct {
  const char *type;
  json_t *(*inspect) (Session *session, const char *name, const Wanted *wanted, GError **error);
  const char *missing;   /* the text when only this kind was looked for, with the name quoted after it; NULL = the look-up's own */
} kinds[] = {
  { "container", inspect_container, "no such container" },
  { "image", inspect_image, NULL },
  { "volume", inspect_volume, NULL },
  { "network", inspect_network, NULL },
};

static json_t *
inspect_one (Session *session, const char *type, const char *name, const Wanted *wanted, GError **error)
{
  gboolean any = strcmp (type, "all") == 0;
  const char *missing = "no such object";
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (!any && strcmp (type, kinds[i].type) != 0)
        continue;
      g_autoptr (GError) failure = NULL;
      json_t *object = kinds[i].inspect (session, name, wanted, &failure);
      if (object != NULL)
        return object;
      missing = any ? missing : kinds[i].missing;
      if (missing == NULL || !g_error_matches (failure, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return NULL;
        }
    }
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s \"%s\"", any ? "no such object:" : missing, name), NULL;
}

static gboolean
print_objects (json_t *array, const char *format, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean ok = TRUE;
  if (format == NULL || template_is_json (format))
    template_write_json (format != NULL ? format : "json", array, 5, out);
  else
    for (size_t i = 0; ok && i < json_array_size (array); i++)
      {
        ok = template_render (format, json_array_get (array, i), out, error);
        g_string_append_c (out, '\n');
      }
  if (ok)
    fputs (out->str, stdout);
  (void) fflush (stdout);   /* what is not found is told of after it */
  return ok;
}

/* latest_container: the id of the newest, in an array that ends with NULL. */
static char **
latest_container (Session *session, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  if (!state_container_list (session->storage->state, &rows, error))
    return NULL;
  if (rows->len == 0)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no containers: no such container"), NULL;
  return g_strdupv ((char *[]){ ((StateContainer *) rows->pdata[rows->len - 1])->id, NULL });
}

/* inspect: what is found is printed although something else is not. @names: NULL: the newest container. */
static int
inspect (const CliContext *context, const char *type, const char *const *names, const Wanted *wanted, GError **error)
{
  if (wanted->format != NULL && !template_check (wanted->format, error))
    return CLI_FAILED;
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, wanted->size, error))
    return CLI_FAILED;
  g_auto (GStrv) latest = names == NULL ? latest_container (&session, error) : NULL;
  if (names == NULL && latest == NULL)
    return CLI_FAILED;
  json_t *array = json_array ();
  g_autoptr (GPtrArray) failures = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  for (const char *const *name = names != NULL ? names : (const char *const *) latest; *name != NULL; name++)
    {
      GError *failure = NULL;
      json_t *object = inspect_one (&session, type, *name, wanted, &failure);
      if (object != NULL)
        (void) json_array_append_new (array, object);
      else if (!g_error_matches (failure, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        {
          /* no name at all, or that of several: nothing is shown */
          json_decref (array);
          g_propagate_error (error, failure);
          return CLI_FAILED;
        }
      else
        g_ptr_array_add (failures, failure);
    }
  gboolean ok = print_objects (array, wanted->format, error);
  json_decref (array);
  for (guint i = 0; ok && i < failures->len; i++)
    dispatch_print_error (failures->pdata[i]);
  return !ok ? CLI_FAILED : failures->len > 0 ? 125 : 0;
}

static Wanted
read_format (const CliArgs *args)
{
  Wanted wanted = { .format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL };
  wanted.compact = wanted.format == NULL || template_is_json (wanted.format);
  return wanted;
}

/* inspect_any: `inspect` and `container inspect`, which have --latest and --size. */
static int
inspect_any (const CliContext *context, const CliArgs *args, const char *type, GError **error)
{
  gboolean latest = cli_args_bool (args, "latest");
  Wanted wanted = read_format (args);
  wanted.size = cli_args_bool (args, "size");
  if (latest && cli_args_count (args) > 0)
    coracle_throw (error, CORACLE_ERROR_INVALID, "--latest and arguments cannot be used together");
  else if (!latest && cli_args_count (args) == 0)
    coracle_throw (error, CORACLE_ERROR_INVALID, "no names or ids specified");
  else
    return inspect (context, latest ? "container" : type, latest ? NULL : cli_args_argv (args), &wanted, error);
  return CLI_FAILED;
}

static int
inspect_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *type = cli_args_string (args, "type");
  gboolean known = strcmp (type, "all") == 0;
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    known |= strcmp (type, kinds[i].type) == 0;
  if (known)
    return inspect_any (context, args, type, error);
  coracle_throw (error, CORACLE_ERROR_INVALID, "invalid type \"%s\": must be \"image\", \"container\", \"volume\", \"network\", or \"all\"", type);
  return CLI_FAILED;
}

static int
container_inspect_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return inspect_any (context, args, "container", error);
}

static int
image_inspect_run (const CliContext *context, const CliArgs *args, GError **error)
{
  Wanted wanted = read_format (args);
  return inspect (context, "image", cli_args_argv (args), &wanted, error);
}

const CliCommand cmd_inspect = {
  .names = "inspect", .usage = "NAME [NAME...]", .summary = "Display the configuration of an object denoted by ID",
  .description = "Shows all that is known of a container, an image, a volume or a network as JSON, or what a template takes from it.",
  .examples = "inspect web\ninspect --format '{{.Config.Cmd}}' debian\n", .options = { format_options, container_options, inspect_options }, .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER, .complete_rest = CLI_COMPLETE_CONTAINER, .run = inspect_run,
};

const CliCommand cmd_container_inspect = {
  .names = "container inspect", .usage = "CONTAINER [CONTAINER...]", .summary = "Show all that is known of a container",
  .description = "Shows all that is known of containers as JSON, or what a template takes from it.",
  .examples = "container inspect web\ncontainer inspect --latest --format '{{.State.Status}}'\n", .options = { format_options, container_options }, .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER, .complete_rest = CLI_COMPLETE_CONTAINER, .run = container_inspect_run,
};

const CliCommand cmd_image_inspect = {
  .names = "image inspect", .usage = "IMAGE [IMAGE...]", .summary = "Show all that is known of an image",
  .description = "Shows all that is known of images as JSON, or what a template takes from it.", .examples = "image inspect debian\nimage inspect --format '{{.Id}}' debian\n",
  .options = { format_options }, .min_args = 1, .max_args = CLI_ANY, .few_args = "no names or ids specified", .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .run = image_inspect_run,
};
