/* prompt: asking the user on the terminal. */
#pragma once

#include <glib.h>

/* prompt_line: a line of standard input, without its end. Free with g_free; NULL at the end of file. */
char *prompt_line (void);
/* prompt: show @text, then prompt_line; @hidden: what is typed is not shown. */
char *prompt (const char *text, gboolean hidden);
