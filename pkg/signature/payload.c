#include "pkg/signature/payload.h"

#include <jansson.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/image/digest.h"
#include "pkg/json/json.h"

ImageSignature *
image_signature_new (SignatureKind kind, GBytes *data, const char *signature)
{
  ImageSignature *one = g_new (ImageSignature, 1);
  *one = (ImageSignature){ kind, data, g_strdup (signature) };
  return one;
}

void
image_signature_free (ImageSignature *signature)
{
  if (signature == NULL)
    return;
  g_bytes_unref (signature->data);
  g_free (signature->signature);
  g_free (signature);
}

void
signature_payload_clear (SignaturePayload *payload)
{
  g_free (payload->reference);
  g_free (payload->digest);
  *payload = (SignaturePayload){ NULL, NULL };
}

/* has_exactly: @object has the members @names, NULL-terminated, and no others. */
static gboolean
has_exactly (json_t *object, const char *const *names)
{
  if (!json_is_object (object) || json_object_size (object) != g_strv_length ((char **) names))
    return FALSE;
  for (; *names != NULL; names++)
    if (json_object_get (object, *names) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
throw_form (GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the payload of the signature has not the form that it should have");
}

/* optional_fits: of what is not critical only the types of what is known. */
static gboolean
optional_fits (json_t *optional, SignatureKind kind)
{
  if (json_is_null (optional))
    return kind == SIGNATURE_SIGSTORE;   /* cosign writes that */
  json_t *creator = json_object_get (optional, "creator"), *timestamp = json_object_get (optional, "timestamp");
  return json_is_object (optional) && (creator == NULL || json_is_string (creator)) && (timestamp == NULL || json_is_number (timestamp));
}

static const char *const types[] = { [SIGNATURE_SIMPLE] = "atomic container signature", [SIGNATURE_SIGSTORE] = "cosign container image signature" };

gboolean
signature_payload_parse (const char *data, gsize size, SignatureKind kind, SignaturePayload *ret_payload, GError **error)
{
  static const char *const top[] = { "critical", "optional", NULL }, *const within[] = { "type", "image", "identity", NULL }, *const image_names[] = { "docker-manifest-digest", NULL },
                           *const identity_names[] = { "docker-reference", NULL };
  json_auto_t *root = json_parse_bounded (data, size, SIGNATURE_LIMIT, JSON_PARSE_UNIQUE_KEYS, error);
  json_t *critical = json_object_get (root, "critical"), *image = json_object_get (critical, "image"), *identity = json_object_get (critical, "identity");
  if (root == NULL)
    return FALSE;
  if (!has_exactly (root, top) || !has_exactly (critical, within) || !has_exactly (image, image_names) || !has_exactly (identity, identity_names)
      || !optional_fits (json_object_get (root, "optional"), kind))
    return throw_form (error);
  const char *type = json_string_value (json_object_get (critical, "type")), *digest = json_string_value (json_object_get (image, "docker-manifest-digest")),
             *reference = json_string_value (json_object_get (identity, "docker-reference"));
  if (g_strcmp0 (type, types[kind]) != 0 || digest == NULL || reference == NULL || !image_digest_is_sha256 (digest))
    return throw_form (error);
  *ret_payload = (SignaturePayload){ g_strdup (reference), g_strdup (digest) };
  return TRUE;
}

char *
signature_payload_make (SignatureKind kind, const char *reference, const char *digest)
{
  json_auto_t *payload = json_pack ("{s:{s:{s:s}, s:{s:s}, s:s}, s:{s:s, s:I}}", "critical", "identity", "docker-reference", reference, "image", "docker-manifest-digest", digest, "type",
                                    types[kind], "optional", "creator", "coracle " CORACLE_VERSION, "timestamp", (json_int_t) (g_get_real_time () / G_USEC_PER_SEC));
  return json_to_text (payload, 0, JSON_TEXT_DEFAULT);
}
