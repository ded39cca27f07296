#include "pkg/base/fd.h"

#include "pkg/base/error.h"

gboolean
fd_read_file (int fd, size_t limit, char **ret_data, size_t *ret_size, GError **error)
{
  g_autoptr (GByteArray) data = g_byte_array_new ();
  for (;;)
    {
      guint8 chunk[16384];
      ssize_t n = fd_read_all (fd, chunk, sizeof chunk);
      if (n < 0)
        return coracle_throw_errno (error, (int) -n, "reading");
      if (data->len + (size_t) n > limit)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "reading: larger than %zu bytes", limit);
      g_byte_array_append (data, chunk, (guint) n);
      if ((size_t) n < sizeof chunk)
        break;
    }
  if (ret_size != NULL)
    *ret_size = data->len;
  g_byte_array_append (data, (const guint8 *) "", 1);
  *ret_data = (char *) g_byte_array_free (g_steal_pointer (&data), FALSE);
  return TRUE;
}
