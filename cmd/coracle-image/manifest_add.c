#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/manifest_args.h"
#include "pkg/base/error.h"
#include "pkg/base/outside.h"

int manifest_add_run (const CliContext *context, const CliArgs *args, GError **error);

/* check_artifact: what is of artifacts alone. */
static gboolean
check_artifact (const CliArgs *args, GError **error)
{
  static const char *const only[] = { "artifact-config", "artifact-config-type", "artifact-exclude-titles", "artifact-layer-type", "artifact-subject", "artifact-type" };
  for (gsize i = 0; i < G_N_ELEMENTS (only) && !cli_args_bool (args, "artifact"); i++)
    if (cli_args_is_set (args, only[i]))
      return coracle_throw (error, CORACLE_ERROR_INVALID, "--%s requires --artifact", only[i]);
  return TRUE;
}

static gboolean
add_all (const CliArgs *args, Storage *storage, ManifestList *list, const ManifestAdd *add, GError **error)
{
  const char *const *names = cli_args_argv (args) + 1;
  const ManifestArtifact artifact = {
    .type = cli_args_string (args, "artifact-type"), .config = cli_args_string (args, "artifact-config"), .config_type = cli_args_string (args, "artifact-config-type"),
    .layer_type = cli_args_string (args, "artifact-layer-type"), .subject = cli_args_string (args, "artifact-subject"),
    .exclude_titles = cli_args_bool (args, "artifact-exclude-titles"),
  };
  if (cli_args_bool (args, "artifact"))
    return manifest_list_add_artifact (storage, list, names, &artifact, add, error);
  for (; *names != NULL; names++)
    if (!manifest_list_add (storage, list, *names, add, error))
      return FALSE;
  return TRUE;
}

int
manifest_add_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (AccessArgs) access = { 0 };
  g_auto (Session) session = { 0 };
  ManifestAdd add = { .all = cli_args_bool (args, "all") };
  if (!check_artifact (args, error) || !manifest_notes_read (args, &add.notes, error) || !manifest_access_read (args, &cmd_manifest_add, &access, error) || !outside_begin (error)
      || !session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  add.access = access.access;
  g_autoptr (ManifestList) list = manifest_list_find (session.storage, cli_args_arg (args, 0), error);
  return list != NULL && add_all (args, session.storage, list, &add, error) ? manifest_stored (session.storage, list, NULL, error) : CLI_FAILED;
}
