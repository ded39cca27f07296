/* container_filter: what --filter says of containers, for every command that takes one. */
#pragma once

#include "pkg/engine/container.h"

/* container_filters_parse: "KEY=VALUE" and "label!=VALUE" words, each checked: regular expressions, times, the containers that before and since name.
 * @texts: NULL-terminated. Returns the filters, to be freed with g_ptr_array_unref, or NULL.
 * Errors: INVALID "x is an invalid filter" and wrong values; NOT_FOUND a container that is named. Source: podman-ps(1), --filter. */
GPtrArray *container_filters_parse (Storage *storage, const char *const *texts, GError **error);

/* container_filters_fit: every key must fit; of several values of one key one is enough, but labels must all. */
gboolean container_filters_fit (const GPtrArray *filters, const ContainerView *view);

/* container_filters_have: is there one with this key? `status` makes a listing look at all containers. */
gboolean container_filters_have (const GPtrArray *filters, const char *key);

/* container_filters_need_config: does any look into the row's config? The others do with a row of state_container_list_lean. */
gboolean container_filters_need_config (const GPtrArray *filters);
