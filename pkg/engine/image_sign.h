/* image_sign: signatures of what is in a registry: by the user's own gpg ("simple signing"), into the lookaside folder that registries.d names; and by sigstore keys, as attachments in the registry.
 * Linked by coracle-image only. Source: containers-registries.d(5), containers-signature(5); cosign's SIGNATURE_SPEC. */
#pragma once

#include "pkg/engine/registry_place.h"
#include "pkg/image/name.h"
#include "pkg/registry/registry.h"
#include "pkg/signature/sigstore_sign.h"
#include "storage/storage.h"

/* Who signs; nobody, if all is NULL. */
typedef struct {
  const char *gpg_key;          /* as gpg --local-user takes it */
  const char *gpg_passphrase;   /* a file; NULL: gpg asks */
  GPtrArray *sigstore;          /* of SigstoreSigner, owned; NULL: none */
} ImageSigners;
void image_signers_clear (ImageSigners *signers);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ImageSigners, image_signers_clear)

/* image_signers_add: one of sigstore's; taken. image_signers_any: does anybody sign? */
void image_signers_add (ImageSigners *signers, SigstoreSigner *signer);
gboolean image_signers_any (const ImageSigners *signers);

/* What is signed: its name, full, with a tag or a digest, and where it is. */
typedef struct {
  const ImageName *name;
  Registry *registry;       /* NULL where sigstore does not sign */
  const char *repository;   /* there */
  const char *folder;       /* of all signatures by gpg; NULL: registries.d says */
  gboolean list;            /* a manifest list, not one of its images */
} SignTarget;

/* image_sign_ready: may the signatures be written? To be asked before anything is pushed; .registry may still be NULL. @where: what it is called, for errors.
 * Errors: INVALID .name is NULL: no registry; registries.d names no place that can be written. */
gboolean image_sign_ready (const ImageSigners *signers, const SignTarget *target, const char *where, GError **error);
/* image_sign: @digest: that the manifest has there. @say: "Creating signature: …" and "Storing signatures"; NULL: nobody listens.
 * Errors: "creating signature: …" DENIED gpg does not sign; "writing signatures: …"; those of registry_put_blob and registry_put_manifest. */
gboolean image_sign (const ImageSigners *signers, const SignTarget *target, const char *digest, void (*say) (const char *line, void *data), void *data, GError **error);

/* ---- image sign (image_sign_source.c) */
typedef struct {
  const char *key, *folder; /* of gpg; of all signatures, NULL: what registries.d says */
  gboolean all;             /* of a list every image instead of the list itself */
  RegistryAccess access;
} ImageSignRequest;
/* image_sign_source: an image where it is: "docker://NAME" in its registry, "containers-storage:NAME" in the store. Errors: INVALID another place, or --all of what is no list; NOT_FOUND. */
gboolean image_sign_source (Storage *storage, const char *source, const ImageSignRequest *request, GError **error);
