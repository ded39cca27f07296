/* Any text parses or is refused with a line number, and what parsed is JSON that prints. */
#include <stdint.h>
#include <stdlib.h>

#include "pkg/toml/toml.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (GError) error = NULL;
  json_t *root = toml_parse (text, &error);
  if ((root == NULL) == (error == NULL))
    g_error ("neither value nor error, or both");
  char *dumped = root != NULL ? json_dumps (root, 0) : NULL;
  if (root != NULL && dumped == NULL)
    g_error ("not printable");
  free (dumped);
  json_decref (root);
  return 0;
}
