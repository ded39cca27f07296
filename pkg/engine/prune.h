/* prune: removing what nothing uses. */
#pragma once

#include "storage/storage.h"

typedef struct {
  gboolean containers;     /* those that neither run nor are about to */
  gboolean volumes;        /* those that no container mounts, named ones too */
  gboolean images;         /* those without a name that no container uses */
  gboolean all_images;     /* those with one too */
  const char *const *filters;   /* label, label! and until, and for images alone all that `images` knows; NULL for none. Of volumes the labels alone count */
} PruneRequest;

typedef struct {
  GPtrArray *containers, *volumes, *images;   /* of char*: what is gone */
  GPtrArray *errors;                          /* of GError: what could not be removed; the rest went on */
  gint64 freed;                               /* bytes */
} PruneResult;
void prune_result_free (PruneResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PruneResult, prune_result_free)

/* prune: Runs in: the user namespace. NULL with @error: INVALID a filter; what concerns all. Source: podman-system-prune(1), podman-image-prune(1). */
PruneResult *prune (Storage *storage, const PruneRequest *request, GError **error);
