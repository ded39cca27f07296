/* container_prune: removing what does not run. */
#pragma once

#include "pkg/engine/container.h"

typedef struct {
  char *id;
  GError *error;   /* NULL: it is gone */
} ContainerPruned;

/* container_prune: remove every container that neither runs nor is about to: created and exited ones. @filters: NULL-terminated, label, label! and until only; may be NULL.
 * @ret_pruned: of ContainerPruned, oldest first; free with g_ptr_array_unref. Runs in the user namespace. Errors: INVALID a filter. Source: podman-container-prune(1). */
gboolean container_prune (Storage *storage, const char *const *filters, GPtrArray **ret_pruned, GError **error);
