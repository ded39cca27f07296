/* commit_config: the image config of a committed container: its image's, with what the container was asked to be. Internal to pkg/engine. */
#pragma once

#include "pkg/engine/container_commit.h"

/* commit_config_make: a config object for image_config_make, with all changes made. @image: the container's. Errors: INVALID a change, or the config given. */
json_t *commit_config_make (Storage *storage, const StateContainer *row, const StateImage *image, const ContainerCommit *request, GError **error);

/* commit_config_merge: what @given has: variables replace those of their names, labels, volumes and ports are added, everything else that is not empty replaces. */
void commit_config_merge (json_t *config, json_t *given);
