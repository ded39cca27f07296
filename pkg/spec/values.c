#include "pkg/spec/values.h"

#include "pkg/base/error.h"
#include "pkg/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void
spec_user_free (SpecUser *user)
{
  if (user == NULL)
    return;
  g_free (user->user);
  g_free (user->group);
  g_free (user);
}

/* One half of USER:GROUP. */
static gboolean
half_fill (const char *text, const char *whole, char **ret_name, gboolean *ret_is_id, guint32 *ret_id, GError **error)
{
  const size_t digits = strspn (text, "0123456789");
  guint64 id = 0;
  for (const char *p = text; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p) || *p == ' ' || *p == '/')
      return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid user \"%s\"", whole);
  if (*text == '\0')
    return TRUE;
  if (text[digits] == '\0')
    {
      if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, &id, NULL))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid user \"%s\": uids and gids must be in range 0-2147483647", whole);
      *ret_is_id = TRUE;
      *ret_id = (guint32) id;
    }
  else if (*text == '-' && strspn (text + 1, "0123456789") == strlen (text + 1))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid user \"%s\": uids and gids must be in range 0-2147483647", whole);
  *ret_name = g_strdup (text);
  return TRUE;
}

SpecUser *
spec_user_parse (const char *text, GError **error)
{
  g_autoptr (SpecUser) user = g_new0 (SpecUser, 1);
  g_auto (GStrv) halves = g_strsplit (text, ":", -1);
  const guint n = g_strv_length (halves);
  if (n > 2)
    coracle_throw (error, CORACLE_ERROR_INVALID, "invalid user \"%s\": must be USER[:GROUP]", text);
  else if ((n < 1 || half_fill (halves[0], text, &user->user, &user->user_is_id, &user->uid, error))
           && (n < 2 || half_fill (halves[1], text, &user->group, &user->group_is_id, &user->gid, error)))
    return g_steal_pointer (&user);
  return NULL;
}

gboolean
spec_umask_parse (const char *text, mode_t *ret_umask, GError **error)
{
  const size_t n = strlen (text);
  if (n < 1 || n > 4 || strspn (text, "01234567") != n)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid umask: \"%s\" must be one to four octal digits", text);
  *ret_umask = (mode_t) strtoul (text, NULL, 8) & 0777;
  return TRUE;
}

static gboolean
file_is_regular (const char *path)
{
  struct stat st;
  return stat (path, &st) == 0 && S_ISREG (st.st_mode);
}

gboolean
spec_timezone_file (const char *text, char **ret_file, GError **error)
{
  g_autofree char *path = NULL;
  if (strcmp (text, "local") == 0)
    {
      char *real = realpath ("/etc/localtime", NULL);
      path = g_strdup (real);
      free (real);
    }
  else if (*text != '\0')
    {
      g_auto (GStrv) parts = g_strsplit (text, "/", -1);
      const char *zones = g_getenv ("TZDIR");
      if (*text != '/' && !g_strv_contains ((const char *const *) parts, ".."))
        path = g_build_filename (zones != NULL && *zones == '/' ? zones : "/usr/share/zoneinfo", text, NULL);
    }
  if (*text != '\0' && (path == NULL || !file_is_regular (path)))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "finding timezone: unknown time zone %s", text);
  *ret_file = g_steal_pointer (&path);
  return TRUE;
}

gboolean
spec_shm_size_parse (const char *text, guint64 *ret_bytes, GError **error)
{
  gint64 bytes = 0;
  if (!text_size_parse (text, &bytes, error))
    return coracle_prefix (error, "unable to translate --shm-size");
  if (bytes < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unable to translate --shm-size: \"%s\" is negative", text);
  *ret_bytes = (guint64) bytes;
  return TRUE;
}
