/* One file of a group. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"

int
cgroup_write (int fd, const char *file, const char *text)
{
  cleanup_fd int out = openat (fd, file, O_WRONLY | O_CLOEXEC);
  if (out < 0)
    return -errno;
  /* one write: the kernel takes each as a whole command */
  return write (out, text, strlen (text)) < 0 ? -errno : 0;
}

char *
cgroup_read (int fd, const char *file)
{
  char *text = NULL;
  if (!path_read_file (fd, file, 1 << 20, &text, NULL, NULL))
    return NULL;
  return g_strchomp (text);
}

gboolean
cgroup_value (const char *text, const char *key, guint64 *ret_value)
{
  size_t length = strlen (key);
  for (const char *line = text; line != NULL && *line != '\0'; line = strchr (line, '\n'), line += line != NULL)
    if (strncmp (line, key, length) == 0 && line[length] == ' ')
      {
        char *end;
        guint64 value = g_ascii_strtoull (line + length + 1, &end, 10);
        if (end == line + length + 1)
          return FALSE;
        *ret_value = value;
        return TRUE;
      }
  return FALSE;
}
