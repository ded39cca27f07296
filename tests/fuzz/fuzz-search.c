/* Any answer of a registry's search or catalog is read, at most so many names, or refused. */
#include <stdint.h>

#include "pkg/registry/search.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GPtrArray) found = registry_found_new ();
  g_autoptr (GError) error = NULL;
  gboolean ok = registry_found_read ((const char *) data, size, "a", 3, found, &error);
  if (ok == (error != NULL) || found->len > 3)
    g_error ("neither an answer nor an error, or too much");
  return 0;
}
