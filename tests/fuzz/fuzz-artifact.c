/* Any manifest of an artifact is checked or refused; what passed has descriptors with digests; any first bytes have a type. */
#include <stdint.h>
#include <string.h>

#include "pkg/archive/sniff.h"
#include "pkg/image/digest.h"
#include "storage/artifact.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  if (strchr (sniff_type (data, size), '/') == NULL)
    g_error ("no media type");
  Artifact artifact = { (char *) "", (char *) "", artifact_manifest_parse ((const char *) data, size, &error) };
  if ((artifact.manifest == NULL) != (error != NULL))
    g_error ("neither a manifest nor an error, or both");
  size_t i;
  json_t *layer;
  json_array_foreach (json_object_get (artifact.manifest, "layers"), i, layer)
    if (!image_digest_is_sha256 (json_string_value (json_object_get (layer, "digest"))))
      g_error ("a layer without digest");
  if (artifact.manifest != NULL && artifact_size (&artifact) < 0)
    g_error ("a negative size");
  json_decref (artifact.manifest);
  return 0;
}
