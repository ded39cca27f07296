/* plan_build: from config.json to a RuntimePlan. */
#pragma once

#include "pkg/runtime/plan.h"
#include "pkg/runtime/runtime.h"

/* runtime_plan_build: the block of bytes, a RuntimePlan at its start; free with g_byte_array_unref. @ret_join_fds: descriptors that joins name, of int, to be closed
 * by the caller after the start. Errors as runtime_start. */
GByteArray *runtime_plan_build (json_t *config, const RuntimeOptions *options, GArray **ret_join_fds, GError **error);
