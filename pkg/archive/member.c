#include "pkg/archive/member.h"

#include <limits.h>
#include <string.h>

#include "pkg/base/error.h"

#define SHOWN_LENGTH 200

char *
member_shown (const char *path)
{
  g_autofree char *valid = g_utf8_make_valid (path, -1);
  GString *shown = g_string_new (path[0] == '\0' ? "/" : NULL);
  glong length = g_utf8_strlen (valid, -1), index = 0;
  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at), index++)
    {
      if (length > SHOWN_LENGTH && index == SHOWN_LENGTH / 2)
        g_string_append (shown, "…");
      if (length > SHOWN_LENGTH && index >= SHOWN_LENGTH / 2 && index < length - SHOWN_LENGTH / 2)
        continue;
      gunichar character = g_utf8_get_char (at);
      if (g_unichar_isprint (character))
        g_string_append_unichar (shown, character);
      else
        g_string_append_printf (shown, "\\x%02x", character);
    }
  return g_string_free (shown, FALSE);
}

gboolean
member_normalise (const char *name, char **ret_path, GError **error)
{
  if (name == NULL || name[0] == '\0')
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "a member without a name");
  if (strlen (name) >= PATH_MAX)
    {
      g_autofree char *shown = member_shown (name);
      return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: the name is too long", shown);
    }
  g_autoptr (GString) path = g_string_new (NULL);
  for (const char *at = name; *at != '\0';)
    {
      size_t length = strcspn (at, "/");
      if (length == 2 && at[0] == '.' && at[1] == '.')
        {
          const char *slash = strrchr (path->str, '/');
          if (path->len == 0)
            {
              g_autofree char *shown = member_shown (name);
              return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: the name leads out of the archive", shown);
            }
          g_string_truncate (path, slash == NULL ? 0 : (gsize) (slash - path->str));
        }
      else if (length > NAME_MAX)
        {
          g_autofree char *shown = member_shown (name);
          return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: a part of the name is too long", shown);
        }
      else if (length > 0 && !(length == 1 && at[0] == '.'))
        {
          if (path->len > 0)
            g_string_append_c (path, '/');
          g_string_append_len (path, at, (gssize) length);
        }
      at += length;
      at += *at == '/';
    }
  *ret_path = g_string_free (g_steal_pointer (&path), FALSE);
  return TRUE;
}
