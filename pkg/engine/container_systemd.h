/* container_systemd: what a container gets whose command is systemd, or another init: podman-run(1) --systemd. Internal to pkg/engine. */
#pragma once

#include "pkg/engine/container_make.h"

#define SYSTEMD_STOP_SIGNAL 37   /* SIGRTMIN+3, as glibc counts: systemd(1), "Signals" */

/* systemd_check: the word of --systemd. Errors: INVALID. */
gboolean systemd_check (const ContainerOptions *options, GError **error);
/* systemd_wanted: by that word, or by the command, the first of @args that is not an init program of ours. */
gboolean systemd_wanted (const ContainerOptions *options, char *const *args);
/* systemd_mounts: its filesystems in memory, but for places that @taken says are taken: appended to make->mounts. */
void systemd_mounts (Make *make, gboolean (*taken) (const char *destination, void *data), void *data);
/* systemd_env: its variables. */
void systemd_env (const Make *make, char ***env);
/* systemd_hide_consoles: of @devices (OCI form) the virtual consoles, which it would take over, go. */
void systemd_hide_consoles (json_t *devices);
/* systemd_give_group: the container's cgroup to its root, which outside is another id. */
void systemd_give_group (const Make *make);
