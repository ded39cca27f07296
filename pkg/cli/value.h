/* value: the parts of reading option values that the parser needs beside cli_value_check. */
#pragma once

#include "pkg/cli/cli.h"

/* cli_quote: append @text in double quotes, escaped as Go's %q does for what can be typed. */
void cli_quote (GString *out, const char *text);

/* cli_csv_split: append the fields of the one CSV record @text to @list (allocated with g_malloc). "" has none.
 * Errors: INVALID with encoding/csv's text. Source: RFC 4180. */
gboolean cli_csv_split (const char *text, GPtrArray *list, GError **error);
