/* json_pick: a scanner that builds nothing but what is asked for. */
#include <string.h>

#include "pkg/json/json.h"

static const char *
skip_space (const char *at)
{
  return at + strspn (at, " \t\r\n");
}

/* skip_string: @at: after the opening quote. Returns what follows the closing one; NULL: it has none. */
static const char *
skip_string (const char *at)
{
  for (;;)
    {
      at += strcspn (at, "\"\\");
      if (*at == '"')
        return at + 1;
      if (*at == '\0' || at[1] == '\0')
        return NULL;
      at += 2;
    }
}

/* skip_value: returns what follows it. Whether it is well formed is not asked: who wants it parses it. */
static const char *
skip_value (const char *at)
{
  for (int depth = 0;;)
    {
      char c = *at;
      if (c == '\0' || (depth == 0 && (c == ',' || c == '}' || c == ']')))
        return at;
      at++;
      if (c == '"' && (at = skip_string (at)) == NULL)
        return NULL;
      if (c == '{' || c == '[')
        depth++;
      else if ((c == '}' || c == ']') && --depth < 0)
        return NULL;
    }
}

/* take: the value between @from and @to, if its key is one of @keys. */
static gboolean
take (json_t *picked, const char *const *keys, const char *key, size_t length, const char *from, const char *to)
{
  for (; *keys != NULL; keys++)
    if (strlen (*keys) == length && memcmp (*keys, key, length) == 0)
      {
        json_t *value = json_loadb (from, (size_t) (to - from), JSON_DECODE_ANY, NULL);
        return value != NULL && json_object_set_new (picked, *keys, value) == 0;
      }
  return TRUE;
}

json_t *
json_pick (const char *text, const char *const *keys)
{
  json_auto_t *picked = json_object ();
  const char *at = skip_space (text);
  if (*at != '{')
    return NULL;
  at = skip_space (at + 1);
  if (*at == '}')
    return json_incref (picked);
  for (;;)
    {
      const char *key = at + 1, *after = *at == '"' ? skip_string (key) : NULL;
      if (after == NULL || *(at = skip_space (after)) != ':')
        return NULL;
      const char *value = skip_space (at + 1), *end = skip_value (value);
      if (end == NULL || end == value || !take (picked, keys, key, (size_t) (after - 1 - key), value, end))
        return NULL;
      if (*end == '}')
        return json_incref (picked);
      if (*end != ',')
        return NULL;
      at = skip_space (end + 1);
    }
}
