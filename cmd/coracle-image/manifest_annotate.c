#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/manifest_args.h"
#include "pkg/base/error.h"
#include "pkg/base/outside.h"

int manifest_annotate_run (const CliContext *context, const CliArgs *args, GError **error);

static gboolean
annotate_list (const CliArgs *args, Storage *storage, ManifestList *list, const RegistryAccess *access, GError **error)
{
  const char *subject = cli_args_string (args, "subject");
  json_t *descriptor = subject != NULL ? manifest_subject (storage, subject, access, error) : NULL;
  if (subject != NULL && descriptor == NULL)
    return FALSE;
  if (descriptor != NULL)
    (void) json_object_set_new (list->index, "subject", descriptor);
  manifest_list_annotate (list, cli_args_list (args, "annotation"));
  return TRUE;
}

static gboolean
annotate_entry (Storage *storage, ManifestList *list, const char *name, const ManifestNotes *notes, const RegistryAccess *access, GError **error)
{
  g_autofree char *digest = manifest_list_digest (storage, list, name, access, error);
  if (digest == NULL)
    return FALSE;
  manifest_entry_note (manifest_list_entry (list, digest), notes);
  return TRUE;
}

int
manifest_annotate_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (AccessArgs) access = { 0 };
  g_auto (Session) session = { 0 };
  ManifestNotes notes = { .os_features = cli_args_list (args, "os-features") };
  const char *name = cli_args_arg (args, 1);
  gboolean whole = cli_args_bool (args, "index") || cli_args_is_set (args, "subject");
  if (!whole && name == NULL)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "expected an instance digest, image name, or artifact name");
      return CLI_FAILED;
    }
  if (!manifest_notes_read (args, &notes, error) || !access_read (args, &cmd_manifest_annotate, &access, error) || !outside_begin (error)
      || !session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  g_autoptr (ManifestList) list = manifest_list_find (session.storage, cli_args_arg (args, 0), error);
  if (list == NULL || (whole && !annotate_list (args, session.storage, list, &access.access, error)))
    return CLI_FAILED;
  /* the list's annotations are not the image's */
  if (whole)
    notes.annotations = NULL;
  if (name != NULL && !annotate_entry (session.storage, list, name, &notes, &access.access, error))
    return CLI_FAILED;
  return manifest_stored (session.storage, list, NULL, error);
}
