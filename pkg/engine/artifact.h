/* artifact: what `artifact` does: files into the store, out of it, to registries and from them. Linked by coracle-image only. */
#pragma once

#include "pkg/engine/image_sign.h"
#include "pkg/engine/registry_place.h"
#include "storage/artifact.h"

typedef struct {
  const char *name;
  const char *const *files;
  const char *const *annotations;   /* "KEY=VALUE": of each file, and of the artifact if it is new */
  const char *type, *file_type;     /* NULL: none; what the file looks like */
  gboolean append, replace;
} ArtifactAdd;
/* artifact_add: @ret_digest: of the manifest; free with g_free. Errors: EXISTS the artifact, or "FILE: file already exists in artifact"; NOT_FOUND; INVALID. */
gboolean artifact_add (Storage *storage, const ArtifactAdd *add, char **ret_digest, GError **error);

typedef struct {
  const char *title, *digest;   /* only that blob; NULL: all */
} ArtifactExtract;
/* artifact_extract: into the folder @target, under their titles, or one blob as the file @target. What is there is overwritten, links are not followed.
 * Errors: NOT_FOUND no such blob; INVALID several for one file, a title that is no file's name. */
gboolean artifact_extract (Storage *storage, const Artifact *artifact, const char *target, const ArtifactExtract *what, GError **error);

typedef struct {
  RegistryAccess access;
  void (*say) (const char *line, void *data);
  void *data;
  const ImageSigners *signers;   /* of what is pushed; NULL: nobody signs */
} ArtifactTransfer;
/* artifact_push: to the registry that its name says. @ret_digest: free with g_free. */
gboolean artifact_push (Storage *storage, const char *name, const ArtifactTransfer *transfer, char **ret_digest, GError **error);
/* artifact_pull: under @name, replacing what has it. */
gboolean artifact_pull (Storage *storage, const char *name, const ArtifactTransfer *transfer, char **ret_digest, GError **error);

/* artifact_inspect: the object of `artifact inspect`; new reference. */
json_t *artifact_inspect (const Artifact *artifact);
