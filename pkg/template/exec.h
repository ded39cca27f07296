/* exec: run a parsed template. Private to pkg/template. */
#pragma once

#include "pkg/template/template.h"
#include "pkg/template/tree.h"
#include "pkg/template/value.h"

/* tree_exec: @dot as "." and "$", output appended to @out. With @dot->heading set, fields give the headings of their columns (@headers may be NULL). */
gboolean tree_exec (const Tree *tree, const char *name, const Value *dot, const TemplateHeader *headers, GString *out, GError **error);
