/* handmade: words for a small seccomp filter written as a constant array: building one with libseccomp takes a millisecond and half a megabyte, this nothing. Plain C.
 * The accumulator must hold the call's number before each: every word that loads something else answers. Source: seccomp(2), linux/filter.h. */
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
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
#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
/* BEGIN: another architecture's calls are none of ours. */
#define BEGIN \
  LOAD (offsetof (struct seccomp_data, arch)), BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0), ANSWER (SECCOMP_RET_KILL_PROCESS), LOAD (offsetof (struct seccomp_data, nr))
#define ALLOW(name) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), ANSWER (SECCOMP_RET_ALLOW)
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
/* ALLOW_MEMORY: as much as the allocator wants, none of it executable. Needs sys/mman.h. */
#define ALLOW_MEMORY \
  ALLOW (brk), ALLOW_WITHOUT (mmap, 2, PROT_EXEC), ALLOW_WITHOUT (mprotect, 2, PROT_EXEC), ALLOW (munmap), ALLOW (mremap), ALLOW (madvise)
