#include <stdio.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/volume.h"
#include "pkg/template/template.h"

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "All volumes" },
  { "format", 'f', CLI_STRING, .help = "How to print: json or a Go template" },
  CLI_END
};

static gboolean
print_volumes (Storage *storage, const GPtrArray *volumes, const char *format, GError **error)
{
  gboolean json = format == NULL || template_is_json (format), done = TRUE;
  json_auto_t *array = json_array ();
  g_autoptr (GString) out = g_string_new (NULL);
  for (guint i = 0; i < volumes->len; i++)
    json_array_append_new (array, volume_json (storage, volumes->pdata[i], !json));
  if (json)
    template_write_json (format != NULL ? format : "json", array, 5, out);
  for (size_t i = 0; !json && done && i < json_array_size (array); i++)
    {
      done = template_render (format, json_array_get (array, i), out, error);
      g_string_append_c (out, '\n');
    }
  if (done)
    fputs (out->str, stdout);
  (void) fflush (stdout);   /* what is not found is told of after it */
  return done;
}

static int
volume_inspect_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL;
  gboolean all = cli_args_bool (args, "all");
  if (all == (cli_args_arg (args, 0) != NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s", all ? "choose either one or more volumes or all" : "provide one or more volume names or use --all"), CLI_FAILED;
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) volumes = NULL, missing = g_ptr_array_new ();
  if ((format != NULL && !template_check (format, error)) || !session_open (&session, context, FALSE, error) || (all && !volume_list (session.storage, NULL, &volumes, error)))
    return CLI_FAILED;
  if (!all)
    volumes = g_ptr_array_new_with_free_func ((GDestroyNotify) volume_free);
  for (const char *const *name = cli_args_argv (args); !all && *name != NULL; name++)
    {
      g_autoptr (GError) problem = NULL;
      Volume *volume = volume_find (session.storage, *name, &problem);
      if (volume != NULL)
        g_ptr_array_add (volumes, volume);
      else if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        g_ptr_array_add (missing, (char *) (guintptr) *name);
      else
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return CLI_FAILED;
        }
    }
  if (!print_volumes (session.storage, volumes, format, error))
    return CLI_FAILED;
  for (guint i = 1; i < missing->len; i++)
    fprintf (stderr, "no such volume %s\n", (const char *) missing->pdata[i]);
  if (missing->len == 0)
    return 0;
  coracle_throw (error, CORACLE_ERROR_INVALID, "no such volume %s", (const char *) missing->pdata[0]);
  return CLI_FAILED;
}

const CliCommand cmd_volume_inspect = {
  .names = "volume inspect",
  .usage = "VOLUME [VOLUME...]",
  .summary = "Show what is known of volumes",
  .description = "Show each volume as JSON, or as a Go template makes it.",
  .examples = "volume inspect data\nvolume inspect -f '{{.Mountpoint}}' data\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_VOLUME,
  .complete_rest = CLI_COMPLETE_VOLUME,
  .run = volume_inspect_run,
};
