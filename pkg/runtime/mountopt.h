/* mountopt: mount options as the OCI runtime spec and mount(8) write them, turned into mount_setattr's attributes, propagation and filesystem data. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct {
  uint64_t attr_set, attr_clear;   /* MOUNT_ATTR_… */
  uint64_t propagation;            /* MS_PRIVATE … or 0 */
  gboolean propagation_recursive;
  gboolean bind, recursive;
  gboolean copyup;                 /* "tmpcopyup" */
  GPtrArray *data;                 /* of char*: the filesystem's own options; owned */
} MountOptions;

/* mountopt_parse: @options: NULL-terminated. Every word is either a known flag or goes to the filesystem as it is. */
void mountopt_parse (const char *const *options, MountOptions *ret_options);
void mountopt_clear (MountOptions *options);
