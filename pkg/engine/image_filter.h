/* image_filter: what `images --filter` and the prunes choose by. Source: podman-images(1), podman-image-prune(1). */
#pragma once

#include "pkg/engine/image.h"

/* image_filters_parse: @texts: "KEY=VALUE" and "KEY!=VALUE"; NULL for none. Free with g_ptr_array_unref. Errors: INVALID; NOT_FOUND the image that before and since name. */
GPtrArray *image_filters_parse (State *state, const char *const *texts, GError **error);

/* image_filters_fit: every key must fit. Of several values of one key one is enough; but all labels must, and nothing that is excluded (!=) may. */
gboolean image_filters_fit (const GPtrArray *filters, const ImageRow *row);

/* image_filters_have: is there one of this key? */
gboolean image_filters_have (const GPtrArray *filters, const char *key);

/* image_filter_id: is @wanted ("sha256:…" or not) the beginning of @id? */
gboolean image_filter_id (const char *wanted, const char *id);

/* image_filter_reference: does the pattern fit one of @image's names? */
gboolean image_filter_reference (const char *pattern, const StateImage *image);

/* image_is_parent: has @child the layers of @image, and more history? image_has_children: does one of @images (of StateImage) have its layers, and more history? */
gboolean image_is_parent (const StateImage *image, const StateImage *child);
gboolean image_has_children (const StateImage *image, const GPtrArray *images);
