#include "pkg/engine/image_policy.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/image/name.h"
#include "pkg/json/json.h"
#include "pkg/signature/payload.h"
#include "pkg/signature/policy_file.h"
#include "pkg/signature/sigstore.h"
#include "pkg/signature/simple.h"

/* ---- which requirements */

/* find_docker: the most specific entry for a name: itself, its repository, shorter and shorter parts of it, its host, wildcards of the host, and "". */
static json_t *
find_docker (json_t *scopes, const PolicyImage *image)
{
  g_autofree char *name = g_strconcat (image->registry, "/", image->path, image->digest != NULL ? "@" : ":", image->digest != NULL ? image->digest : image->tag, NULL),
                  *part = g_strconcat (image->registry, "/", image->path, NULL);
  json_t *found = json_object_get (scopes, name);
  while (found == NULL && part[0] != '\0')
    {
      found = json_object_get (scopes, part);
      char *slash = strrchr (part, '/');
      *(slash != NULL ? slash : part) = '\0';
    }
  for (const char *dot = strchr (image->registry, '.'); found == NULL && dot != NULL; dot = strchr (dot + 1, '.'))
    {
      g_autofree char *wildcard = g_strdup_printf ("*%.*s", (int) strcspn (dot, ":"), dot);
      found = json_object_get (scopes, wildcard);
    }
  return found;
}

/* find_place: the same for a path and the folders above it. */
static json_t *
find_place (json_t *scopes, const char *place)
{
  g_autofree char *part = g_strdup (place);
  json_t *found = json_object_get (scopes, part);
  char *end = strchr (part, ':');
  if (end != NULL)
    *end = '\0';
  while (found == NULL && part[0] != '\0')
    {
      found = json_object_get (scopes, part);
      char *slash = strrchr (part, '/');
      *(slash != NULL ? slash : part) = '\0';
    }
  return found;
}

static char *
shown (const PolicyImage *image)
{
  if (image->registry == NULL)
    return g_strdup_printf ("%s:%s", image->transport, image->place);
  return g_strdup_printf ("%s://%s/%s%s%s", image->transport, image->registry, image->path, image->digest != NULL ? "@" : ":", image->digest != NULL ? image->digest : image->tag);
}

/* ---- what a requirement may say */

static const struct { const char *type; const char *const *keys; } requirement_kinds[] = {
  { "insecureAcceptAnything", (const char *const[]){ "type", NULL } },
  { "reject", (const char *const[]){ "type", NULL } },
  { "signedBy", (const char *const[]){ "type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity", NULL } },
  { "sigstoreSigned",
    (const char *const[]){ "type", "keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki", "rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas",
                            "signedIdentity", NULL } },
};

static const struct { const char *type; const char *const *keys; } identity_kinds[] = {
  { "matchExact", (const char *const[]){ "type", NULL } },
  { "matchRepoDigestOrExact", (const char *const[]){ "type", NULL } },
  { "matchRepository", (const char *const[]){ "type", NULL } },
  { "exactReference", (const char *const[]){ "type", "dockerReference", NULL } },
  { "exactRepository", (const char *const[]){ "type", "dockerRepository", NULL } },
  { "remapIdentity", (const char *const[]){ "type", "prefix", "signedPrefix", NULL } },
};

static gboolean
check_keys (json_t *object, const char *const *keys, const char *what, GError **error)
{
  const char *key;
  json_t *value;
  json_object_foreach (object, key, value)
    if (!g_strv_contains (keys, key))
      return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: unknown key \"%s\"", what, key);
  return TRUE;
}

static gboolean
check_identity (json_t *identity, GError **error)
{
  const char *type = json_string_value (json_object_get (identity, "type"));
  if (identity == NULL)
    return TRUE;
  for (size_t i = 0; type != NULL && i < G_N_ELEMENTS (identity_kinds); i++)
    if (strcmp (type, identity_kinds[i].type) == 0)
      {
        const char *const *keys = identity_kinds[i].keys;
        for (const char *const *key = keys; *key != NULL; key++)
          if (!json_is_string (json_object_get (identity, *key)))
            return coracle_throw (error, CORACLE_ERROR_INVALID, "signedIdentity %s: %s is missing", type, *key);
        return check_keys (identity, keys, "signedIdentity", error);
      }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "signedIdentity: unknown policy reference match type \"%s\"", type != NULL ? type : "");
}

