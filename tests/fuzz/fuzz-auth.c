/* Any auth.json names somebody, a helper, nobody, or is refused. */
#include <stdint.h>

#include "pkg/json/json.h"
#include "pkg/registry/credentials.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  json_auto_t *root = json_parse_bounded ((const char *) data, size, (size_t) 4 << 20, JSON_PARSE_DEFAULT, NULL);
  g_auto (Credentials) who = { 0 };
  g_autofree char *helper = NULL;
  g_autoptr (GError) error = NULL;
  if (root == NULL)
    return 0;
  gboolean ok = credentials_in (root, "a.test/x/y", &who, &helper, &error);
  if (ok == (error != NULL) || (who.username != NULL) != (who.password != NULL))
    g_error ("neither an answer nor an error, or both, or half a name");
  return 0;
}
