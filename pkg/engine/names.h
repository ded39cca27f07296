/* names: ids and names of containers. */
#pragma once

#include <glib.h>

#include "pkg/state/state.h"

/* container_id_new: 64 random hex digits; free with g_free. Source: getrandom(2). */
char *container_id_new (void);
/* container_name_new: a made-up name that no container has ("quiet_otter"). */
char *container_name_new (State *state);
/* container_name_check: may it be one? Errors: INVALID, with Podman's text about the pattern. */
gboolean container_name_check (const char *name, GError **error);
