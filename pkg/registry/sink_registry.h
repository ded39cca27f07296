/* sink_registry: a registry as a place where images go (pkg/archive/sink.h). What is there is not sent: asked for, or mounted from another repository.
 * Linked by coracle-image only. Source: OCI distribution-spec 1.1, "Push". */
#pragma once

#include "pkg/archive/sink.h"
#include "pkg/registry/registry.h"

/* sink_registry_new: images to @repository of @registry (borrowed), which was greeted. @reference: the tag (or digest) they get; instances of a list get their digest alone.
 * sink_put: Errors: those of registry_put_blob and registry_put_manifest. */
ArchiveSink *sink_registry_new (Registry *registry, const char *repository, const char *reference);
/* sink_registry_know: the layer @diff_id may be the blob @digest, and @repository of the same registry may have it: hints, tried in this order. */
void sink_registry_know (ArchiveSink *sink, const char *diff_id, const char *digest, gint64 size, Compression compression, const char *repository);
