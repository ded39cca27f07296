/* image_tree: which layers an image is made of, and what was made from it: the text of `image tree`. A layer is known by its chain id (OCI image-spec config.md, "Layer ChainID"). */
#pragma once

#include <glib.h>

#include "storage/storage.h"

/* image_tree: @children: instead of its layers its top layer and all that stand on it. Free with g_free. Errors: NOT_FOUND the image. */
char *image_tree (Storage *storage, const char *name, gboolean children, GError **error);
