#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network/port.h"
#include "network/slirp.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"

/* can_borrow: may a socket of this namespace have an address that is not its own? */
static gboolean
can_borrow (int family)
{
  static const int on = 1, mark = PORT_MARK;
  cleanup_fd int fd = socket (family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return fd >= 0 && setsockopt (fd, family == AF_INET ? SOL_IP : SOL_IPV6, family == AF_INET ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on, sizeof on) == 0
         && setsockopt (fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0;
}

static int
probe (void)
{
  union {
    PortTable table;
    char room[sizeof (PortTable) + sizeof (PortEntry)];
  } one = { .table = { .magic = PORT_TABLE_MAGIC, .n = 1 } };
  if (unshare (CLONE_NEWUSER | CLONE_NEWNET) < 0)
    return PORT_PROBE_UNKNOWN;
  /* routes lead to an interface that is up */
  (void) slirp_loopback_child ();
  one.table.entries[0] = (PortEntry){ .fd = -1, .container_port = 1, .udp = 1 };
  int flags = port_rules_child (&one.table);
  if (!can_borrow (AF_INET))
    flags &= ~(PORT_TRANSPARENT4 | PORT_TRANSPARENT_UDP4);
  return can_borrow (AF_INET6) ? flags : flags & ~(PORT_TRANSPARENT6 | PORT_TRANSPARENT_UDP6);
}

int
port_probe (void)
{
  int status;
  pid_t pid = fork ();
  if (pid == 0)
    _exit (probe ());
  if (pid < 0 || proc_wait (pid, &status) < 0 || !WIFEXITED (status))
    return PORT_PROBE_UNKNOWN;
  return WEXITSTATUS (status);
}
