/* kept_fds: open files of the caller that a command in a container gets: --preserve-fds and --preserve-fd. */
#pragma once

#include "pkg/cli/cli.h"

/* kept_fds_read: both flags of @args as one ascending list of int from 3 up, added to @kept, which is empty. Each of them is open now: to be asked before a file of ours could take its place.
 * Errors: INVALID one that is not open. */
gboolean kept_fds_read (const CliArgs *args, GArray *kept, GError **error);
