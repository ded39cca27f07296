/* limit_options: the flags that limit what a container may use: those of run, create and update. */
#pragma once

#include "pkg/cli/cli.h"
#include "pkg/engine/container_options.h"

extern const CliOption limit_options[];

/* limit_options_read: those given, over what @options has. Errors: INVALID a value out of its range. */
gboolean limit_options_read (ContainerOptions *options, const CliArgs *args, GError **error);

/* limit_options_drop: take out what only cgroup v1 has, the real-time limits, and say so on standard error as Podman does. For a container that is being made: update only writes them down. */
void limit_options_drop (ContainerOptions *options);
