/* container_commit: an image of what a container is now. Linked by coracle-image only. */
#pragma once

#include "pkg/engine/container.h"

typedef struct {
  const char *reference;          /* its name; NULL: none */
  const char *author, *message;   /* NULL: none; @message is for @docker alone */
  const char *config;             /* JSON in the form of an image config's "config" (--config), merged into the container's; NULL: none */
  const char *const *changes;     /* for image_change_apply; may be NULL */
  gboolean docker;                /* a Docker manifest rather than an OCI one */
  gboolean squash;                /* one layer with everything */
  gboolean include_volumes;       /* all its volumes become the image's; else those without name */
  gboolean pause;                 /* it stands still meanwhile */
  gboolean single;                /* one id is mapped only */
  guint64 skipped_devices;        /* out: device nodes that could not be made */
} ContainerCommit;

/* container_commit: the files that were written above the image become a layer, owners as the container sees them; the rest is shared. The image is whole or not there, whatever
 * happens; nothing is shared with the container, which may go on.
 * @ret_id: of the image, without "sha256:"; free with g_free.
 * Runs in:  the user namespace and a mount namespace of our own (idmap_enter).
 * Errors:   NOT_FOUND the container (also: removed meanwhile); INVALID the name, a change, the config; UNSUPPORTED --rootfs; those of ingest_above. */
gboolean container_commit (Storage *storage, const char *name, ContainerCommit *request, char **ret_id, GError **error);
