/* container_depend: which containers need which. Whoever makes a container that joins another's namespaces, or --requires it, writes the other's id into its row's config:
 * "dependencies": ["64 hex digits", …]. */
#pragma once

#include "pkg/engine/container.h"

/* container_dependents: of every container that is needed: its id → GPtrArray of the ids of those that need it, oldest first. Free with g_hash_table_unref. NULL with @error. */
GHashTable *container_dependents (Storage *storage, GError **error);

/* container_dependents_add: the ids of all that need @id, directly or not, those that nobody needs first, appended to @ids (of char*) where they are not there yet. */
void container_dependents_add (GHashTable *dependents, const char *id, GPtrArray *ids);

/* container_dependents_text: the ids of those that need @id, as "a, b"; NULL if there are none. Free with g_free. */
char *container_dependents_text (GHashTable *dependents, const char *id);
/* container_dependents_drop: @id is gone: it needs none any more. */
void container_dependents_drop (GHashTable *dependents, const char *id);
