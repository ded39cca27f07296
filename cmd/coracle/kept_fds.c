#include "cmd/coracle/kept_fds.h"

#include <fcntl.h>

#include "pkg/base/error.h"

static void
sort (GArray *kept)
{
  for (guint i = 1; i < kept->len; i++)
    for (guint k = i; k > 0 && g_array_index (kept, int, k) < g_array_index (kept, int, k - 1); k--)
      {
        int swapped = g_array_index (kept, int, k);
        g_array_index (kept, int, k) = g_array_index (kept, int, k - 1);
        g_array_index (kept, int, k - 1) = swapped;
      }
}

gboolean
kept_fds_read (const CliArgs *args, GArray *kept, GError **error)
{
  for (gint64 i = 0; i < cli_args_int (args, "preserve-fds"); i++)
    {
      int fd = 3 + (int) i;
      if (i > 65536 || fcntl (fd, F_GETFD) < 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "file descriptor %d is not available - the preserve-fds option requires that file descriptors must be passed", fd);
      g_array_append_val (kept, fd);
    }
  for (const char *const *text = cli_args_list (args, "preserve-fd"); *text != NULL; text++)
    {
      guint64 number = g_ascii_strtoull (*text, NULL, 0);
      int fd = number < 1 << 20 ? (int) number : -1;
      if (fcntl (fd, F_GETFD) < 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "file descriptor %s is not available - the preserve-fd option requires that file descriptors must be passed", *text);
      gboolean there = fd < 3;
      for (guint i = 0; i < kept->len && !there; i++)
        there = g_array_index (kept, int, i) == fd;
      if (!there)
        g_array_append_val (kept, fd);
    }
  sort (kept);
  return TRUE;
}
