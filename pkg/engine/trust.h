/* trust: policy.json as `image trust` shows and changes it. Source: containers-policy.json(5), podman-image-trust(1). */
#pragma once

#include <glib.h>
#include <jansson.h>

/* trust_raw: the policy file as it is; free with g_free. @policy: NULL: where pull looks. Errors: NOT_FOUND. */
char *trust_raw (const char *policy, GError **error);
/* trust_show: for each requirement of each scope {transport, name, repo_name, sigstore, type, gpg_id}, without what it has not: a new array. @policy, @registries: NULL: where pull looks.
 * @registry: only scopes that it is in, or that are in it, and the default; NULL: all.
 * Errors: NOT_FOUND no policy file; CORRUPT, INVALID a file that is broken. Starts gpg for the names of GPG keys. */
json_t *trust_show (const char *policy, const char *registries, const char *registry, GError **error);

typedef struct {
  const char *policy;         /* NULL: where pull looks; it need not be there */
  const char *scope;          /* "default", or of a registry */
  const char *type;           /* accept, reject, signedBy, sigstoreSigned */
  const char *const *keys;    /* paths */
} TrustSet;
/* trust_set: the file is replaced by a rename, or stays as it was. Errors: INVALID. */
gboolean trust_set (const TrustSet *set, GError **error);
