/* Who has a port: of /proc/net's tables the socket's inode, and of /proc/PID/fd the process that has it. Source: proc_net(5), proc_pid_fd(5). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "network/port.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"

#define TCP_LISTENING 10

/* find_inode: of a socket that is bound to @port, in one of the tables; 0: none is. */
static guint64
find_inode (const char *path, guint port, gboolean udp)
{
  FILE *file = fopen (path, "re");
  char line[512];
  guint64 found = 0;
  while (file != NULL && found == 0 && fgets (line, sizeof line, file) != NULL)
    {
      unsigned number, state;
      unsigned long long inode;
      /* sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode */
      if (sscanf (line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*d %llu", &number, &state, &inode) == 3 && number == port && (udp || state == TCP_LISTENING))
        found = inode;
    }
  if (file != NULL)
    (void) fclose (file);
  return found;
}

static gboolean
has_socket (const char *pid, const char *wanted)
{
  char link[64];
  g_autofree char *path = g_strdup_printf ("/proc/%s/fd", pid);
  g_autoptr (GDir) fds = g_dir_open (path, 0, NULL);
  cleanup_fd int folder = fds != NULL ? open (path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  const char *name;
  while (folder >= 0 && (name = g_dir_read_name (fds)) != NULL)
    {
      ssize_t n = readlinkat (folder, name, link, sizeof link - 1);
      link[n > 0 ? n : 0] = '\0';
      if (strcmp (link, wanted) == 0)
        return TRUE;
    }
  return FALSE;
}

static char *
describe_process (const char *pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/comm", pid), *name = NULL;
  if (!path_read_file (-1, path, 64, &name, NULL, NULL))
    return g_strdup_printf ("process %s", pid);
  return g_strdup_printf ("process %s (%s)", pid, g_strchomp (name));
}

char *
port_holder (const PortRefusal *refusal)
{
  static const char *const files[2][2] = { { "/proc/net/tcp", "/proc/net/tcp6" }, { "/proc/net/udp", "/proc/net/udp6" } };
  gboolean udp = refusal->mapping->udp;
  guint64 inode = find_inode (files[udp != FALSE][0], refusal->port, udp);
  if (inode == 0)
    inode = find_inode (files[udp != FALSE][1], refusal->port, udp);
  g_autoptr (GDir) processes = inode != 0 ? g_dir_open ("/proc", 0, NULL) : NULL;
  g_autofree char *wanted = g_strdup_printf ("socket:[%" G_GUINT64_FORMAT "]", inode);
  const char *pid;
  while (processes != NULL && (pid = g_dir_read_name (processes)) != NULL)
    if (g_ascii_isdigit (pid[0]) && has_socket (pid, wanted))
      return describe_process (pid);
  return NULL;
}
