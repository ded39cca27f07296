/* artifact: files that are no images, in ROOT/artifacts: an OCI image layout of its own, whose manifests' layers are the files.
 *
 * A blob is written in a work folder, synced, and renamed to blobs/sha256/HEX while artifacts/index.lock is held; then index.json is replaced, by rename. So what the index names is
 * whole at every instant, and blobs that nothing names (a killed process left them) go with the next change, under the same lock. Needs no user namespace.
 * Source: OCI image-spec image-layout.md and manifest.md, "Guidelines for Artifact Usage". */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/archive/stream.h"
#include "storage/storage.h"

#define ARTIFACT_EMPTY_DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"   /* of "{}" */
#define ARTIFACT_TITLE "org.opencontainers.image.title"
#define ARTIFACT_CREATED "org.opencontainers.image.created"

typedef struct {
  char *name;         /* as it was given; "" = none */
  char *digest;       /* of the manifest */
  json_t *manifest;   /* checked */
} Artifact;
void artifact_free (Artifact *artifact);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Artifact, artifact_free)

/* artifact_manifest_parse: foreign bytes: a manifest whose config and layers are descriptors with SHA-256 digests and sizes; new reference. Errors: CORRUPT. */
json_t *artifact_manifest_parse (const char *data, gsize size, GError **error);
/* artifact_layer_title: its annotation ARTIFACT_TITLE; NULL: none. Borrowed. */
const char *artifact_layer_title (json_t *layer);
/* artifact_size: of all layers. */
gint64 artifact_size (const Artifact *artifact);

gboolean artifact_list (Storage *storage, GPtrArray **ret_artifacts, GError **error);   /* of Artifact, oldest first */
/* artifact_find: by name, or by digest or the beginning of one. Errors: NOT_FOUND "TEXT: artifact does not exist"; INVALID several begin so. */
Artifact *artifact_find (Storage *storage, const char *text, GError **error);
/* artifact_open: a blob, for reading; the caller closes it. -1 with @error. */
int artifact_open (Storage *storage, const char *digest, gint64 *ret_size, GError **error);

/* ---- its blobs, as files */
/* artifact_choose: the layers with that @title or @digest (not both), or all; borrowed elements, free with g_ptr_array_unref. Errors: NOT_FOUND; INVALID several have the title. */
GPtrArray *artifact_choose (const Artifact *artifact, const char *title, const char *digest, GError **error);
/* artifact_file_name: what @layer is called in a folder: its title, or its digest with a "-"; never a name that leads out of it. Free with g_free. Errors: INVALID. */
char *artifact_file_name (json_t *layer, gboolean by_digest, GError **error);
/* artifact_blob_path: where its bytes are. Never written to. Free with g_free. */
char *artifact_blob_path (Storage *storage, json_t *layer);

/* ---- changing */
typedef struct ArtifactWriter ArtifactWriter;
ArtifactWriter *artifact_writer_new (Storage *storage, GError **error);
void artifact_writer_free (ArtifactWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArtifactWriter, artifact_writer_free)
/* artifact_writer_add: a blob. Takes @stream. @limit: more bytes are CORRUPT; -1: any number. @ret_digest: free with g_free. */
gboolean artifact_writer_add (ArtifactWriter *writer, ByteStream *stream, gint64 limit, char **ret_digest, gint64 *ret_size, GError **error);
/* artifact_writer_commit: the manifest under @name. @replaces: the digest that @name has now; "": none may have it; NULL: whatever has it.
 * Errors: EXISTS "NAME: artifact already exists". */
gboolean artifact_writer_commit (ArtifactWriter *writer, const char *name, const char *replaces, const char *manifest, gsize size, char **ret_digest, GError **error);

/* artifact_remove: that entry. Errors: NOT_FOUND it is gone. */
gboolean artifact_remove (Storage *storage, const Artifact *artifact, GError **error);
