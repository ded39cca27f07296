#include "coracle-slirp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined __x86_64__
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define THIS_ARCH AUDIT_ARCH_AARCH64
#elif defined __riscv && __riscv_xlen == 64
#define THIS_ARCH AUDIT_ARCH_RISCV64
#elif defined __powerpc64__ && defined __LITTLE_ENDIAN__
#define THIS_ARCH AUDIT_ARCH_PPC64LE
#elif defined __s390x__
#define THIS_ARCH AUDIT_ARCH_S390X
#else
#error "name this architecture's AUDIT_ARCH here"
#endif

/* The low half of an argument: flags and families are ints */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARGUMENT(n) (offsetof (struct seccomp_data, args) + 8 * (n))
#else
#define ARGUMENT(n) (offsetof (struct seccomp_data, args) + 8 * (n) + 4)
#endif

#define LOAD(offset) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, (offset))
#define ANSWER(what) BPF_STMT (BPF_RET | BPF_K, (what))
#define ALLOW(name) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), ANSWER (SECCOMP_RET_ALLOW)
#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
/* ALLOW_WITHOUT: only if none of @bits is set in argument @n. */
#define ALLOW_WITHOUT(name, n, bits) \
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), LOAD (ARGUMENT (n)), BPF_JUMP (BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1), ANSWER (REFUSED), ANSWER (SECCOMP_RET_ALLOW)
/* ALLOW_UP_TO: only if argument @n is at most @most. */
#define ALLOW_UP_TO(name, n, most) \
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), LOAD (ARGUMENT (n)), BPF_JUMP (BPF_JMP | BPF_JGT | BPF_K, (most), 0, 1), ANSWER (REFUSED), ANSWER (SECCOMP_RET_ALLOW)
/* ALLOW_EITHER: only if argument @n is @a or @b. */
#define ALLOW_EITHER(name, n, a, b) \
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 5), LOAD (ARGUMENT (n)), BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (a), 1, 0), \
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (b), 0, 1), ANSWER (SECCOMP_RET_ALLOW), ANSWER (REFUSED)

/* Made by hand, not by libseccomp: building takes that a millisecond and half a megabyte, this nothing. The busiest first. No exec, no fork, no signal to others, no file
 * opened for writing, no memory made executable, no socket but internet ones. */
static const struct sock_filter program[] = {
  LOAD (offsetof (struct seccomp_data, arch)),
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0),
  ANSWER (SECCOMP_RET_KILL_PROCESS),
  LOAD (offsetof (struct seccomp_data, nr)),
  ALLOW (read),
  ALLOW (write),
#ifdef SYS_poll
  ALLOW (poll),
#endif
  ALLOW (ppoll),
#ifdef SYS_recvfrom
  ALLOW (recvfrom),
  ALLOW (sendto),
#endif
  ALLOW (recvmsg),
  ALLOW (sendmsg),
  ALLOW (readv),
  ALLOW (writev),
  ALLOW_EITHER (ioctl, 1, FIONREAD, FIONBIO),
  ALLOW_EITHER (socket, 0, AF_INET, AF_INET6),
  ALLOW (bind),
  ALLOW (connect),
  ALLOW (listen),
  ALLOW (accept4),
#ifdef SYS_accept
  ALLOW (accept),
#endif
  ALLOW (shutdown),
  ALLOW (getsockname),
  ALLOW (getpeername),
  ALLOW (getsockopt),
  ALLOW (setsockopt),
  /* descriptor and status flags; F_SETOWN and F_SETSIG beyond would send signals */
  ALLOW_UP_TO (fcntl, 1, F_SETFL),
  ALLOW (close),
  ALLOW (clock_gettime),
  ALLOW (gettimeofday),
  ALLOW (getrusage),
  ALLOW (brk),
  ALLOW_WITHOUT (mmap, 2, PROT_EXEC),
  ALLOW_WITHOUT (mprotect, 2, PROT_EXEC),
  ALLOW (munmap),
  ALLOW (mremap),
  ALLOW (madvise),
  ALLOW (futex),
  ALLOW (getrandom),
  /* /etc/resolv.conf is read again when it changes */
  ALLOW_WITHOUT (openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC),
#ifdef SYS_newfstatat
  ALLOW (newfstatat),
#endif
#ifdef SYS_stat
  ALLOW (stat),
#endif
  ALLOW (statx),
  ALLOW (fstat),
  ALLOW (lseek),
  ALLOW (restart_syscall),
  ALLOW (rt_sigreturn),
  ALLOW (rt_sigprocmask),
  ALLOW (exit),
  ALLOW (exit_group),
  ANSWER (REFUSED),
};

bool
filter_load (void)
{
  struct sock_fprog filter = { .len = sizeof program / sizeof program[0], .filter = (struct sock_filter *) program };
  return prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}
