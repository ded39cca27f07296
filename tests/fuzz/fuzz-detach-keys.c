/* The words of --detach-keys, and what is typed after them: nothing is lost or made up, in whatever pieces it comes. */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "pkg/monitor/detach_keys.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const uint8_t *end = memchr (data, '\n', size);
  g_autofree char *words = g_strndup ((const char *) data, end != NULL ? (size_t) (end - data) : size);
  DetachKeys keys;
  if (end == NULL || !detach_keys_parse (words, &keys, NULL))
    return 0;
  const uint8_t *typed = end + 1;
  size_t n = size - (size_t) (typed - data), got = 0;
  g_autofree char *out = g_malloc (n + DETACH_KEYS_MAX + 1);
  for (size_t at = 0; at < n;)
    {
      char buffer[DETACH_KEYS_MAX + 16];
      size_t piece = MIN (n - at, (size_t) (typed[at] % 16) + 1);
      gboolean found;
      memcpy (buffer + DETACH_KEYS_MAX, typed + at, piece);
      gsize passed = detach_keys_filter (&keys, buffer + DETACH_KEYS_MAX, piece, buffer, &found);
      memcpy (out + got, buffer, passed);
      got += passed;
      if (found)
        return 0;
      at += piece;
    }
  got += detach_keys_flush (&keys, out + got);
  g_assert_cmpmem (out, got, typed, n);
  return 0;
}
