/* mount_options: the options that --volume, --mount and --tmpfs share, collected one by one and then written out. For volume.c and mount_flag.c. */
#pragma once

#include "pkg/spec/volume.h"

typedef struct {
  const char *access;        /* "ro", "rw"; NULL = not said */
  const char *exec, *suid, *dev, *bind, *propagation, *copy, *atime;
  SpecRelabel relabel;
  gboolean chown, no_create, overlay;
  char *upper, *work;        /* of an overlay's own folders; owned */
  GPtrArray *data;           /* the file system's own, "size=…"; owned strings */
} MountOptions;
void mount_options_clear (MountOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MountOptions, mount_options_clear)

/* mount_options_add: one word, "noexec". *@ret_known is FALSE for a word that is none of these (no error then).
 * Errors: INVALID two words that contradict each other or say one thing twice; UNSUPPORTED idmap. */
gboolean mount_options_add (MountOptions *options, const char *word, gboolean *ret_known, GError **error);
/* mount_options_add_data: one of tmpfs's own, "size=64m", "mode=1777"; as above. */
gboolean mount_options_add_data (MountOptions *options, const char *word, gboolean *ret_known, GError **error);
/* mount_options_apply: fill @mount's fields and options, defaults included. Errors: INVALID options that do not fit the type. */
gboolean mount_options_apply (const MountOptions *options, SpecMount *mount, GError **error);

/* mount_destination: cleaned. Errors: INVALID empty or not absolute. */
char *mount_destination (const char *text, GError **error);
/* mount_source_path: absolute and cleaned. Errors: INVALID empty. */
char *mount_source_path (const char *text, const char *cwd, GError **error);
