/* auth_path: what login and logout are about. */
#pragma once

#include "pkg/cli/cli.h"

/* auth_path_read: the file to change: --authfile, --compat-auth-file, else the usual one; free with g_free. Errors: INVALID both. */
gboolean auth_path_read (const CliArgs *args, char **ret_path, GError **error);
/* auth_key_read: the registry, perhaps with a path: the argument without scheme, else the first of unqualified-search-registries. Free with g_free. Errors: INVALID none. */
char *auth_key_read (const CliArgs *args, GError **error);