/* check_signed: exactly one source of keys, of the right kind. */
static gboolean
check_signed (json_t *one, const char *type, GError **error)
{
  static const struct { const char *key; gboolean list; } sources[] = { { "keyPath", FALSE }, { "keyPaths", TRUE }, { "keyData", FALSE }, { "keyDatas", TRUE } };
  const char *key;
  json_t *value, *item;
  size_t i;
  int n = 0;
  json_object_foreach (one, key, value)
    if (strcmp (key, "fulcio") == 0 || strcmp (key, "pki") == 0 || g_str_has_prefix (key, "rekor"))
      return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s by %s is not checked in this version (public keys are), so the image is refused", type, key);
  for (i = 0; i < G_N_ELEMENTS (sources); i++)
    {
      value = json_object_get (one, sources[i].key);
      if (value == NULL)
        continue;
      n++;
      if (sources[i].list ? json_array_size (value) == 0 : !json_is_string (value))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: %s", type, sources[i].key);
      size_t j;
      json_array_foreach (value, j, item)
        if (!json_is_string (item))
          return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: %s", type, sources[i].key);
    }
  if (n != 1)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: exactly one of keyPath, keyPaths and keyData%s must be given", type, strcmp (type, "signedBy") == 0 ? "" : ", keyDatas");
  if (strcmp (type, "signedBy") == 0 && g_strcmp0 (json_string_value (json_object_get (one, "keyType")), "GPGKeys") != 0)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "signedBy: keyType must be GPGKeys");
  return check_identity (json_object_get (one, "signedIdentity"), error);
}

static gboolean
check_requirement (json_t *one, GError **error)
{
  const char *type = json_string_value (json_object_get (one, "type"));
  for (size_t i = 0; type != NULL && i < G_N_ELEMENTS (requirement_kinds); i++)
    if (strcmp (type, requirement_kinds[i].type) == 0)
      return check_keys (one, requirement_kinds[i].keys, type, error) && (!g_str_has_prefix (type, "sig") || check_signed (one, type, error));
  return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown policy requirement type \"%s\"", type != NULL ? type : "");
}

static const char *
type_of (json_t *requirement)
{
  return json_string_value (json_object_get (requirement, "type"));
}

json_t *
image_policy_find_in (json_t *policy, const PolicyImage *image, gboolean *ret_simple, gboolean *ret_sigstore, GError **error)
{
  static const char *const top[] = { "default", "transports", NULL };
  json_t *scopes = json_object_get (json_object_get (policy, "transports"), image->transport), *requirements, *one;
  g_autofree char *name = shown (image);
  size_t i;
  *ret_simple = *ret_sigstore = FALSE;
  if (!check_keys (policy, top, "policy.json", error))
    return NULL;
  requirements = image->registry != NULL ? find_docker (scopes, image) : find_place (scopes, image->place);
  if (requirements == NULL)
    requirements = json_object_get (scopes, "");
  if (requirements == NULL)
    requirements = json_object_get (policy, "default");
  if (json_array_size (requirements) == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "policy.json: List of verification policy requirements must not be empty"), NULL;
  json_array_foreach (requirements, i, one)
    {
      if (!check_requirement (one, error))
        return coracle_prefix (error, "policy.json"), NULL;
      *ret_simple = *ret_simple || strcmp (type_of (one), "signedBy") == 0;
      *ret_sigstore = *ret_sigstore || strcmp (type_of (one), "sigstoreSigned") == 0;
    }
  json_array_foreach (requirements, i, one)
    if (strcmp (type_of (one), "reject") == 0)
      return coracle_throw (error, CORACLE_ERROR_DENIED, "Source image rejected: Running image %s is rejected by policy.", name), NULL;
  if (image->registry == NULL && (*ret_simple || *ret_sigstore))
    return coracle_throw (error, CORACLE_ERROR_DENIED, "Source image rejected: A signature was required, but no signature exists"), NULL;
  return json_incref (requirements);
}

json_t *
image_policy_find (const PolicyImage *image, gboolean *ret_simple, gboolean *ret_sigstore, GError **error)
{
  g_autofree char *file = policy_file_path ();
  g_autoptr (GError) problem = NULL;
  *ret_simple = *ret_sigstore = FALSE;
  json_auto_t *policy = policy_file_read (file, &problem);
  if (policy != NULL)
    return image_policy_find_in (policy, image, ret_simple, ret_sigstore, error);
  if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    return json_array ();
  g_propagate_error (error, g_steal_pointer (&problem));
  return NULL;
}

/* ---- identities */

/* Name: a reference in full: "docker.io/library/busybox", "1" or a digest; .suffix "" where it has neither. */
typedef struct {
  char *name, *suffix;
} Name;

static void
name_clear (Name *name)
{
  g_free (name->name);
  g_free (name->suffix);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Name, name_clear)

