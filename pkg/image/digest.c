#include "pkg/image/digest.h"

#include <string.h>

gboolean
image_digest_is_sha256 (const char *text)
{
  if (text == NULL || strncmp (text, "sha256:", 7) != 0)
    return FALSE;
  return strlen (text + 7) == IMAGE_DIGEST_HEX && strspn (text + 7, "0123456789abcdef") == IMAGE_DIGEST_HEX;
}

const char *
image_digest_hex (const char *digest)
{
  return digest + strlen ("sha256:");
}
