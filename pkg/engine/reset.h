/* reset: a store as if it had never been used. */
#pragma once

#include "storage/storage.h"

/* system_reset: end and remove every container, then all that is ours below ROOT and RUN_ROOT, and both folders if nothing else is in them: what is not ours stays.
 * The state is closed to all effects after it: free @storage and begin anew. Runs in: the user namespace. Errors: the first; it goes on past them. */
gboolean system_reset (Storage *storage, GError **error);

/* system_migrate: end all containers that run, so that the next one finds the user's ids and the system as they are now. @ret_stopped: of char*, ids; free with g_ptr_array_unref.
 * Errors: the first that did not end. */
gboolean system_migrate (Storage *storage, GPtrArray **ret_stopped, GError **error);
