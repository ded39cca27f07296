/* search: what a registry offers under a word. All that comes is foreign, and bounded as in registry.h.
 * Source: Docker Hub's /v1/search; distribution's "Listing Repositories" (_catalog). */
#pragma once

#include "pkg/registry/registry.h"

typedef struct {
  char *name;          /* "team/app" */
  char *description;   /* "" where it says none; any text */
  gint64 stars;
  gboolean official, automated;
} RegistryFound;

/* registry_search: at most @limit repositories, in the registry's order: by its own search where it has one and @term is not empty, else those of its catalog that contain @term.
 * Returns RegistryFound; free with g_ptr_array_unref. */
GPtrArray *registry_search (Registry *registry, const char *term, guint limit, GError **error);

/* registry_found_read: one page of either answer, to the end of @found. FALSE: it is none; then CORRUPT. Exposed for the fuzzer. */
gboolean registry_found_read (const char *text, gsize size, const char *term, guint limit, GPtrArray *found, GError **error);
GPtrArray *registry_found_new (void);
