/* image_policy: what policy.json allows to be pulled. Source: containers-policy.json(5). Without any policy.json everything is allowed. Linked by coracle-image only. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* What is to be pulled. */
typedef struct {
  const char *transport;                   /* "docker", "oci", "docker-archive" … */
  const char *registry, *path, *tag, *digest;   /* docker: the name, with a tag or a digest */
  const char *place;                       /* other transports: path, perhaps with ":NAME" */
} PolicyImage;

/* image_policy_find: the requirements for @image, checked: a new array; *@ret_simple, *@ret_sigstore: which signatures they ask for. NULL with @error: INVALID a broken file or requirement,
 * UNSUPPORTED one that cannot be checked here (keyless), so nothing is allowed; DENIED rejected, whatever its signatures are. */
json_t *image_policy_find (const PolicyImage *image, gboolean *ret_simple, gboolean *ret_sigstore, GError **error);
/* image_policy_find_in: the same with the document at hand. */
json_t *image_policy_find_in (json_t *policy, const PolicyImage *image, gboolean *ret_simple, gboolean *ret_sigstore, GError **error);

/* image_policy_verify: do @signatures (of ImageSignature) of the manifest @digest meet @requirements? Errors: DENIED "Source image rejected: …"; INVALID keys. */
gboolean image_policy_verify (json_t *requirements, const PolicyImage *image, const char *digest, const GPtrArray *signatures, GError **error);

/* image_policy_identity: may an image that was signed as @signed_as be pulled as @image? @identity: a signedIdentity, or NULL. Errors: DENIED; INVALID. */
gboolean image_policy_identity (json_t *identity, const PolicyImage *image, const char *signed_as, GError **error);
