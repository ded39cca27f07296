/* Any header parses or is refused; what parsed has a kind, and a bearer challenge a realm. */
#include <stdint.h>

#include "pkg/registry/challenge.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_auto (Challenge) challenge = { CHALLENGE_NONE };
  gboolean parsed = challenge_parse (text, &challenge);
  if (parsed != (challenge.kind != CHALLENGE_NONE) || (challenge.kind == CHALLENGE_BEARER && challenge.realm == NULL))
    g_error ("a challenge of no kind, or without realm");
  return 0;
}
