/* Any payload says whom it is of, or is refused; any registries.d is read or refused; any policy is checked or refused; any signature is one or not. */
#include <stdint.h>

#include "pkg/engine/image_policy.h"
#include "pkg/image/digest.h"
#include "pkg/json/json.h"
#include "pkg/signature/payload.h"
#include "pkg/signature/registries_d.h"
#include "pkg/signature/sigstore.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
try_payload (const char *text, gsize size)
{
  for (int kind = SIGNATURE_SIMPLE; kind <= SIGNATURE_SIGSTORE; kind++)
    {
      g_auto (SignaturePayload) payload = { NULL };
      g_autoptr (GError) error = NULL;
      gboolean good = signature_payload_parse (text, size, (SignatureKind) kind, &payload, &error);
      if (good == (error != NULL) || (good && !image_digest_is_sha256 (payload.digest)))
        g_error ("a payload without digest");
    }
}

static void
try_policy (const char *text, gsize size)
{
  static const PolicyImage image = { .transport = "docker", .registry = "a.test", .path = "x/app", .tag = "1" };
  json_auto_t *policy = json_parse_bounded (text, size, (size_t) 4 << 20, JSON_PARSE_UNIQUE_KEYS, NULL);
  gboolean simple, sigstore;
  g_autoptr (GError) error = NULL;
  json_auto_t *requirements = policy != NULL ? image_policy_find_in (policy, &image, &simple, &sigstore, &error) : NULL;
  if (policy != NULL && (requirements == NULL) != (error != NULL))
    g_error ("neither requirements nor an error, or both");
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (GError) error = NULL, invalid = NULL;
  g_auto (SignaturePlace) place = { NULL };
  json_auto_t *root = registries_d_parse (text, &error);
  if ((root == NULL) != (error != NULL))
    g_error ("neither value nor error, or both");
  if (root != NULL)
    (void) registries_d_find (root, "a.test", "x/app", ":1", &place, &invalid);
  try_payload ((const char *) data, size);
  try_policy ((const char *) data, size);
  g_autoptr (SigstoreKey) key = sigstore_key_new ((const char *) data, size, NULL);
  if (key != NULL && sigstore_verify (key, data, size, text))
    g_error ("signed by chance");
  return 0;
}
