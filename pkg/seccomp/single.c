/* single: a hand-written filter, because the comparison needed ("neither 0 nor -1", on 32 or 16 bits) is not one that libseccomp's rules or
 * OCI's can say for one argument. */
#include "pkg/seccomp/internal.h"

#include "pkg/base/error.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>

typedef struct {
  const char *name;
  unsigned uid_arg;   /* the gid is the next one */
} ChownCall;

static const ChownCall calls[] = {
  { "chown", 1 }, { "fchown", 1 }, { "lchown", 1 }, { "fchownat", 2 }, { "chown32", 1 }, { "fchown32", 1 }, { "lchown32", 1 },
};

/* Architectures a process on each native one may use. An x32 call has the architecture of x86-64 and bit 30 in its number. */
static const struct {
  uint32_t native;
  uint32_t token;
  uint32_t audit;
  gboolean short_ids;   /* chown without "32" takes 16-bit ids here */
} abis[] = {
  { SCMP_ARCH_X86_64, SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, FALSE },
  { SCMP_ARCH_X86_64, SCMP_ARCH_X32, AUDIT_ARCH_X86_64, FALSE },
  { SCMP_ARCH_X86_64, SCMP_ARCH_X86, AUDIT_ARCH_I386, TRUE },
  { SCMP_ARCH_X86, SCMP_ARCH_X86, AUDIT_ARCH_I386, TRUE },
  { SCMP_ARCH_AARCH64, SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, FALSE },
  { SCMP_ARCH_AARCH64, SCMP_ARCH_ARM, AUDIT_ARCH_ARM, TRUE },
  { SCMP_ARCH_ARM, SCMP_ARCH_ARM, AUDIT_ARCH_ARM, TRUE },
  { SCMP_ARCH_PPC64LE, SCMP_ARCH_PPC64LE, AUDIT_ARCH_PPC64LE, FALSE },
  { SCMP_ARCH_RISCV64, SCMP_ARCH_RISCV64, AUDIT_ARCH_RISCV64, FALSE },
  { SCMP_ARCH_S390X, SCMP_ARCH_S390X, AUDIT_ARCH_S390X, FALSE },
  { SCMP_ARCH_S390X, SCMP_ARCH_S390, AUDIT_ARCH_S390, TRUE },
};

static void
emit (GArray *program, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
  struct sock_filter instruction = { code, jt, jf, k };
  g_array_append_val (program, instruction);
}

/* The kernel looks at the low 32 bits of an id, whatever a program left in the upper ones. */
static uint32_t
arg_low_offset (unsigned arg)
{
  return offsetof (struct seccomp_data, args) + arg * sizeof (uint64_t) + (G_BYTE_ORDER == G_BIG_ENDIAN ? 4 : 0);
}

/* One call of one ABI: if it is this one, answer at once; else fall through to what follows. */
static void
emit_call (GArray *program, uint32_t audit, int nr, unsigned uid_arg, gboolean short_ids)
{
  const uint32_t leave = short_ids ? 0xffff : 0xffffffff;
  const uint32_t mask = leave;
  emit (program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof (struct seccomp_data, arch));
  emit (program, BPF_JMP | BPF_JEQ | BPF_K, 0, 12, audit);
  emit (program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof (struct seccomp_data, nr));
  emit (program, BPF_JMP | BPF_JEQ | BPF_K, 0, 10, (uint32_t) nr);
  emit (program, BPF_LD | BPF_W | BPF_ABS, 0, 0, arg_low_offset (uid_arg));
  emit (program, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
  emit (program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0);
  emit (program, BPF_JMP | BPF_JEQ | BPF_K, 0, 5, leave);      /* an unmapped uid: success */
  emit (program, BPF_LD | BPF_W | BPF_ABS, 0, 0, arg_low_offset (uid_arg + 1));
  emit (program, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
  emit (program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0);
  emit (program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, leave);      /* an unmapped gid: success */
  emit (program, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
  emit (program, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | 0);
}

SeccompFilter *
seccomp_filter_single (GError **error)
{
  g_autoptr (GArray) program = g_array_new (FALSE, FALSE, sizeof (struct sock_filter));
  uint32_t native = seccomp_arch_native ();
  for (size_t a = 0; a < G_N_ELEMENTS (abis); a++)
    for (size_t c = 0; abis[a].native == native && c < G_N_ELEMENTS (calls); c++)
      {
        int nr = seccomp_syscall_resolve_name_arch (abis[a].token, calls[c].name);
        gboolean short_ids = abis[a].short_ids && c < 3;
        if (nr >= 0)
          emit_call (program, abis[a].audit, nr, calls[c].uid_arg, short_ids);
      }
  if (program->len == 0)
    {
      coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "the filter of a single-id user namespace is not known for %s", arch_native ());
      return NULL;
    }
  emit (program, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
  SeccompFilter *filter = g_new0 (SeccompFilter, 1);
  filter->n = program->len;
  filter->program = (struct sock_filter *) g_array_free (g_steal_pointer (&program), FALSE);
  return filter;
}
