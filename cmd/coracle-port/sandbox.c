#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "network/port_table.h"

/* set_limits: two descriptors for each connection; no core file with what went over them. */
static void
set_limits (void)
{
  struct rlimit files, none = { 0, 0 };
  if (getrlimit (RLIMIT_NOFILE, &files) == 0)
    {
      files.rlim_cur = files.rlim_max;
      (void) setrlimit (RLIMIT_NOFILE, &files);
    }
  (void) setrlimit (RLIMIT_CORE, &none);
}

static bool
set_capabilities (uint32_t wanted)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2];
  memset (data, 0, sizeof data);
  data[0].effective = data[0].permitted = wanted;
  return syscall (SYS_capset, &header, data) == 0;
}

/* mark_needs_admin: before 5.17 only CAP_NET_ADMIN may mark a socket. */
static bool
mark_needs_admin (void)
{
  static const int mark = PORT_MARK;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool refused = fd >= 0 && setsockopt (fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0 && errno == EPERM;
  if (fd >= 0)
    (void) close (fd);
  return refused;
}

bool
sandbox_enter (bool routes)
{
  const uint32_t base = 1u << CAP_NET_RAW | 1u << CAP_NET_BIND_SERVICE, admin = 1u << CAP_NET_ADMIN;
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct held[2];
  set_limits ();
  if (syscall (SYS_capget, &header, held) < 0)
    return false;
  (void) prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  /* EPERM: there was no capability to begin with */
  for (int number = 0; prctl (PR_CAPBSET_DROP, number, 0, 0, 0) == 0 || errno == EPERM; number++)
    continue;
  uint32_t wanted = held[0].permitted & base;
  if (!set_capabilities (held[0].permitted & (base | admin)))
    return false;
  struct __user_cap_data_struct tried[2];
  memset (tried, 0, sizeof tried);
  tried[0].permitted = held[0].permitted & (base | admin);
  tried[0].effective = wanted;
  if (syscall (SYS_capset, &header, tried) < 0)
    return false;
  if (routes || mark_needs_admin ())
    wanted |= held[0].permitted & admin;
  return set_capabilities (wanted) && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && filter_load ();
}
