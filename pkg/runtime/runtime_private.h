/* runtime_private: what runtime.c and exec.c share. */
#pragma once

#include "pkg/runtime/runtime.h"

/* runtime_perform: hand the plan @bytes to a coracle-monitor, the file @program, and wait until the command has been exec'd. @config: what the plan was made from, for the errors. The rest
 * as runtime_start, whose second half this is. */
gboolean runtime_perform (json_t *config, GByteArray *bytes, const RuntimeOptions *options, int program, gboolean (*while_starting) (pid_t monitor, void *data, GError **error), void *data,
                          RuntimeProcess *ret_process, GError **error);
