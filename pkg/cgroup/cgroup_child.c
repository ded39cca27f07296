#include "pkg/cgroup/cgroup_child.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/fd.h"

uint64_t
cgroup_child_oom_kills (int fd)
{
  char text[512];
  int events = fd < 0 ? -1 : openat (fd, "memory.events", O_RDONLY | O_CLOEXEC);
  if (events < 0)
    return 0;
  ssize_t n = fd_read_all (events, text, sizeof text - 1);
  fd_close (events);
  text[n > 0 ? n : 0] = '\0';
  const char *at = strstr (text, "oom_kill ");
  uint64_t count = 0;
  for (at = at != NULL ? at + 9 : ""; *at >= '0' && *at <= '9'; at++)
    count = count * 10 + (uint64_t) (*at - '0');
  return count;
}

int
cgroup_child_enter (int fd)
{
  int procs = openat (fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (procs < 0)
    return -errno;
  int r = fd_write_all (procs, "0", 1);
  fd_close (procs);
  return r;
}
