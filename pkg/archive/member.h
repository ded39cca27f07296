/* member: names of archive members: made safe to look up, and safe to print. */
#pragma once

#include <glib.h>

/* member_normalise: @name without "./", "//", leading and trailing "/", and with ".." taken back; "" is the root itself. Free with g_free.
 * Errors: CORRUPT for no name, for one that climbs above the root, and for one longer than PATH_MAX or with a part longer than NAME_MAX. */
gboolean member_normalise (const char *name, char **ret_path, GError **error);

/* member_shown: @path for an error message: control and broken characters escaped, shortened in the middle. Free with g_free. */
char *member_shown (const char *path);
