/* image_signatures: the signatures that an image in a registry has: beside the registry (lookaside) and in it (sigstore attachments). Linked by coracle-image only.
 * Source: containers-registries.d(5); cosign's SIGNATURE_SPEC for the tag sha256-HEX.sig. */
#pragma once

#include "pkg/registry/registry.h"
#include "pkg/signature/payload.h"

/* image_signatures_get: those of the manifest @digest. @name parts: the image as the user knows it; @repository: where it is fetched from at @registry_open. @simple, @sigstore: which are wanted.
 * Returns ImageSignature; free with g_ptr_array_unref. Errors: INVALID registries.d; CORRUPT; SYSTEM. */
GPtrArray *image_signatures_get (Registry *registry_open, const char *repository, const char *registry, const char *path, const char *reference, const char *digest, gboolean simple,
                                 gboolean sigstore, GError **error);
