/* container_defaults: what containers.conf says of every container, as ContainerOptions; the command line is then laid over it. */
#pragma once

#include "pkg/engine/container_options.h"

/* container_options_from_conf: container_options_new with what the [containers] table of the user's and the machine's containers.conf says, and engine.stop_timeout, engine.hooks_dir and engine.detach_keys, and the runtime that
 * @runtime (--runtime, NULL = not given) or engine.runtime names.
 * Errors: those of containers_conf_read and oci_runtime_choose; INVALID a value of the wrong kind. */
ContainerOptions *container_options_from_conf (const char *runtime, GError **error);

/* container_options_add_mounts: what mounts.conf says is mounted in every container, read-only: lines "SOURCE[:PLACE]"; a source that is not there is passed over.
 * @path: the file, NULL for the first there is of the user's own, the machine's and the distribution's. Source: containers-mounts.conf(5). */
gboolean container_options_add_mounts (ContainerOptions *options, const char *path, GError **error);

/* container_options_apply: the same from @conf, merged (containers_conf_read); changes @options. */
gboolean container_options_apply (ContainerOptions *options, const json_t *conf, GError **error);
