/* container_copy: files into containers, out of them, and from one to another. Linked by coracle-image only.
 *
 * Source: podman-cp(1) for what goes where; the texts are those of Podman 5.8. */
#pragma once

#include "pkg/engine/container.h"

typedef struct {
  const char *from, *to;      /* "CONTAINER:PATH", a path, or "-" for a tar on @input or @output */
  gboolean archive;           /* what comes into a container belongs to its user; else the owners are kept */
  gboolean overwrite;         /* a folder may take the place of what is none, and the reverse */
  int input, output;          /* borrowed */
  guint64 skipped;            /* out: what could not be read, and device nodes, which were left out */
} ContainerCopy;

/* container_copy_check: do the words make sense? Nothing is looked at. Errors: INVALID. */
gboolean container_copy_check (const ContainerCopy *request, GError **error);

/* container_copy: a container's path is absolute or from its working folder. Links in it never lead out of the container, also while its processes change them; a running container's
 * paths are those that its processes see, one that does not run is kept from being started meanwhile, with its volumes in their places.
 * Runs in: the user namespace and a mount namespace of our own, one thread; the caller's working folder.
 * Errors:  NOT_FOUND "container "X" does not exist", ""PATH" could not be found on container X: …"; those of container_root_open, copy_entry, unpack_tar, pack_tree. */
gboolean container_copy (Storage *storage, ContainerCopy *request, GError **error);
