/* out_file: where an archive goes that a command writes. */
#pragma once

#include <glib.h>

/* out_file_open: the file @path of the user's, made with his own rights (so before the user namespace is entered) and emptied; NULL: a copy of standard output, which must be no terminal: @terminal is said then.
 * Returns -1 with @error: INVALID, in Podman's words. */
int out_file_open (const char *path, const char *terminal, GError **error);
