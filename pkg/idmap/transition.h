/* transition: every step that changes this process's user or mount namespace, or writes an id map. Private to idmap. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "pkg/idmap/spawn.h"

/* transition_is_privileged: effective CAP_SYS_ADMIN and uid 0: this user namespace, whosever it is, will do. */
gboolean transition_is_privileged (void);

/* transition_hold: start @holder in a new user namespace that has no maps yet. Returns 0 or -errno. */
int transition_hold (SpawnChild *holder);

/* transition_map_single: map uid 0 and gid 0 of @pid's namespace to our effective ids, without a helper. Returns 0 or -errno. */
int transition_map_single (pid_t pid);

/* transition_user: enter the user namespace @ns_fd. Returns 0 or -errno. */
int transition_user (int ns_fd);

/* transition_mount: a mount namespace of our own. Returns 0 or -errno. */
int transition_mount (void);