static gboolean
name_read (const char *text, Name *ret_name, GError **error)
{
  g_autoptr (ImageName) given = image_name_parse (text, error);
  if (given == NULL)
    return coracle_prefix (error, "\"%s\"", text);
  const char *registry = given->registry != NULL ? given->registry : "docker.io";
  gboolean library = strcmp (registry, "docker.io") == 0 && strchr (given->path, '/') == NULL;
  ret_name->name = g_strconcat (registry, "/", library ? "library/" : "", given->path, NULL);
  ret_name->suffix = given->digest != NULL ? g_strconcat ("@", given->digest, NULL) : given->tag != NULL ? g_strconcat (":", given->tag, NULL) : g_strdup ("");
  return TRUE;
}

static gboolean
same (const Name *one, const Name *other)
{
  return one->suffix[0] != '\0' && strcmp (one->name, other->name) == 0 && strcmp (one->suffix, other->suffix) == 0;
}

/* repo_digest_or_exact: with a digest any tag of the repository will do. */
static gboolean
repo_digest_or_exact (const Name *wanted, const Name *found)
{
  return wanted->suffix[0] == '@' ? strcmp (wanted->name, found->name) == 0 : same (wanted, found);
}

/* remap: @wanted with its prefix replaced, if it has it. */
static void
remap (json_t *identity, Name *wanted)
{
  const char *prefix = json_string_value (json_object_get (identity, "prefix")), *with = json_string_value (json_object_get (identity, "signedPrefix"));
  gsize length = strlen (prefix);
  char next = g_str_has_prefix (wanted->name, prefix) ? wanted->name[length] : 'x';
  if (next != '/' && next != '\0')
    return;
  char *mapped = g_strconcat (with, wanted->name + length, NULL);
  g_free (wanted->name);
  wanted->name = mapped;
}

gboolean
image_policy_identity (json_t *identity, const PolicyImage *image, const char *signed_as, GError **error)
{
  const char *type = identity != NULL ? type_of (identity) : "matchRepoDigestOrExact";
  g_auto (Name) wanted = { g_strconcat (image->registry, "/", image->path, NULL), image->digest != NULL ? g_strconcat ("@", image->digest, NULL) : g_strconcat (":", image->tag, NULL) };
  g_auto (Name) found = { NULL, NULL }, exact = { NULL, NULL };
  gboolean fits = FALSE;
  if (!name_read (signed_as, &found, error))
    return FALSE;
  if (strcmp (type, "exactReference") == 0 || strcmp (type, "exactRepository") == 0)
    {
      gboolean whole = strcmp (type, "exactReference") == 0;
      if (!name_read (json_string_value (json_object_get (identity, whole ? "dockerReference" : "dockerRepository")), &exact, error))
        return FALSE;
      fits = whole ? same (&exact, &found) : strcmp (exact.name, found.name) == 0;
    }
  else if (strcmp (type, "matchExact") == 0)
    fits = same (&wanted, &found);
  else if (strcmp (type, "matchRepository") == 0)
    fits = strcmp (wanted.name, found.name) == 0;
  else
    {
      if (strcmp (type, "remapIdentity") == 0)
        remap (identity, &wanted);
      fits = repo_digest_or_exact (&wanted, &found);
    }
  return fits || coracle_throw (error, CORACLE_ERROR_DENIED, "Signature for identity \"%s\" is not accepted", signed_as);
}

/* ---- signatures */

/* for_keys: @take each key of @requirement, as bytes. */
static gboolean
for_keys (json_t *requirement, gboolean (*take) (const char *data, gsize size, gpointer keys, GError **error), gpointer keys, GError **error)
{
  static const struct { const char *one, *many; gboolean data; } sources[] = { { "keyPath", "keyPaths", FALSE }, { "keyData", "keyDatas", TRUE } };
  for (size_t i = 0; i < G_N_ELEMENTS (sources); i++)
    {
      json_t *one = json_object_get (requirement, sources[i].one), *many = json_object_get (requirement, sources[i].many);
      for (size_t j = 0; j < (one != NULL ? 1 : json_array_size (many)); j++)
        {
          const char *text = json_string_value (one != NULL ? one : json_array_get (many, j));
          g_autofree char *data = NULL;
          gsize size = 0;
          g_autoptr (GError) problem = NULL;
          if (sources[i].data)
            data = (char *) g_base64_decode (text, &size);
          else if (!g_file_get_contents (text, &data, &size, &problem))
            return coracle_throw (error, CORACLE_ERROR_INVALID, "open %s: %s", text, problem->message);
          if (!take (data, size, keys, error))
            return coracle_prefix (error, "%s", sources[i].data ? "keyData" : text);
        }
    }
  return TRUE;
}

