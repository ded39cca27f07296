/* container_pause: let all processes of a container stand still, and go on. */
#pragma once

#include "pkg/engine/container.h"

#define CONTAINER_PAUSED_FILE "paused" /* in RUN_ROOT/ID: it may be paused: then its cgroup is asked */

/* container_pause: Errors: NOT_FOUND; INVALID it does not run, or is paused already, or has no cgroup of its own; SYSTEM. */
gboolean container_pause (Storage *storage, const char *id, GError **error);
/* container_unpause: Errors: NOT_FOUND; INVALID it is not paused; SYSTEM. */
gboolean container_unpause (Storage *storage, const char *id, GError **error);

/* container_is_paused: asked of one that runs. */
gboolean container_is_paused (Storage *storage, const char *id);
/* container_thaw: before a signal is sent that it shall see: without complaint. */
void container_thaw (Storage *storage, const char *id);
