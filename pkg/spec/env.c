#include "pkg/spec/env.h"

#include "pkg/base/error.h"
#include "pkg/base/path.h"

#include <fcntl.h>
#include <string.h>

#define FILE_LIMIT (1 << 20)

static gboolean
is_key (const char *entry, const char *key, size_t length)
{
  return strncmp (entry, key, length) == 0 && entry[length] == '=';
}

static void
env_put (char ***env, const char *key, size_t length, const char *value)
{
  char *entry = g_strdup_printf ("%.*s=%s", (int) length, key, value);
  size_t n = 0;
  for (; *env != NULL && (*env)[n] != NULL; n++)
    if (is_key ((*env)[n], key, length))
      {
        g_free ((*env)[n]);
        (*env)[n] = entry;
        return;
      }
  *env = g_renew (char *, *env, n + 2);
  (*env)[n] = entry;
  (*env)[n + 1] = NULL;
}

void
spec_env_set (char ***env, const char *key, const char *value)
{
  env_put (env, key, strlen (key), value);
}

void
spec_env_unset (char ***env, const char *key)
{
  if (*env == NULL)
    return;
  size_t length = strlen (key), kept = 0;
  for (size_t i = 0; (*env)[i] != NULL; i++)
    if (is_key ((*env)[i], key, length))
      g_free ((*env)[i]);
    else
      (*env)[kept++] = (*env)[i];
  (*env)[kept] = NULL;
}

const char *
spec_env_get (const char *const *env, const char *key)
{
  size_t length = strlen (key);
  for (; env != NULL && *env != NULL; env++)
    if (is_key (*env, key, length))
      return *env + length + 1;
  return NULL;
}

/* Every variable of @host whose name begins with the @length characters at @prefix. */
static void
add_matching (char ***env, const char *prefix, size_t length, const char *const *host)
{
  for (; host != NULL && *host != NULL; host++)
    {
      const char *equals = strchr (*host, '=');
      if (equals != NULL && equals > *host && (size_t) (equals - *host) >= length && strncmp (*host, prefix, length) == 0)
        env_put (env, *host, (size_t) (equals - *host), equals + 1);
    }
}

void
spec_env_add_all (char ***env, const char *const *host)
{
  add_matching (env, "", 0, host);
}

gboolean
spec_env_add (char ***env, const char *text, const char *const *host, GError **error)
{
  const char *equals = strchr (text, '=');
  const size_t length = equals != NULL ? (size_t) (equals - text) : strlen (text);
  if (length == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid variable: \"%s\"", text);
  if (equals != NULL)
    env_put (env, text, length, equals + 1);
  else if (text[length - 1] == '*')
    add_matching (env, text, length - 1, host);
  else
    {
      const char *value = spec_env_get (host, text);
      if (value != NULL)
        env_put (env, text, length, value);
    }
  return TRUE;
}

gboolean
spec_env_add_file (char ***env, const char *path, const char *const *host, GError **error)
{
  g_autofree char *text = NULL;
  size_t size;
  GError *failed = NULL;
  if (!path_read_file (AT_FDCWD, path, FILE_LIMIT, &text, &size, &failed))
    {
      if (!g_error_matches (failed, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, failed);
          return coracle_prefix (error, "env-file %s", path);
        }
      g_error_free (failed);
      return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "open %s: no such file or directory", path);
    }
  if (memchr (text, '\0', size) != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "env-file %s: holds a NUL byte", path);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (size_t i = 0; lines[i] != NULL; i++)
    {
      char *line = lines[i] + strspn (lines[i], " \t\r\v\f");
      size_t length = strlen (line);
      if (length > 0 && line[length - 1] == '\r')
        line[length - 1] = '\0';
      if (*line != '\0' && *line != '#' && !spec_env_add (env, line, host, error))
        return coracle_prefix (error, "%s:%zu", path, i + 1);
    }
  return TRUE;
}
