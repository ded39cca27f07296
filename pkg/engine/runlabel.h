/* runlabel: the command that an image's label holds. */
#pragma once

#include <glib.h>

#include "storage/storage.h"

typedef struct {
  const char *label;               /* its key */
  const char *image;               /* as the user wrote it */
  const char *name;                /* of the container; NULL: the image's last part without tag */
  const char *const *args;         /* what follows; NULL-terminated */
} RunlabelRequest;

/* runlabel_command: its words, the first left out, which stands for this program; NAME and IMAGE, and $NAME, $IMAGE and the environment's $VARIABLES are put in. No shell sees them.
 * @ret_name: the container's name; may be NULL. Free with g_strfreev, g_free. Errors: NOT_FOUND the image; INVALID no such label, or one whose quotes do not end.
 * Source: podman-container-runlabel(1). */
char **runlabel_command (Storage *storage, const RunlabelRequest *request, char **ret_name, GError **error);
