/* sink_registry: a registry as a place where images go (pkg/archive/sink.h). What is there is not sent: asked for, or mounted from another repository.
 * Linked by coracle-image only. Source: OCI distribution-spec 1.1, "Push". */
#pragma once

#include "pkg/archive/sink.h"
#include "pkg/registry/registry.h"

/* A blob that a layer may be, and a repository of the same registry that may have it. */
typedef struct {
  char *digest, *repository;
  gint64 size;
  Compression compression;
} SinkPlace;

/* sink_registry_new: images to @repository of @registry (both borrowed), which was greeted. @reference: the tag they get; NULL: each is put by its digest alone.
 * @places: diff id → GPtrArray of SinkPlace: hints, in the order in which they are tried; taken; NULL: none.
 * sink_put: Errors: those of registry_put_blob and registry_put_manifest. */
ArchiveSink *sink_registry_new (Registry *registry, const char *repository, const char *reference, GHashTable *places);
void sink_place_free (SinkPlace *place);
