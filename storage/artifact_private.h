/* artifact_private: what artifact.c, which looks, and artifact_write.c, which changes, share. */
#pragma once

#include "storage/artifact.h"

#define ARTIFACT_BLOBS "artifacts/blobs/sha256"

/* artifact_index_read: the index's entries, a new array; an empty one where there is none. */
json_t *artifact_index_read (Storage *storage, GError **error);
/* Of an entry, or any descriptor: its digest, NULL if it is no SHA-256 one; its name, "" = none. Borrowed. */
const char *artifact_entry_digest (json_t *entry);
const char *artifact_entry_name (json_t *entry);
Artifact *artifact_read (Storage *storage, json_t *entry, GError **error);
