/* Whatever a Link header says, what is asked next is a path at the same registry, of characters that a URL may have. */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "pkg/registry/link.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size), *path = link_next (text, "https://r.test");
  if (path == NULL)
    return 0;
  if (path[0] != '/' || path[1] == '/' || strstr (text, path) == NULL)
    g_error ("leads to %s", path);
  for (const char *at = path; *at != '\0'; at++)
    if (!g_ascii_isgraph (*at))
      g_error ("a path with byte %d", *at);
  return 0;
}
