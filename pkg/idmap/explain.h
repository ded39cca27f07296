/* explain: why the system refuses a user namespace or an id map, and what the user can do about it. Private to idmap. */
#pragma once

#include <glib.h>

/* explain_namespace: DENIED (SYSTEM if it is not a refusal) for making or entering a namespace that failed with @errsv.
 * @proc_sys: "/proc/sys"; another folder in tests. Always FALSE. */
gboolean explain_namespace (const char *proc_sys, int errsv, const char *doing, GError **error);

/* explain_helper: DENIED for newuidmap or newgidmap. @path: where it was found, or NULL: nowhere in PATH. @said: what it printed; may be empty. Always FALSE. */
gboolean explain_helper (const char *program, const char *path, const char *said, GError **error);
