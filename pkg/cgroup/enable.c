#include "pkg/cgroup/enable.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/cgroup/cgroup.h"

gboolean
enable_word (const char *text, const char *word)
{
  size_t length = strlen (word);
  for (const char *at = text; at != NULL && (at = strstr (at, word)) != NULL; at += length)
    if ((at == text || at[-1] == ' ' || at[-1] == '\n') && (at[length] == '\0' || at[length] == ' ' || at[length] == '\n'))
      return TRUE;
  return FALSE;
}

int
enable_all (int fd)
{
  g_autofree char *have = cgroup_read (fd, "cgroup.controllers"), *given = cgroup_read (fd, "cgroup.subtree_control");
  if (have == NULL || given == NULL)
    return -ENOENT;
  g_auto (GStrv) words = g_strsplit (have, " ", -1);
  for (char **word = words; *word != NULL; word++)
    {
      if (**word == '\0' || enable_word (given, *word))
        continue;
      g_autofree char *text = g_strconcat ("+", *word, NULL);
      if (cgroup_write (fd, "cgroup.subtree_control", text) == -EBUSY)
        return -EBUSY;
    }
  return 0;
}

int
enable_supervisor (int fd)
{
  if (mkdirat (fd, "supervisor", 0755) < 0 && errno != EEXIST)
    return -errno;
  return cgroup_write (fd, "supervisor/cgroup.procs", "0");
}

void
enable_all_at (int fd)
{
  if (enable_all (fd) == -EBUSY && enable_supervisor (fd) == 0)
    (void) enable_all (fd);
}
