/* container_clone: the words of a container once more, for another one. */
#pragma once

#include "pkg/engine/container.h"

/* container_clone_options: what @name_or_id was asked to be, under a name of its own: @name, or its name with "-clone" (and a number, if need be) behind. @image: another image, or NULL.
 * What belongs to the first alone (its files of ids, --replace) is left out. Free with container_options_free. Errors: NOT_FOUND; INVALID another image for a --rootfs. */
ContainerOptions *container_clone_options (Storage *storage, const char *name_or_id, const char *name, const char *image, GError **error);
/* container_clone_name: a name that is free: @of with "-clone" (and a number, if need be) behind. Free with g_free. */
char *container_clone_name (Storage *storage, const char *of);
