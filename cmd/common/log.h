/* log: --log-level and --debug: what the program says about its own work, on standard error, in the form that Podman's has: time="…" level=debug msg="…".
 * Anything may speak through GLib (g_warning, g_info, g_debug); nothing is printed by whoever speaks. */
#pragma once

#include <glib.h>

/* log_level_parse: "warn" → "warning" and so on, any case: the words of --log-level. NULL for another word. Static. */
const char *log_level_parse (const char *word);
extern const char *const log_levels[];   /* all words, NULL-terminated */

/* log_begin: print what is at or above @level (a result of log_level_parse) from now on. Later calls change the level. */
void log_begin (const char *level);

/* log_trace: below debug: GLib has no such level. */
void log_trace (const char *format, ...) G_GNUC_PRINTF (1, 2);
