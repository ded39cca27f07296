/* image_lookup: the image a user means. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/config/paths.h"
#include "pkg/state/state.h"

/* image_lookup: @text: a name (tried as Podman does; at last, a short one as the end of a stored name), an id or its unique prefix. @platform: "os/arch[/variant]" it must be for, or NULL.
 * @ret_name: the name it was found by, as the user will read it; may be NULL. Errors: NOT_FOUND "TEXT: image not known", INVALID. */
StateImage *image_lookup (State *state, const char *text, const char *platform, char **ret_name, GError **error);

/* image_lookup_instance: for whoever needs an image with layers: of a manifest list the image for @platform (NULL: the host's).
 * Errors: also INVALID the list names none for it, or one that is not in the store, "… image not known". */
StateImage *image_lookup_instance (State *state, const char *text, const char *platform, char **ret_name, GError **error);

/* image_newest_name: the name given last, which people read first; NULL: it has none. Borrowed. image_names_json: all, in that order. */
const char *image_newest_name (const StateImage *image);
json_t *image_names_json (const StateImage *image);

/* image_platform_warning: what to say of an image that is for another platform than @platform ("os/arch[/variant]"; NULL or "": the host's), in Podman's words; NULL: nothing. Free with g_free. */
char *image_platform_warning (const StateImage *image, const char *platform);

/* image_layer_folders: absolute folders of its layers, topmost first, NULL-terminated; free with g_ptr_array_unref. */
GPtrArray *image_layer_folders (const ConfigPaths *paths, const StateImage *image);
