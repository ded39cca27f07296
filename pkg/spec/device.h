/* device: --device SOURCE[:DESTINATION][:PERMISSIONS]. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  char *source;           /* on the host, links resolved: what a rootless container gets bound */
  char *destination;      /* absolute in the container */
  char type;              /* 'c' or 'b' */
  unsigned major, minor;
  mode_t mode;            /* permission bits */
  uid_t uid;              /* the host's owner */
  gid_t gid;
  char permissions[4];    /* of "rwm", in that order; "rwm" when not said */
} SpecDevice;
void spec_device_free (SpecDevice *device);

/* spec_devices_parse: an array of SpecDevice (g_ptr_array_unref). A folder stands for all device nodes below it, under the destination. A later
 * device replaces an earlier one of the same destination. @texts: NULL-terminated or NULL.
 * Errors: INVALID the grammar, or a path that is neither device nor folder; NOT_FOUND "stat /dev/x: no such file or directory"; UNSUPPORTED a CDI name. */
GPtrArray *spec_devices_parse (const char *const *texts, GError **error);
