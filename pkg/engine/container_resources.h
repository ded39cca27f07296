/* container_resources: limits: from the words of run, create and update to config.json's linux.resources and into the container's cgroup. Internal to pkg/engine. */
#pragma once

#include "pkg/engine/container_make.h"

/* resources_build: linux.resources of --memory, --cpus, --pids-limit …; an empty object without any. New reference; NULL with @error: INVALID a word that cannot be.
 * Source: podman-run(1); runtime-spec, config-linux.md. */
json_t *resources_build (const ContainerOptions *options, GError **error);

/* resources_check: the words of limits and of --cgroups, --cgroup-parent, --cgroup-manager. */
gboolean resources_check (const ContainerOptions *options, GError **error);

/* resources_group: make->cgroup: the container's group with its limits, where one can be had. Errors: those of cgroup_begin, cgroup_make, cgroup_limit. Runs in: the user namespace, one thread, no child. */
gboolean resources_group (Make *make, GError **error);
