/* confirm: asking before something is lost. */
#pragma once

#include <glib.h>

/* confirm_answer: print @warning and "Are you sure you want to continue? [y/N] ", and read the answer from standard input: yes is one that begins with y or Y.
 * Errors: INVALID "EOF": there was no answer. */
gboolean confirm_answer (const char *warning, gboolean *ret_yes, GError **error);
