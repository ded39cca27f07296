#include "pkg/monitor/detach_keys.h"

#include <string.h>

#include "pkg/base/error.h"

/* key_of: -1 if it is none. */
static int
key_of (const char *word)
{
  if (strlen (word) == 1)
    return (guint8) word[0];
  if (!g_str_has_prefix (word, "ctrl-") || strlen (word) != strlen ("ctrl-") + 1)
    return -1;
  char key = word[strlen ("ctrl-")];
  if (key >= 'a' && key <= 'z')
    return key - 'a' + 1;
  /* '@' is 0 on a keyboard's control row, '_' 31 */
  return key == '@' || (key >= '[' && key <= '_') ? key - '@' : -1;
}

gboolean
detach_keys_parse (const char *text, DetachKeys *ret_keys, GError **error)
{
  DetachKeys keys = { 0 };
  if (text[0] == '\0')
    {
      *ret_keys = keys;
      return TRUE;
    }
  g_auto (GStrv) words = g_strsplit (text, ",", -1);
  for (gsize i = 0; words[i] != NULL; i++)
    {
      int key = key_of (words[i]);
      if (key < 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid detach keys \"%s\": unknown character: '%s'", text, words[i]);
      if (keys.n == DETACH_KEYS_MAX)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid detach keys \"%s\": more than %d", text, DETACH_KEYS_MAX);
      keys.keys[keys.n++] = (guint8) key;
    }
  *ret_keys = keys;
  return TRUE;
}

/* advance: @byte was typed after keys->matched keys. The longest end of it all that is a beginning of the keys stays held. Returns how many bytes from the front are let go. */
static gsize
advance (DetachKeys *keys, guint8 byte)
{
  guint8 typed[DETACH_KEYS_MAX + 1];
  gsize n = keys->matched;
  memcpy (typed, keys->keys, n);
  typed[n++] = byte;
  for (gsize k = MIN (n, keys->n); k > 0; k--)
    if (memcmp (typed + n - k, keys->keys, k) == 0)
      {
        keys->matched = (guint8) k;
        return n - k;
      }
  keys->matched = 0;
  return n;
}

gsize
detach_keys_filter (DetachKeys *keys, const char *from, gsize size, char *to, gboolean *ret_found)
{
  gsize put = 0;
  *ret_found = FALSE;
  for (gsize i = 0; i < size; i++)
    {
      guint8 held = keys->matched, byte = (guint8) from[i];
      gsize free = advance (keys, byte);
      gsize old = MIN (free, held);
      memcpy (to + put, keys->keys, old);
      put += old;
      if (free > held)
        to[put++] = (char) byte;
      if (keys->n > 0 && keys->matched == keys->n)
        {
          keys->matched = 0;
          *ret_found = TRUE;
          return put;
        }
    }
  return put;
}

gsize
detach_keys_flush (DetachKeys *keys, char *to)
{
  gsize n = keys->matched;
  memcpy (to, keys->keys, n);
  keys->matched = 0;
  return n;
}
