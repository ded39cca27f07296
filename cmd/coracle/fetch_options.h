/* fetch_options: the options of run and create that say how a missing image is fetched. */
#pragma once

#include "pkg/cli/cli.h"
#include "pkg/engine/container_options.h"

extern const CliOption fetch_options[];

/* fetch_options_read: sets .fetch, and .platform from --arch, --os and --variant. Errors: INVALID --platform and one of those; UNSUPPORTED --decryption-key. */
gboolean fetch_options_read (ContainerOptions *options, const CliArgs *args, GError **error);
