#include "cmd/coracle-image/manifest_args.h"

#include <stdio.h>

gboolean
manifest_access_read (const CliArgs *args, const CliCommand *command, AccessArgs *ret_access, GError **error)
{
  if (!access_read (args, command, ret_access, error))
    return FALSE;
  if (cli_args_is_set (args, "insecure"))
    {
      ret_access->access.tls_given = TRUE;
      ret_access->access.tls_verify = !cli_args_bool (args, "insecure");
    }
  return TRUE;
}

gboolean
manifest_notes_read (const CliArgs *args, ManifestNotes *ret_notes, GError **error)
{
  ret_notes->os = cli_args_string (args, "os");
  ret_notes->arch = cli_args_string (args, "arch");
  ret_notes->variant = cli_args_string (args, "variant");
  ret_notes->os_version = cli_args_string (args, "os-version");
  ret_notes->features = cli_args_list (args, "features");
  ret_notes->annotations = cli_args_list (args, "annotation");
  return manifest_notes_check (ret_notes, error);
}

int
manifest_stored (Storage *storage, ManifestList *list, const char *name, GError **error)
{
  if (!manifest_list_store (storage, list, name, error))
    return CLI_FAILED;
  puts (list->image->id);
  return 0;
}
