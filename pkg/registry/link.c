#include "pkg/registry/link.h"

#include <glib.h>
#include <string.h>

#define LINK_LIMIT 4096

/* is_next: do the parameters, up to @end, say rel=next? A relation may be one of several. */
static gboolean
is_next (const char *at, const char *end)
{
  g_autofree char *text = g_strndup (at, (gsize) (end - at));
  g_auto (GStrv) parameters = g_strsplit (text, ";", 32);
  for (char **parameter = parameters; *parameter != NULL; parameter++)
    {
      char *equals = strchr (*parameter, '=');
      if (equals == NULL)
        continue;
      *equals = '\0';
      char *name = g_strstrip (*parameter), *value = g_strstrip (equals + 1);
      if (*value == '"')
        value++;
      g_auto (GStrv) words = g_ascii_strcasecmp (name, "rel") == 0 ? g_strsplit_set (value, " \"", 16) : NULL;
      for (char **word = words; word != NULL && *word != NULL; word++)
        if (g_ascii_strcasecmp (*word, "next") == 0)
          return TRUE;
    }
  return FALSE;
}

/* as_path: what is below @base; NULL: something else, or no URL. */
static char *
as_path (const char *target, gsize length, const char *base)
{
  gsize known = strlen (base);
  if (length > known && strncmp (target, base, known) == 0 && target[known] == '/')
    {
      target += known;
      length -= known;
    }
  if (length == 0 || length > LINK_LIMIT || target[0] != '/' || (length > 1 && target[1] == '/'))
    return NULL;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isgraph (target[i]))
      return NULL;
  return g_strndup (target, length);
}

char *
link_next (const char *header, const char *base)
{
  /* several links are parted by commas; a target may have one too, but no "<" */
  for (const char *open = strchr (header, '<'); open != NULL;)
    {
      const char *close = strchr (open, '>'), *next = close != NULL ? strchr (close, '<') : NULL;
      if (close == NULL)
        return NULL;
      if (is_next (close + 1, next != NULL ? next : close + strlen (close)))
        return as_path (open + 1, (gsize) (close - open - 1), base);
      open = next;
    }
  return NULL;
}
