/* ulimit: --ulimit NAME=SOFT[:HARD], and "host". */
#pragma once

#include <glib.h>

typedef struct {
  const char *name;     /* OCI's: "RLIMIT_NOFILE"; static */
  int resource;         /* RLIMIT_NOFILE */
  guint64 soft, hard;   /* G_MAXUINT64 = unlimited */
} SpecUlimit;

/* spec_ulimits_parse: an array of SpecUlimit (g_array_unref), each resource once, a later word over an earlier. @texts: NULL-terminated or
 * NULL. -1 for a limit means this process's hard limit; "host" copies all of this process's limits. Without a hard limit it is the soft one.
 * Errors: INVALID. That a limit is above what this user may set is found when it is set. */
GArray *spec_ulimits_parse (const char *const *texts, GError **error);

/* spec_ulimit_find: the entry for @resource, or NULL. */
const SpecUlimit *spec_ulimit_find (GArray *ulimits, int resource);
