/* What systemd answers: any bytes are a message or refused, and what was read is text. */
#include <stdint.h>
#include <string.h>

#include "pkg/cgroup/scope.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  gssize whole = scope_message_size (data, size);
  if (whole > (gssize) size)
    g_error ("a message larger than its bytes");
  ScopeMessage message;
  if (scope_message_read (data, whole > 0 ? (gsize) whole : size, &message))
    {
      for (gsize i = 0; i < G_N_ELEMENTS (message.texts); i++)
        if (message.texts[i] != NULL && strlen (message.texts[i]) > size)
          g_error ("text from nowhere");
      scope_message_clear (&message);
    }
  return 0;
}