static gboolean
take_sigstore (const char *data, gsize size, gpointer keys, GError **error)
{
  SigstoreKey *key = sigstore_key_new (data, size, error);
  if (key != NULL)
    g_ptr_array_add (keys, key);
  return key != NULL;
}

static gboolean
take_simple (const char *data, gsize size, gpointer keys, GError **error)
{
  return simple_keys_add_data (keys, data, size, error);
}

/* The keys of one requirement. */
typedef struct {
  GPtrArray *sigstore;   /* of SigstoreKey */
  SimpleKeys *simple;
} Keys;

static void
keys_clear (Keys *keys)
{
  g_clear_pointer (&keys->sigstore, g_ptr_array_unref);
  g_clear_pointer (&keys->simple, simple_keys_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Keys, keys_clear)

/* open_signature: @ret_payload: what was signed, found good. */
static gboolean
open_signature (const Keys *keys, const ImageSignature *signature, char **ret_payload, gsize *ret_size, GError **error)
{
  gsize size;
  const void *data = g_bytes_get_data (signature->data, &size);
  if (signature->kind == SIGNATURE_SIMPLE)
    return simple_verify (keys->simple, data, size, ret_payload, ret_size, error);
  for (guint i = 0; i < keys->sigstore->len; i++)
    if (sigstore_verify (keys->sigstore->pdata[i], data, size, signature->signature))
      {
        *ret_payload = g_strndup (data, size);
        *ret_size = size;
        return TRUE;
      }
  return coracle_throw (error, CORACLE_ERROR_DENIED, "cryptographic signature verification failed: the signature was made by none of the keys of the policy");
}

static gboolean
accepts (json_t *requirement, const Keys *keys, const PolicyImage *image, const char *digest, const ImageSignature *signature, GError **error)
{
  g_autofree char *payload = NULL;
  gsize size;
  g_auto (SignaturePayload) says = { NULL };
  if (!open_signature (keys, signature, &payload, &size, error) || !signature_payload_parse (payload, size, signature->kind, &says, error)
      || !image_policy_identity (json_object_get (requirement, "signedIdentity"), image, says.reference, error))
    return FALSE;
  return strcmp (says.digest, digest) == 0 || coracle_throw (error, CORACLE_ERROR_DENIED, "Signature for docker digest \"%s\" is not accepted", says.digest);
}

static gboolean
meets (json_t *requirement, const PolicyImage *image, const char *digest, const GPtrArray *signatures, GError **error)
{
  SignatureKind kind = strcmp (type_of (requirement), "signedBy") == 0 ? SIGNATURE_SIMPLE : SIGNATURE_SIGSTORE;
  g_auto (Keys) keys = { g_ptr_array_new_with_free_func ((GDestroyNotify) sigstore_key_free), NULL };
  g_autoptr (GString) reasons = g_string_new (NULL);
  guint n = 0;
  for (guint i = 0; i < signatures->len; i++)
    n += ((const ImageSignature *) signatures->pdata[i])->kind == kind;
  if (n == 0)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "Source image rejected: A signature was required, but no signature exists");
  if (kind == SIGNATURE_SIMPLE && (keys.simple = simple_keys_new (error)) == NULL)
    return FALSE;
  if (!(kind == SIGNATURE_SIMPLE ? for_keys (requirement, take_simple, keys.simple, error) : for_keys (requirement, take_sigstore, keys.sigstore, error)))
    return FALSE;
  for (guint i = 0; i < signatures->len; i++)
    {
      const ImageSignature *signature = signatures->pdata[i];
      g_autoptr (GError) problem = NULL;
      if (signature->kind != kind)
        continue;
      if (accepts (requirement, &keys, image, digest, signature, &problem))
        return TRUE;
      g_string_append_printf (reasons, "%s%s", reasons->len > 0 ? "; " : "", problem->message);
    }
  return coracle_throw (error, CORACLE_ERROR_DENIED, n == 1 ? "Source image rejected: %s" : "Source image rejected: None of the signatures were accepted, reasons: %s", reasons->str);
}

gboolean
image_policy_verify (json_t *requirements, const PolicyImage *image, const char *digest, const GPtrArray *signatures, GError **error)
{
  size_t i;
  json_t *one;
  json_array_foreach (requirements, i, one)
    if (g_str_has_prefix (type_of (one), "sig") && !meets (one, image, digest, signatures, error))
      return FALSE;
  return TRUE;
}
