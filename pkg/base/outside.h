/* outside: programs of the user's own (credential helpers, gpg) run where the user is, although this process has entered a user namespace: a child that was forked before
 * starts them. It ends with this process. */
#pragma once

#include <glib.h>

/* outside_begin: fork that child. Runs in: the caller's own namespaces, one thread, no lock held. Without it outside_run starts programs itself. Errors: SYSTEM. */
gboolean outside_begin (GError **error);

/* outside_run: @argv (searched in PATH), @input on its standard input, its standard error ours. @ret_output: what it printed, a NUL added, at most @limit bytes (more is CORRUPT);
 * free with g_free. @ret_status: as waitpid gives it. Errors: NOT_FOUND and the like: it could not be started. May be called by one thread at a time. */
gboolean outside_run (const char *const *argv, const void *input, gsize input_size, gsize limit, char **ret_output, gsize *ret_size, int *ret_status, GError **error);
