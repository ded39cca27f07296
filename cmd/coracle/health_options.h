/* health_options: the flags that say how a container's health is checked: of run, create and update. */
#pragma once

#include "pkg/cli/cli.h"
#include "pkg/engine/container_options.h"

extern const CliOption health_options[];

/* health_options_read: what was given of them, into @options; the rest stays as it is. Errors: INVALID. */
gboolean health_options_read (ContainerOptions *options, const CliArgs *args, GError **error);
