/* container_specgen: what a container was asked to be, in the JSON that Podman's API takes to create one (SpecGenerator: https://docs.podman.io, POST libpod/containers/create). */
#pragma once

#include "pkg/engine/container.h"

/* container_specgen: of @name_or_id. @rename: under a name that is still free, as container_clone_name makes one. A new reference.
 * Errors: NOT_FOUND; CORRUPT, SYSTEM its config.json. */
json_t *container_specgen (Storage *storage, const char *name_or_id, gboolean rename, GError **error);
