/* nested: a user namespace of one container's own, below the one that all containers of the user share (--userns keep-id, nomap, auto; --uidmap). */
#pragma once

#include <glib.h>

#include "pkg/idmap/idmap.h"

/* idmap_nested_open: make it: ids of @map: inside it, outside: of the current user namespace. Returns a descriptor of it, which keeps it, or -1.
 * Runs in:  the current user namespace's root, one thread.
 * Errors:   INVALID what the kernel takes for no map (an id twice, more than 340 ranges, an id that is not in the current namespace); DENIED as idmap_begin. */
int idmap_nested_open (const IdMap *map, GError **error);

/* idmap_nested_read: the table of the user namespace @fd, which is below the current one. NULL with @error: INVALID it is not. */
IdMap *idmap_nested_read (int fd, GError **error);

/* idmap_copy: free with idmap_free. */
IdMap *idmap_copy (const IdMap *map);
