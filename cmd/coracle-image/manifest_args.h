/* manifest_args: what the manifest commands share. */
#pragma once

#include "cmd/coracle-image/access.h"
#include "pkg/engine/manifest_list.h"

/* manifest_access_read: access_read, and --insecure. */
gboolean manifest_access_read (const CliArgs *args, const CliCommand *command, AccessArgs *ret_access, GError **error);
/* manifest_notes_read: the options of cmd/common/manifest_options.h; what borrows from @args. Errors: INVALID an annotation without '='. */
gboolean manifest_notes_read (const CliArgs *args, ManifestNotes *ret_notes, GError **error);
/* manifest_stored: store @list, and print its id. An int for a command's run. */
int manifest_stored (Storage *storage, ManifestList *list, const char *name, GError **error);
