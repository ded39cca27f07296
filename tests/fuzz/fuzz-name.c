/* Whatever parses prints as it was, normalises to something that normalises to itself, and is found among its own candidates. */
#include <stdint.h>
#include <string.h>

#include "pkg/image/name.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autofree char *full = image_name_normalize (text, "localhost", NULL);
  (void) image_name_matches (text, "quay.io/team/app-with-a-long-name:v1.2");
  if (full == NULL)
    return 0;
  g_autoptr (ImageName) name = image_name_parse (text, NULL);
  g_autofree char *printed = image_name_to_string (name);
  if (strcmp (printed, g_str_has_prefix (text, "docker://") ? text + strlen ("docker://") : text) != 0)
    g_error ("printed as %s", printed);
  g_autofree char *again = image_name_normalize (full, "localhost", NULL);
  if (g_strcmp0 (again, full) != 0)
    g_error ("%s is not stable", full);
  g_auto (GStrv) candidates = image_name_candidates (text, NULL);
  if (!g_strv_contains ((const char *const *) candidates, full))
    g_error ("%s is no candidate", full);
  if (!image_name_matches ("*", full))
    g_error ("%s does not match *", full);
  return 0;
}
