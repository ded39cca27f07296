/* life_options: the flags of run and create about a container's life: its log, restarts, health, what it depends on and tells of itself. */
#pragma once

#include "pkg/cli/cli.h"
#include "pkg/engine/container_options.h"

extern const CliOption life_options[];

/* life_options_read: Errors: INVALID. */
gboolean life_options_read (ContainerOptions *options, const CliArgs *args, GError **error);
