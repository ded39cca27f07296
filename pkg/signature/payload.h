/* payload: what a signature says about an image: "simple signing", as GPG and sigstore signatures carry it. Foreign bytes, read strictly; only after the signature was found good.
 * Source: containers-signature(5), "JSON data format"; cosign's specification of signatures. */
#pragma once

#include <glib.h>

#define SIGNATURE_LIMIT ((gsize) 4 << 20)   /* bytes of a signature, or of a payload */

#define SIGSTORE_MEDIA_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"   /* of a payload that is a layer */
#define SIGSTORE_ANNOTATION "dev.cosignproject.cosign/signature"                  /* of that layer: the signature */

typedef enum { SIGNATURE_SIMPLE, SIGNATURE_SIGSTORE } SignatureKind;

/* One signature, not yet checked. */
typedef struct {
  SignatureKind kind;
  GBytes *data;      /* SIMPLE: the signed OpenPGP message; SIGSTORE: the payload */
  char *signature;   /* SIGSTORE: of the payload, base64; else NULL */
} ImageSignature;
ImageSignature *image_signature_new (SignatureKind kind, GBytes *data, const char *signature);   /* takes @data */
void image_signature_free (ImageSignature *signature);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageSignature, image_signature_free)

typedef struct {
  char *reference;   /* the identity it is signed as: "registry.example/app:1" */
  char *digest;      /* of the manifest */
} SignaturePayload;
void signature_payload_clear (SignaturePayload *payload);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SignaturePayload, signature_payload_clear)

/* signature_payload_parse: Errors: CORRUPT anything that is not as it should be, also what is unknown among what is critical. */
gboolean signature_payload_parse (const char *data, gsize size, SignatureKind kind, SignaturePayload *ret_payload, GError **error);

/* signature_payload_make: what a signature of @digest (a manifest's) as @reference ("registry.example/app:1") signs, at this time. Free with g_free. */
char *signature_payload_make (SignatureKind kind, const char *reference, const char *digest);
