/* function: what can be called from a template. Private to pkg/template. */
#pragma once

#include "pkg/template/value.h"

/* function_call: @args hold one Value each, the piped one last. @limit: the longest string it may make. *@ret_value: owned by the caller.
 * Errors: INVALID; the text is only what is wrong ("index out of range: 5"). */
typedef gboolean (*FunctionCall) (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error);

typedef struct {
  const char *name;
  int min_args, max_args;   /* max_args -1: any number */
  FunctionCall call;        /* NULL: and, or: the executor does them, since they stop early */
} Function;

const Function *function_find (const char *name);
