#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include "network/accel.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"

gboolean
accel_check (GError **error)
{
  struct sock_filter program[] = { BPF_STMT (BPF_RET | BPF_K, 0xffffffff) };
  struct sock_fprog filter = { .len = 1, .filter = program };
  cleanup_fd int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) < 0)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED,
                          "accel=on: unsupported here: this kernel lets none but root give a socket a filter (SO_ATTACH_FILTER), and without one a container could turn a socket of this machine to its loopback");
  return accel_cookie_child (fd) != 0 || coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "accel=on: unsupported here: this kernel does not tell which network namespace a socket is of (Linux 5.14)");
}
