/* image_missing: run and create fetch what they need: coracle-image does it, in a process of its own, before anything else is begun. */
#pragma once

#include <glib.h>

#include "pkg/config/paths.h"

/* image_fetch: `pull --policy @policy @reference`, its lines on our standard error. @platform: or NULL. @more: further options of pull, or NULL. @ret_id: of the
 * image, free with g_free. Errors: its own, word for word.
 * Runs in: before any namespace is entered, and before threads. */
gboolean image_fetch (const ConfigPaths *paths, const char *reference, const char *policy, const char *platform, char *const *more, char **ret_id, GError **error);
