/* access: how registries are talked to: the options of cmd/common/access_options.h, read. */
#pragma once

#include "pkg/cli/cli.h"
#include "pkg/engine/registry_place.h"

typedef struct {
  RegistryAccess access;
  char *creds;   /* with the password that was asked for */
} AccessArgs;
void access_args_clear (AccessArgs *args);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AccessArgs, access_args_clear)

/* access_read: of whatever of those options the command has. --creds without a password asks for it on the terminal; --decryption-key is refused.
 * Errors: INVALID a delay that is none; no password; UNSUPPORTED. */
gboolean access_read (const CliArgs *args, const CliCommand *command, AccessArgs *ret_access, GError **error);
