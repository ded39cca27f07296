/* diff: what a container has changed of its image, an image's last layer of those below it, or one of them has that another has not. */
#pragma once

#include "pkg/engine/container.h"
#include "pkg/engine/tree_diff.h"

typedef enum {
  DIFF_ANY,         /* a container's name or id, else an image's */
  DIFF_CONTAINER,
  DIFF_IMAGE,
} DiffKind;

/* diff_changes: of @name; against @parent, or NULL for what it was made from. What the runtime makes in every container (/etc/hosts, /proc …) is left out.
 * @ret_changes: of TreeChange. Runs in: the user namespace and a mount namespace of our own. Errors: NOT_FOUND "NAME not found: layer not known". */
gboolean diff_changes (Storage *storage, DiffKind kind, const char *name, const char *parent, GPtrArray **ret_changes, GError **error);
