/* push_args: the options of cmd/common/push_options.h, read. */
#pragma once

#include "pkg/cli/cli.h"
#include "pkg/engine/image_out.h"

/* push_args_read: --format and those of compression, where these are not given as containers.conf says; what borrows from @args. Errors: INVALID, UNSUPPORTED. */
gboolean push_args_read (const CliArgs *args, ImagePush *ret_request, GError **error);
/* push_write_digest: --digestfile. */
gboolean push_write_digest (const char *path, const char *digest, GError **error);
