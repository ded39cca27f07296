/* authfile: the file of credentials that a command is told to use. */
#pragma once

#include "pkg/cli/cli.h"

/* authfile_check: --authfile, where it is given, must be there, whether it will be needed or not: podman-pull(1) and others. What $REGISTRY_AUTH_FILE names need not be.
 * Errors: NOT_FOUND in Podman's words. */
gboolean authfile_check (const CliArgs *args, GError **error);
