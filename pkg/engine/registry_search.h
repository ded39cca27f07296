/* registry_search: `search`: repositories and tags, at one registry or at all where unqualified names are looked for. Linked by coracle-image only. */
#pragma once

#include "pkg/engine/registry_place.h"

typedef struct {
  RegistryAccess access;
  const char *term;              /* "REGISTRY/WORD", or "WORD" for the search registries */
  const char *const *filters;    /* "stars=N", "is-official=BOOL", "is-automated=BOOL"; NULL for none */
  guint limit;                   /* at most so many from each registry */
  gboolean tags;                 /* list the tags of the repository named */
} ImageSearchRequest;

typedef struct {
  char *registry, *name;         /* "docker.io", "docker.io/library/alpine" */
  char *description;             /* any text, without control characters */
  gint64 stars;
  gboolean official, automated;
  char *tag;                     /* NULL unless tags were asked for */
} ImageSearchRow;

/* image_search: of ImageSearchRow; free with g_ptr_array_unref. A registry that fails does not matter where another one has something.
 * Errors: INVALID a filter; else what all of the registries said. Source: podman-search(1). */
GPtrArray *image_search (const ImageSearchRequest *request, GError **error);
