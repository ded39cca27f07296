/* words: the vocabulary of seccomp profiles as tables. */
#include "pkg/seccomp/internal.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

typedef struct {
  const char *name;
  uint32_t value;
} Word;

static const Word actions[] = {
  { "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
  { "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO (0) },
  { "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
  { "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
  { "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
  { "SCMP_ACT_LOG", SCMP_ACT_LOG },
  { "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
  { "SCMP_ACT_TRACE", SCMP_ACT_TRACE (0) },
  { "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
};

static const Word compares[] = {
  { "SCMP_CMP_EQ", SCMP_CMP_EQ }, { "SCMP_CMP_GE", SCMP_CMP_GE }, { "SCMP_CMP_GT", SCMP_CMP_GT },
  { "SCMP_CMP_LE", SCMP_CMP_LE }, { "SCMP_CMP_LT", SCMP_CMP_LT }, { "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
  { "SCMP_CMP_NE", SCMP_CMP_NE },
};

static const Word flags[] = {
  { "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
  { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
  { "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
  { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
};

static const struct {
  const char *name;
  const char *abbreviation;   /* in a rule's "arches" */
  uint32_t token;
} arches[] = {
  { "SCMP_ARCH_X86_64", "amd64", SCMP_ARCH_X86_64 },
  { "SCMP_ARCH_X86", "x86", SCMP_ARCH_X86 },
  { "SCMP_ARCH_X32", "x32", SCMP_ARCH_X32 },
  { "SCMP_ARCH_AARCH64", "arm64", SCMP_ARCH_AARCH64 },
  { "SCMP_ARCH_ARM", "arm", SCMP_ARCH_ARM },
  { "SCMP_ARCH_MIPS", "mips", SCMP_ARCH_MIPS },
  { "SCMP_ARCH_MIPS64", "mips64", SCMP_ARCH_MIPS64 },
  { "SCMP_ARCH_MIPS64N32", "mips64n32", SCMP_ARCH_MIPS64N32 },
  { "SCMP_ARCH_MIPSEL", "mipsel", SCMP_ARCH_MIPSEL },
  { "SCMP_ARCH_MIPSEL64", "mipsel64", SCMP_ARCH_MIPSEL64 },
  { "SCMP_ARCH_MIPSEL64N32", "mipsel64n32", SCMP_ARCH_MIPSEL64N32 },
  { "SCMP_ARCH_PPC", "ppc", SCMP_ARCH_PPC },
  { "SCMP_ARCH_PPC64", "ppc64", SCMP_ARCH_PPC64 },
  { "SCMP_ARCH_PPC64LE", "ppc64le", SCMP_ARCH_PPC64LE },
  { "SCMP_ARCH_RISCV64", "riscv64", SCMP_ARCH_RISCV64 },
  { "SCMP_ARCH_S390", "s390", SCMP_ARCH_S390 },
  { "SCMP_ARCH_S390X", "s390x", SCMP_ARCH_S390X },
};

static const Word *
word_find (const Word *words, size_t n, const char *name)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp (words[i].name, name) == 0)
      return &words[i];
  return NULL;
}

int64_t
action_parse (const char *name)
{
  const Word *word = word_find (actions, G_N_ELEMENTS (actions), name);
  return word != NULL ? (int64_t) word->value : -1;
}

int
compare_parse (const char *name)
{
  const Word *word = word_find (compares, G_N_ELEMENTS (compares), name);
  return word != NULL ? (int) word->value : -1;
}

unsigned
flag_parse (const char *name)
{
  const Word *word = word_find (flags, G_N_ELEMENTS (flags), name);
  return word != NULL ? word->value : 0;
}

uint32_t
arch_parse (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (arches); i++)
    if (strcmp (arches[i].name, name) == 0)
      return arches[i].token;
  return 0;
}

static size_t
native_index (void)
{
  uint32_t native = seccomp_arch_native ();
  for (size_t i = 0; i < G_N_ELEMENTS (arches); i++)
    if (arches[i].token == native)
      return i;
  return 0;
}

const char *
arch_native (void)
{
  return arches[native_index ()].name;
}

const char *
arch_native_short (void)
{
  return arches[native_index ()].abbreviation;
}
