#include "pkg/seccomp/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

int
seccomp_load_child (const struct sock_filter *program, size_t n, unsigned flags)
{
  if (n == 0)
    return 0;
  if (n > BPF_MAXINSNS)
    return -E2BIG;
  struct sock_fprog prog = { .len = (unsigned short) n, .filter = (struct sock_filter *) program };
  /* With TSYNC a positive result is the thread that could not follow; a container's init has one thread, so none can. */
  return syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog) < 0 ? -errno : 0;
}
