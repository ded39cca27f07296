/* confirm: asking before something is lost. */
#pragma once

#include <glib.h>

/* confirm: print @warning and "Are you sure you want to continue? [y/N] ", and read the answer from standard input: TRUE for one that begins with y or Y. The end of input is no. */
gboolean confirm (const char *warning);
/* confirm_answer: the same, where the end of input is an error: INVALID "EOF". */
gboolean confirm_answer (const char *warning, gboolean *ret_yes, GError **error);
