#include <stdio.h>

#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/manifest_args.h"
#include "pkg/base/error.h"
#include "pkg/base/outside.h"
#include "pkg/image/name.h"

int manifest_create_run (const CliContext *context, const CliArgs *args, GError **error);

/* open_list: the one that is there with --amend, else a new one. @ret_new: its full name is new. */
static ManifestList *
open_list (Storage *storage, const char *name, gboolean amend, gboolean *ret_new, GError **error)
{
  g_autoptr (StateImage) there = state_image_find (storage->state, name, NULL);
  *ret_new = there == NULL;
  if (there == NULL)
    return manifest_list_new ();
  if (amend)
    return manifest_list_find (storage, name, error);
  coracle_throw (error, CORACLE_ERROR_EXISTS, "image name \"%s\" is already associated with image \"%s\": that name is already in use", name, there->id);
  return NULL;
}

int
manifest_create_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (AccessArgs) access = { 0 };
  g_auto (Session) session = { 0 };
  const ManifestNotes own = { .annotations = cli_args_list (args, "annotation") };
  gboolean is_new;
  g_autofree char *name = image_name_normalize (cli_args_arg (args, 0), "localhost", error);
  if (name == NULL || !manifest_notes_check (&own, error) || !manifest_access_read (args, &cmd_manifest_create, &access, error) || !outside_begin (error)
      || !session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  g_autoptr (ManifestList) list = open_list (session.storage, name, cli_args_bool (args, "amend"), &is_new, error);
  if (list == NULL)
    return CLI_FAILED;
  const ManifestAdd add = { .all = cli_args_bool (args, "all"), .access = access.access };
  for (guint i = 1; i < cli_args_count (args); i++)
    if (!manifest_list_add (session.storage, list, cli_args_arg (args, i), &add, error))
      return CLI_FAILED;
  manifest_list_annotate (list, own.annotations);
  return manifest_stored (session.storage, list, is_new ? name : NULL, error);
}
