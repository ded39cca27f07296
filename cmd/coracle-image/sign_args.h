/* sign_args: who signs: the signing options of cmd/common/push_options.h, read. */
#pragma once

#include "pkg/cli/cli.h"
#include "pkg/engine/image_sign.h"

/* sign_args_read: open the keys, asking for a passphrase on the terminal where no file has it, and get ready for gpg. What borrows from @args.
 * Runs in: the caller's own namespaces, one thread: before session_open. Errors: INVALID files that are not what they should be; DENIED a wrong passphrase; UNSUPPORTED. */
gboolean sign_args_read (const CliArgs *args, ImageSigners *ret_signers, GError **error);
