#include <stdio.h>

#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/manifest_args.h"
#include "pkg/base/error.h"
#include "pkg/json/json.h"

int manifest_inspect_run (const CliContext *context, const CliArgs *args, GError **error);

/* show_remote: as it is in the registry, laid out. */
static int
show_remote (const char *name, const RegistryAccess *access, GError **error)
{
  g_autofree char *text = manifest_remote (name, access, error);
  if (text == NULL)
    return CLI_FAILED;
  json_auto_t *root = json_loads (text, 0, NULL);
  g_autofree char *shown = root != NULL ? json_to_text (root, 4, JSON_TEXT_DEFAULT) : NULL;
  const char *type = json_string_value (json_object_get (root, "mediaType"));
  if (json_object_get (root, "manifests") == NULL)
    fprintf (stderr, "Warning! The manifest type %s is not a manifest list but a single image.\n", type != NULL ? type : "application/vnd.oci.image.manifest.v1+json");
  puts (shown != NULL ? shown : text);
  return 0;
}

int
manifest_inspect_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (AccessArgs) access = { 0 };
  g_auto (Session) session = { 0 };
  g_autoptr (GError) problem = NULL;
  const char *name = cli_args_arg (args, 0);
  if (!manifest_access_read (args, &cmd_manifest_inspect, &access, error) || !session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  g_autoptr (ManifestList) list = manifest_list_find (session.storage, name, &problem);
  if (list == NULL && (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND) || g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_INVALID)))
    return show_remote (name, &access.access, error);
  if (list == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return CLI_FAILED;
    }
  g_autofree char *shown = manifest_list_show (list);
  puts (shown);
  return 0;
}
