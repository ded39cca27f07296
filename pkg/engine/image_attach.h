/* image_attach: sigstore signatures put beside an image in its registry, as the tag sha256-HEX.sig: an OCI image whose layers are the payloads. Linked by coracle-image only.
 * Source: cosign's SIGNATURE_SPEC; what containers' tools write (looked at in a registry). */
#pragma once

#include "pkg/registry/registry.h"
#include "pkg/signature/payload.h"

/* image_attach: those of @signatures (ImageSignature, SIGSTORE) that are not there yet, behind those that are. @digest: the manifest's.
 * Errors: CORRUPT what has the tag is no such image; those of registry_manifest, registry_put_blob and registry_put_manifest. */
gboolean image_attach (Registry *registry, const char *repository, const char *digest, const GPtrArray *signatures, GError **error);
