#include "pkg/base/error.h"

#include <errno.h>
#include <string.h>

G_DEFINE_QUARK (coracle-error-quark, coracle_error)

gboolean
coracle_throw (GError **error, CoracleErrorCode code, const char *format, ...)
{
  if (error == NULL)
    return FALSE;
  va_list args;
  va_start (args, format);
  g_propagate_error (error, g_error_new_valist (CORACLE_ERROR, code, format, args));
  va_end (args);
  return FALSE;
}

static CoracleErrorCode
code_from_errno (int errsv)
{
  switch (errsv)
    {
    case ENOSPC:
    case EDQUOT:
      return CORACLE_ERROR_NO_SPACE;
    case ENOENT:
      return CORACLE_ERROR_NOT_FOUND;
    case EEXIST:
      return CORACLE_ERROR_EXISTS;
    case EACCES:
    case EPERM:
      return CORACLE_ERROR_DENIED;
    default:
      return CORACLE_ERROR_SYSTEM;
    }
}

gboolean
coracle_throw_errno (GError **error, int errsv, const char *format, ...)
{
  if (error == NULL)
    return FALSE;
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  /* not g_strerror: it loads the character set converters, and the programs speak the C locale */
  return coracle_throw (error, code_from_errno (errsv), "%s: %s", what, strerror (errsv));
}

gboolean
coracle_prefix (GError **error, const char *format, ...)
{
  if (error == NULL || *error == NULL)
    return FALSE;
  va_list args;
  va_start (args, format);
  g_autofree char *prefix = g_strdup_vprintf (format, args);
  va_end (args);
  g_prefix_error (error, "%s: ", prefix);
  return FALSE;
}
