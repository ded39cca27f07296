/* The filters are judged twice: by a small interpreter of BPF, over every call of every ABI, and by the kernel, in a forked child. */
#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/seccomp/caps.h"
#include "pkg/seccomp/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(cap) (UINT64_C (1) << (cap))
#define ALLOW SECCOMP_RET_ALLOW
#define REFUSE(e) (SECCOMP_RET_ERRNO | (e))

static char *
folder_new (void)
{
  return g_dir_make_tmp ("test-seccomp-XXXXXX", NULL);
}

static void
folder_remove (char *folder)
{
  g_assert_cmpint (path_remove_tree (AT_FDCWD, folder), ==, 0);
  g_free (folder);
}

static uint32_t
alu (uint16_t code, uint32_t a, uint32_t k)
{
  switch (BPF_OP (code))
    {
    case BPF_AND:
      return a & k;
    case BPF_OR:
      return a | k;
    case BPF_RSH:
      return a >> k;
    default:
      g_assert_not_reached ();
    }
}

static gboolean
jump_taken (uint16_t code, uint32_t a, uint32_t k)
{
  switch (BPF_OP (code))
    {
    case BPF_JA:
      return TRUE;
    case BPF_JEQ:
      return a == k;
    case BPF_JGT:
      return a > k;
    case BPF_JGE:
      return a >= k;
    case BPF_JSET:
      return (a & k) != 0;
    default:
      g_assert_not_reached ();
    }
}

/* What the kernel would answer. */
static uint32_t
judge (const SeccompFilter *filter, uint32_t arch, int nr, const uint64_t *args)
{
  struct seccomp_data data = { .nr = nr, .arch = arch };
  if (args != NULL)
    memcpy (data.args, args, sizeof data.args);
  uint32_t a = 0;
  for (size_t pc = 0; pc < filter->n; pc++)
    {
      const struct sock_filter *in = &filter->program[pc];
      switch (BPF_CLASS (in->code))
        {
        case BPF_LD:
          g_assert_cmpuint (in->k, <=, sizeof data - 4);
          memcpy (&a, (char *) &data + in->k, 4);
          break;
        case BPF_ALU:
          a = alu (in->code, a, in->k);
          break;
        case BPF_JMP:
          if (BPF_OP (in->code) == BPF_JA)
            pc += in->k;
          else
            pc += jump_taken (in->code, a, in->k) ? in->jt : in->jf;
          break;
        case BPF_RET:
          return in->k;
        default:
          g_assert_not_reached ();
        }
    }
  g_assert_not_reached ();
}

static SeccompFilter *
filter_of_text (const char *text, uint64_t caps, GError **error)
{
  json_t *profile = profile_parse (text, strlen (text), error);
  if (profile == NULL)
    return NULL;
  json_t *oci = profile_resolve (profile, caps, error);
  json_decref (profile);
  if (oci == NULL)
    return NULL;
  g_autoptr (SeccompFilter) filter = g_new0 (SeccompFilter, 1);
  gboolean ok = compile_oci (oci, filter, error);
  json_decref (oci);
  return ok ? g_steal_pointer (&filter) : NULL;
}

static SeccompFilter *
filter_builtin (uint64_t caps)
{
  json_t *oci = builtin_resolve (caps);
  g_autoptr (GError) error = NULL;
  /* through the front door, so that the table passes the checks for foreign objects too */
  SeccompFilter *filter = seccomp_filter_from_oci (oci, NULL, &error);
  g_assert_no_error (error);
  json_decref (oci);
  return filter;
}

/* Each child tests one condition under the loaded filter and tells by its exit status. */
static void
assert_child (const SeccompFilter *filter, gboolean (*check) (void))
{
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_load_child (filter->program, filter->n, filter->flags) < 0)
        _exit (100);
      _exit (check () ? 0 : 1);
    }
  int status;
  g_assert_cmpint (proc_wait (pid, &status), ==, 0);
  g_assert_cmpint (status, ==, 0);
}

static gboolean
fails_with (long result, int number)
{
  return result == -1 && errno == number;
}

static gboolean
check_default (void)
{
  return syscall (SYS_getpid) > 0 && syscall (SYS_dup, 0) >= 0 && syscall (SYS_personality, 0xffffffff) >= 0
         && fails_with (syscall (SYS_personality, ADDR_NO_RANDOMIZE), ENOSYS)
         && fails_with (syscall (SYS_swapoff, "/nonexistent"), EPERM) && fails_with (syscall (SYS_bpf, 0, NULL, 0), EPERM)
         && fails_with (syscall (SYS_kexec_load, 0, 0, NULL, 0), EPERM) && fails_with (syscall (SYS_acct, "/nonexistent"), EPERM)
         && fails_with (syscall (SYS_io_uring_setup, 1, NULL), ENOSYS) && fails_with (syscall (SYS_add_key, NULL, NULL, NULL, 0, 0), ENOSYS)
         && fails_with (syscall (SYS_mount, "none", "/nonexistent/x", "tmpfs", 0, NULL), ENOENT)
         && fails_with (syscall (SYS_socket, AF_NETLINK, SOCK_RAW, 9), EINVAL) && syscall (SYS_socket, AF_NETLINK, SOCK_RAW, 0) >= 0
         && syscall (SYS_socket, AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static gboolean
check_with_caps (void)
{
  return !fails_with (syscall (SYS_kcmp, getpid (), getpid (), 0, 0, 0), EPERM) && fails_with (syscall (SYS_bpf, 9999, NULL, 0), EINVAL)
         && fails_with (syscall (SYS_acct, "/nonexistent"), EPERM);
}

/* A program as libseccomp writes it, of rules by chance. */
static SeccompFilter *
filter_random (void)
{
  static const uint32_t answers[] = { SCMP_ACT_ALLOW, SCMP_ACT_ERRNO (EPERM), SCMP_ACT_ERRNO (ENOSYS), SCMP_ACT_KILL_PROCESS, SCMP_ACT_LOG };
  static const uint32_t arches[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32, SCMP_ARCH_AARCH64, SCMP_ARCH_ARM };
  const uint32_t usual = answers[g_test_rand_int_range (0, G_N_ELEMENTS (answers))];
  scmp_filter_ctx context = seccomp_init (usual);
  g_assert_nonnull (context);
  g_assert_cmpint (seccomp_attr_set (context, SCMP_FLTATR_CTL_OPTIMIZE, (uint32_t) g_test_rand_int_range (1, 3)), ==, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (arches); i++)
    if (g_test_rand_bit ())
      (void) seccomp_arch_add (context, arches[i]);
  for (int rules = g_test_rand_int_range (5, 60); rules > 0; rules--)
    {
      uint32_t answer = answers[g_test_rand_int_range (0, G_N_ELEMENTS (answers))];
      struct scmp_arg_cmp args[2];
      unsigned n = g_test_rand_int_range (0, 4) == 0 ? (unsigned) g_test_rand_int_range (1, 3) : 0;
      for (unsigned i = 0; i < n; i++)
        args[i] = (struct scmp_arg_cmp){ i, (enum scmp_compare) g_test_rand_int_range (SCMP_CMP_NE, SCMP_CMP_MASKED_EQ + 1), (scmp_datum_t) g_test_rand_int_range (0, 4), 1 };
      const int first = g_test_rand_int_range (0, 400), last = first + (n > 0 ? 0 : g_test_rand_int_range (0, 40));
      for (int call = first; call <= last && answer != usual; call++)   /* a second rule for a call may contradict the first: refused, which is as well */
        (void) seccomp_rule_add_array (context, answer, call, n, args);
    }
  SeccompFilter *filter = g_new0 (SeccompFilter, 1);
  int fd = memfd_create ("test", MFD_CLOEXEC);
  g_assert_cmpint (seccomp_export_bpf (context, fd), ==, 0);
  struct stat st;
  g_assert_cmpint (fstat (fd, &st), ==, 0);
  filter->n = (size_t) st.st_size / sizeof (struct sock_filter);
  filter->program = g_new (struct sock_filter, filter->n);
  g_assert_cmpint (pread (fd, filter->program, (size_t) st.st_size, 0), ==, st.st_size);
  close (fd);
  seccomp_release (context);
  return filter;
}

static SeccompFilter *
filter_copy (const SeccompFilter *filter)
{
  SeccompFilter *copy = g_new0 (SeccompFilter, 1);
  copy->n = filter->n;
  copy->program = g_memdup2 (filter->program, filter->n * sizeof (struct sock_filter));
  return copy;
}

static void
assert_alike (const SeccompFilter *a, const SeccompFilter *b)
{
  static const uint32_t arches[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM, AUDIT_ARCH_S390X, 0 };
  for (size_t i = 0; i < G_N_ELEMENTS (arches); i++)
    for (int nr = -2; nr < 1100; nr++)
      for (int x32 = 0; x32 < 2; x32++)
        {
          const int call = x32 ? (int) (0x40000000u + (uint32_t) nr) : nr;
          uint64_t args[6];
          for (size_t k = 0; k < G_N_ELEMENTS (args); k++)
            args[k] = (uint64_t) g_test_rand_int_range (0, 5) | (g_test_rand_int_range (0, 8) == 0 ? UINT64_C (1) << 32 : 0);
          g_assert_cmphex (judge (a, arches[i], call, args), ==, judge (b, arches[i], call, args));
        }
}

static void
test_ranges_random (void)
{
  guint smaller = 0;
  for (int i = 0; i < 40; i++)
    {
      g_autoptr (SeccompFilter) filter = filter_random ();
      g_autoptr (SeccompFilter) shrunk = filter_copy (filter);
      ranges_shrink (shrunk);
      g_assert_cmpuint (shrunk->n, <=, filter->n);
      smaller += shrunk->n < filter->n;
      assert_alike (filter, shrunk);
    }
  /* one in ten has nothing to give: 36 of 40 on the average, 30 once in seventy times */
  g_assert_cmpuint (smaller, >, 20);
  g_autoptr (SeccompFilter) builtin = filter_builtin (caps_default ());
  g_assert_cmpuint (builtin->n, <, 700);
}

/* What is not understood is left alone. */
static void
test_ranges_foreign (void)
{
  const uint32_t nr = offsetof (struct seccomp_data, nr), arch = offsetof (struct seccomp_data, arch), arg = offsetof (struct seccomp_data, args);
  const struct sock_filter padding[] = { BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 1, 6, 0), BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 2, 5, 0),
                                         BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 3, 4, 0), BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 4, 3, 0),
                                         BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 5, 2, 0), BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 6, 1, 0),
                                         BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW), BPF_STMT (BPF_RET | BPF_K, REFUSE (EPERM)) };
  const struct {
    const char *what;
    struct sock_filter begin[4];
    gboolean shrinks;
  } cases[] = {
    { "numbers only", { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, arch), BPF_STMT (BPF_LD | BPF_W | BPF_ABS, nr), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0) }, TRUE },
    { "an X register", { BPF_STMT (BPF_LDX | BPF_IMM, 7), BPF_STMT (BPF_LD | BPF_W | BPF_ABS, nr), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0) }, FALSE },
    { "bits of the number", { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, nr), BPF_JUMP (BPF_JMP | BPF_JSET | BPF_K, 1, 0, 0), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0) }, FALSE },
    { "a number that is changed", { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, nr), BPF_STMT (BPF_ALU | BPF_AND | BPF_K, 3), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0) }, FALSE },
    { "the number after an argument", { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, arg), BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 9, 0, 1), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0), BPF_STMT (BPF_LD | BPF_W | BPF_ABS, nr) }, FALSE },
    { "one of two things", { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, nr), BPF_JUMP (BPF_JMP | BPF_JGE | BPF_K, 9, 0, 1), BPF_STMT (BPF_LD | BPF_W | BPF_ABS, arch), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0) }, FALSE },
    { "the accumulator as the answer", { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, nr), BPF_JUMP (BPF_JMP | BPF_JGE | BPF_K, 9, 0, 1), BPF_STMT (BPF_RET | BPF_A, 0), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0) }, FALSE },
    { "a jump out of it", { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, nr), BPF_JUMP (BPF_JMP | BPF_JA, 100, 0, 0), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0), BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0) }, FALSE },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      struct sock_filter whole[G_N_ELEMENTS (cases[i].begin) + G_N_ELEMENTS (padding)];
      memcpy (whole, cases[i].begin, sizeof cases[i].begin);
      memcpy (whole + G_N_ELEMENTS (cases[i].begin), padding, sizeof padding);
      const SeccompFilter filter = { whole, G_N_ELEMENTS (whole), 0, NULL };
      g_autoptr (SeccompFilter) shrunk = filter_copy (&filter);
      g_test_message ("%s", cases[i].what);
      ranges_shrink (shrunk);
      g_assert_cmpint (shrunk->n < filter.n, ==, cases[i].shrinks);
      if (cases[i].shrinks)
        assert_alike (&filter, shrunk);
    }
}

static void
test_builtin_loaded (void)
{
  g_autoptr (SeccompFilter) filter = filter_builtin (caps_default ());
  assert_child (filter, check_default);
}

static void
test_caps_rules (void)
{
  g_autoptr (SeccompFilter) less = filter_builtin (0), more = filter_builtin (caps_all ());
  static const struct {
    const char *name;
    uint32_t without, with;
  } cases[] = {
    { "bpf", REFUSE (EPERM), ALLOW },       { "chroot", REFUSE (EPERM), ALLOW },        { "kcmp", REFUSE (EPERM), ALLOW },
    { "settimeofday", REFUSE (EPERM), ALLOW }, { "open_by_handle_at", REFUSE (EPERM), ALLOW }, { "vhangup", REFUSE (EPERM), ALLOW },
    { "mount", ALLOW, ALLOW },              { "read", ALLOW, ALLOW },                   { "swapon", REFUSE (EPERM), REFUSE (EPERM) },
    { "add_key", REFUSE (ENOSYS), REFUSE (ENOSYS) },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      int nr = seccomp_syscall_resolve_name (cases[i].name);
      g_test_message ("%s", cases[i].name);
      g_assert_cmphex (judge (less, seccomp_arch_native (), nr, NULL), ==, cases[i].without);
      g_assert_cmphex (judge (more, seccomp_arch_native (), nr, NULL), ==, cases[i].with);
    }
  if (geteuid () == 0)
    {
      g_autoptr (SeccompFilter) some = filter_builtin (BIT (CAP_SYS_ADMIN) | BIT (CAP_SYS_PTRACE));
      assert_child (some, check_with_caps);
    }
}

/* The installed profile and ours must answer alike wherever the installed one has something to say. */
static void
test_installed_alike (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/usr/share/containers/seccomp.json", &text, NULL, NULL))
    {
      g_test_skip ("no seccomp.json is installed");
      return;
    }
  static const uint32_t arches[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
  const uint64_t caps[] = { 0, caps_default (), BIT (CAP_AUDIT_WRITE) | BIT (CAP_SYS_ADMIN), caps_all () };
  static const uint64_t args[][6] = { { 0 }, { 16, 0, 9 }, { 16, 0, 0 }, { 8 }, { 0x40000 }, { 0xffffffff } };
  unsigned different = 0, compared = 0;
  for (size_t c = 0; c < G_N_ELEMENTS (caps); c++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SeccompFilter) ours = filter_builtin (caps[c]), theirs = filter_of_text (text, caps[c], &error);
      g_assert_no_error (error);
      for (size_t a = 0; a < G_N_ELEMENTS (arches); a++)
        for (int nr = 0; nr < 500; nr++)
          for (size_t i = 0; i < G_N_ELEMENTS (args); i++)
            for (int x32 = 0; x32 < (a == 0 ? 2 : 1); x32++)
              {
                int number = nr | (x32 ? 0x40000000 : 0);
                uint32_t t = judge (theirs, arches[a], number, args[i]), o = judge (ours, arches[a], number, args[i]);
                compared++;
                /* ours may know calls, from 439 on, that an older file does not */
                if (o != t && t != REFUSE (ENOSYS) && different++ < 5)
                  g_test_message ("caps %zu arch %zu nr %d args %zu: theirs %x ours %x", c, a, nr, i, t, o);
                if (o != t && nr < 439 && t == REFUSE (ENOSYS))
                  different++;
              }
    }
  g_assert_cmpuint (compared, >, 10000);
  g_assert_cmpuint (different, ==, 0);
}

static void
test_profile_rules (void)
{
  const char *text = "{ \"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\"],"
                     " \"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\", \"subArchitectures\": [\"SCMP_ARCH_X86\"]}],"
                     " \"syscalls\": ["
                     "  {\"name\": \"getppid\", \"action\": \"SCMP_ACT_ERRNO\", \"errno\": \"EXDEV\", \"errnoRet\": 5},"
                     "  {\"names\": [\"mkdir\", \"nosuchcall\"], \"action\": \"SCMP_ACT_ERRNO\"},"
                     "  {\"names\": [\"dup\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 7, \"args\": "
                     "    [{\"index\": 0, \"value\": 3, \"op\": \"SCMP_CMP_EQ\"}, {\"index\": 0, \"value\": 9, \"op\": \"SCMP_CMP_EQ\"}]},"
                     "  {\"names\": [\"close\"], \"action\": \"SCMP_ACT_KILL_PROCESS\", \"args\": "
                     "    [{\"index\": 0, \"value\": 240, \"valueTwo\": 80, \"op\": \"SCMP_CMP_MASKED_EQ\"}]},"
                     "  {\"names\": [\"sync\"], \"action\": \"SCMP_ACT_ERRNO\", \"includes\": {\"minKernel\": \"999.0\"}},"
                     "  {\"names\": [\"getuid\"], \"action\": \"SCMP_ACT_ERRNO\", \"includes\": {\"minKernel\": \"3.0\", \"arches\": [\"amd64\", \"arm64\"]}},"
                     "  {\"names\": [\"getgid\"], \"action\": \"SCMP_ACT_ERRNO\", \"excludes\": {\"arches\": [\"amd64\", \"arm64\"]}},"
                     "  {\"names\": [\"kill\"], \"action\": \"SCMP_ACT_ERRNO\", \"includes\": {\"caps\": [\"CAP_KILL\", \"CAP_CHOWN\"]}},"
                     "  {\"names\": [\"tkill\"], \"action\": \"SCMP_ACT_ERRNO\", \"excludes\": {\"caps\": [\"CAP_KILL\", \"CAP_BPF\"]}}"
                     " ] }";
  g_autoptr (GError) error = NULL;
  g_autoptr (SeccompFilter) filter = filter_of_text (text, BIT (CAP_KILL), &error);
  g_assert_no_error (error);
  g_assert_cmphex (filter->flags, ==, SECCOMP_FILTER_FLAG_LOG);
  const uint32_t arch = seccomp_arch_native ();
  static const struct {
    const char *name;
    uint64_t arg;
    uint32_t want;
  } cases[] = {
    { "getppid", 0, REFUSE (EXDEV) }, { "mkdir", 0, REFUSE (EPERM) }, { "dup", 3, REFUSE (7) }, { "dup", 9, REFUSE (7) },
    { "dup", 4, ALLOW }, { "close", 0x15f, SECCOMP_RET_KILL_PROCESS }, { "close", 0x16f, ALLOW }, { "sync", 0, ALLOW },
    { "getuid", 0, REFUSE (EPERM) }, { "getgid", 0, ALLOW }, { "kill", 0, ALLOW }, { "tkill", 0, ALLOW }, { "read", 0, ALLOW },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      uint64_t args[6] = { cases[i].arg };
      g_test_message ("%s %" G_GINT64_MODIFIER "u", cases[i].name, cases[i].arg);
      g_assert_cmphex (judge (filter, arch, seccomp_syscall_resolve_name (cases[i].name), args), ==, cases[i].want);
    }
}

static void
test_profile_wrong (void)
{
  static const struct {
    const char *text, *error;
  } cases[] = {
    { "", "*line 1*" },
    { "{\n \"defaultAction\": }", "*line 2*" },
    { "[]", "*must be a JSON object*" },
    { "{}", "defaultAction: missing" },
    { "{\"defaultAction\": 5}", "defaultAction: must be a string" },
    { "{\"defaultAction\": \"ALLOW\"}", "defaultAction: unknown action \"ALLOW\"" },
    { "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}", "defaultAction: *not supported" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/x\"}", "listenerPath: *not supported" },
    { "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrno\": \"ENO\"}", "defaultErrno: unknown errno \"ENO\"" },
    { "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 70000}", "defaultErrnoRet: 70000 is no errno" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_X86\"], \"archMap\": [{}]}", "'architectures' and 'archMap'*" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"VAX\"]}", "unknown architecture \"VAX\"" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"X\"]}", "flags[0]: unknown flag \"X\"" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": {}}", "syscalls: must be an array" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [3]}", "syscalls[0]: must be an object" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"action\": \"SCMP_ACT_ALLOW\"}]}", "syscalls[0]: names: missing" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"a\", 1]}]}", "syscalls[0]: names[1]: must be a string*" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"name\": \"a\", \"names\": [\"a\"]}]}", "syscalls[0]: 'name' and 'names'*" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"name\": \"a\", \"action\": \"SCMP_ACT_LOG\", \"args\": [{\"index\": 6, "
      "\"op\": \"SCMP_CMP_EQ\"}]}]}",
      "syscalls[0]: args[0]: index: 6 is not between 0 and 5" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"name\": \"a\", \"action\": \"SCMP_ACT_LOG\", \"args\": [{\"index\": 1, "
      "\"op\": \"EQ\"}]}]}",
      "syscalls[0]: args[0]: op: unknown comparison \"EQ\"" },
    { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"name\": \"a\", \"action\": \"SCMP_ACT_LOG\", \"includes\": {\"minKernel\": "
      "\"new\"}}]}",
      "syscalls[0]: includes: minKernel: \"new\" is no version" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (filter_of_text (cases[i].text, 0, &error));
      g_assert_nonnull (error);
      if (!g_pattern_match_simple (cases[i].error, error->message))
        g_error ("case %zu: \"%s\" is not \"%s\"", i, error->message, cases[i].error);
    }
}

static void
test_single_judged (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SeccompFilter) filter = seccomp_filter_single (&error);
  g_assert_no_error (error);
  static const struct {
    uint32_t arch;
    int nr;
    unsigned arg;
    uint64_t uid, gid;
    uint32_t want;
  } cases[] = {
    { AUDIT_ARCH_X86_64, 92, 1, 0, 0, ALLOW },
    { AUDIT_ARCH_X86_64, 92, 1, 5, 0, REFUSE (0) },
    { AUDIT_ARCH_X86_64, 92, 1, 0, 5, REFUSE (0) },
    { AUDIT_ARCH_X86_64, 92, 1, 0xffffffff, 0, ALLOW },
    { AUDIT_ARCH_X86_64, 92, 1, UINT64_MAX, UINT64_MAX, ALLOW },
    { AUDIT_ARCH_X86_64, 92, 1, UINT64_MAX, 7, REFUSE (0) },
    { AUDIT_ARCH_X86_64, 92, 1, UINT64_C (0x500000000), 0, ALLOW },
    { AUDIT_ARCH_X86_64, 92, 1, 0xffff, 0, REFUSE (0) },
    { AUDIT_ARCH_X86_64, 93, 1, 5, 5, REFUSE (0) },
    { AUDIT_ARCH_X86_64, 94, 1, 5, 5, REFUSE (0) },
    { AUDIT_ARCH_X86_64, 260, 2, 5, 5, REFUSE (0) },
    { AUDIT_ARCH_X86_64, 260, 1, 5, 0, ALLOW },
    { AUDIT_ARCH_X86_64, 0x40000000 | 92, 1, 5, 5, REFUSE (0) },
    { AUDIT_ARCH_X86_64, 0x40000000 | 260, 2, 0, 5, REFUSE (0) },
    { AUDIT_ARCH_X86_64, 0, 1, 5, 5, ALLOW },
    { AUDIT_ARCH_X86_64, 105, 1, 5, 5, ALLOW },
    { AUDIT_ARCH_I386, 92, 1, 5, 5, ALLOW },
    { AUDIT_ARCH_I386, 182, 1, 5, 0, REFUSE (0) },
    { AUDIT_ARCH_I386, 182, 1, 0xffff, 0, ALLOW },
    { AUDIT_ARCH_I386, 182, 1, 0xffffffff, 0x10000, ALLOW },
    { AUDIT_ARCH_I386, 16, 1, 0, 6, REFUSE (0) },
    { AUDIT_ARCH_I386, 212, 1, 0xffff, 0, REFUSE (0) },
    { AUDIT_ARCH_I386, 212, 1, 0xffffffff, 0, ALLOW },
    { AUDIT_ARCH_I386, 207, 1, 1, 0, REFUSE (0) },
    { AUDIT_ARCH_I386, 198, 1, 1, 0, REFUSE (0) },
    { AUDIT_ARCH_I386, 298, 2, 1, 0, REFUSE (0) },
  };
  if (seccomp_arch_native () != SCMP_ARCH_X86_64)
    {
      g_test_skip ("numbers of x86-64");
      return;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      uint64_t args[6] = { 0 };
      args[cases[i].arg] = cases[i].uid;
      args[cases[i].arg + 1] = cases[i].gid;
      g_test_message ("case %zu", i);
      g_assert_cmphex (judge (filter, cases[i].arch, cases[i].nr, args), ==, cases[i].want);
    }
}

static char single_file[256];

/* Real chown as root would change the owner, so "nothing was done" is visible; as an ordinary user the real one would fail. */
static gboolean
check_single (void)
{
  struct stat before, after;
  int fd = open (single_file, O_RDWR | O_CREAT, 0600);
  return fd >= 0 && fstat (fd, &before) == 0 && chown (single_file, 5, 5) == 0 && fchown (fd, 5, -1) == 0 && lchown (single_file, -1, 5) == 0
         && fchownat (AT_FDCWD, single_file, 0, 7, 0) == 0 && fstat (fd, &after) == 0 && before.st_uid == after.st_uid
         && before.st_gid == after.st_gid && chown (single_file, -1, -1) == 0
         && fails_with (chown ("/nonexistent/x", 0, 0), ENOENT) && chown ("/nonexistent/x", 5, 0) == 0
         && (geteuid () == 0 ? chown (single_file, 0, 0) == 0 : fails_with (chown (single_file, 0, 0), EPERM));
}

static void
test_single_loaded (void)
{
  char *folder = folder_new ();
  g_snprintf (single_file, sizeof single_file, "%s/f", folder);
  g_autoptr (SeccompFilter) single = seccomp_filter_single (NULL);
  assert_child (single, check_single);
  folder_remove (folder);
}

static gboolean
file_put (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  return fd >= 0 && write (fd, text, strlen (text)) == (ssize_t) strlen (text) && close (fd) == 0;
}

/* What it is for: root of a user namespace with one id, where every other chown is EINVAL. 77: this machine allows no user namespaces. */
static int
single_in_namespace (const SeccompFilter *filter)
{
  g_autofree char *uids = g_strdup_printf ("0 %u 1", geteuid ()), *gids = g_strdup_printf ("0 %u 1", getegid ());
  int fd = open (single_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat st;
  if (fd < 0 || unshare (CLONE_NEWUSER) < 0 || !file_put ("/proc/self/uid_map", uids) || !file_put ("/proc/self/setgroups", "deny")
      || !file_put ("/proc/self/gid_map", gids))
    return 77;
  if (!fails_with (fchown (fd, 5, 5), EINVAL))
    return 2;
  if (seccomp_load_child (filter->program, filter->n, filter->flags) < 0)
    return 3;
  gboolean ok = fchown (fd, 5, 5) == 0 && fchown (fd, 0, 7) == 0 && fstat (fd, &st) == 0 && st.st_uid == 0 && st.st_gid == 0
                && fchown (fd, 0, 0) == 0 && fchown (fd, -1, 0) == 0 && fails_with (fchown (-1, 0, 0), EBADF)
                && fails_with (setuid (5), EINVAL);
  return ok ? 0 : 4;
}

static void
test_single_namespace (void)
{
  char *folder = folder_new ();
  g_snprintf (single_file, sizeof single_file, "%s/f", folder);
  g_autoptr (SeccompFilter) filter = seccomp_filter_single (NULL);
  int status;
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    _exit (single_in_namespace (filter));
  g_assert_cmpint (proc_wait (pid, &status), ==, 0);
  if (status == 77 << 8)
    g_test_skip ("user namespaces are not allowed here");
  else
    g_assert_cmpint (status, ==, 0);
  folder_remove (folder);
}

static char *
cache_only_entry (const char *folder)
{
  g_autofree char *cache = g_build_filename (folder, "seccomp", NULL);
  g_autoptr (GDir) dir = g_dir_open (cache, 0, NULL);
  g_assert_nonnull (dir);
  const char *name = g_dir_read_name (dir);
  g_assert_nonnull (name);
  char *path = g_build_filename (cache, name, NULL);
  g_assert_null (g_dir_read_name (dir));
  return path;
}

static void
assert_same (const SeccompFilter *a, const SeccompFilter *b)
{
  g_assert_cmpmem (a->program, a->n * sizeof *a->program, b->program, b->n * sizeof *b->program);
  g_assert_cmpstr (a->oci, ==, b->oci);
  g_assert_cmpuint (a->flags, ==, b->flags);
}

static const char small_profile[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"swapon\"],\"action\":\"SCMP_ACT_ERRNO\"}]}";

/* Whatever becomes of the entry, the filter is the right one and the entry is whole again. */
static void
test_cache_damage (void)
{
  char *folder = folder_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *profile = g_build_filename (folder, "p.json", NULL);
  g_assert_true (g_file_set_contents (profile, small_profile, -1, NULL));
  g_autoptr (SeccompFilter) first = seccomp_filter_new (profile, 0, folder, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (first->n, >, 3);
  g_autofree char *path = cache_only_entry (folder);
  g_autofree char *whole = NULL;
  gsize size;
  g_assert_true (g_file_get_contents (path, &whole, &size, NULL));
  for (gsize i = 0; i < size; i += 7)   /* cut at i, and a bit turned at i */
    for (int turn = 0; turn < 2; turn++)
      {
        g_autofree char *bytes = g_memdup2 (whole, size);
        if (turn)
          bytes[i] ^= 0x10;
        g_assert_true (g_file_set_contents_full (path, bytes, turn ? (gssize) size : (gssize) i, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
        g_autoptr (SeccompFilter) again = seccomp_filter_new (profile, 0, folder, &error);
        g_assert_no_error (error);
        assert_same (first, again);
        g_autofree char *now = NULL;
        gsize now_size;
        g_assert_true (g_file_get_contents (path, &now, &now_size, NULL));
        g_assert_cmpmem (now, now_size, whole, size);
      }
  folder_remove (folder);
}

static void
test_cache_trust (void)
{
  char *folder = folder_new ();
  SeccompFilter made = { .program = (struct sock_filter[]){ BPF_STMT (BPF_RET | BPF_K, ALLOW) }, .n = 1, .flags = 2, .oci = (char *) "{}" };
  cache_save (folder, "one key", &made);
  g_autoptr (SeccompFilter) loaded = cache_load (folder, "one key");
  g_assert_nonnull (loaded);
  assert_same (&made, loaded);
  g_assert_null (cache_load (folder, "another"));
  g_assert_null (cache_load (NULL, "one key"));
  g_autofree char *path = cache_only_entry (folder);
  g_assert_cmpint (chmod (path, 0620), ==, 0);
  g_assert_null (cache_load (folder, "one key"));
  g_assert_cmpint (chmod (path, 0600), ==, 0);
  if (geteuid () == 0)
    {
      g_assert_cmpint (chown (path, 12345, -1), ==, 0);
      g_assert_null (cache_load (folder, "one key"));
      g_assert_cmpint (chown (path, 0, -1), ==, 0);
    }
  g_autoptr (SeccompFilter) back = cache_load (folder, "one key");
  g_assert_nonnull (back);
  g_autofree char *moved = g_strconcat (path, ".moved", NULL);
  g_assert_cmpint (rename (path, moved), ==, 0);
  g_assert_cmpint (symlink (moved, path), ==, 0);
  g_assert_null (cache_load (folder, "one key"));
  folder_remove (folder);
}

static void
test_cache_unwritable (void)
{
  char *folder = folder_new ();
  g_autofree char *file = g_build_filename (folder, "file", NULL);
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_autoptr (GError) error = NULL;
  g_autoptr (SeccompFilter) filter = seccomp_filter_new (NULL, caps_default (), file, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (filter->n, >, 100);
  folder_remove (folder);
}

static void
test_default_cached (void)
{
  char *folder = folder_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (SeccompFilter) first = seccomp_filter_new (NULL, caps_default (), folder, &error);
  g_assert_no_error (error);
  g_autoptr (SeccompFilter) other = seccomp_filter_new ("", caps_all (), folder, &error);
  g_assert_no_error (error);
  g_assert_true (first->n != other->n || memcmp (first->program, other->program, first->n * 8) != 0);
  gint64 best = G_MAXINT64;
  for (int i = 0; i < 20; i++)
    {
      gint64 start = g_get_monotonic_time ();
      g_autoptr (SeccompFilter) again = seccomp_filter_new (NULL, caps_default (), folder, &error);
      best = MIN (best, g_get_monotonic_time () - start);
      assert_same (first, again);
    }
  g_test_message ("a cached filter: %" G_GINT64_FORMAT " µs, %zu instructions, %zu bytes of OCI", best, first->n, strlen (first->oci));
  g_assert_cmpint (best, <, 10000);
  assert_child (first, check_default);
  json_t *oci = json_loads (first->oci, 0, NULL);
  g_autoptr (SeccompFilter) same = seccomp_filter_from_oci (oci, folder, &error);
  g_assert_no_error (error);
  json_decref (oci);
  assert_same (first, same);
  folder_remove (folder);
}

static void
test_others (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SeccompFilter) none = seccomp_filter_new ("unconfined", 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (none->n, ==, 0);
  g_assert_null (none->oci);
  g_assert_cmpint (seccomp_load_child (none->program, none->n, 0), ==, 0);
  g_assert_null (seccomp_filter_new ("/nonexistent.json", 0, NULL, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nonexistent.json"));
  g_clear_error (&error);
  struct sock_filter wrong[] = { { 0xffff, 0, 0, 0 } };
  g_assert_cmpint (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
  g_assert_cmpint (seccomp_load_child (wrong, 1, 0), ==, -EINVAL);
  g_assert_cmpint (seccomp_load_child (wrong, 100000, 0), ==, -E2BIG);
  json_t *text = json_string ("x");
  g_assert_null (seccomp_filter_from_oci (text, NULL, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
  json_decref (text);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/seccomp/ranges/random", test_ranges_random);
  g_test_add_func ("/seccomp/ranges/foreign", test_ranges_foreign);
  g_test_add_func ("/seccomp/builtin-loaded", test_builtin_loaded);
  g_test_add_func ("/seccomp/caps-rules", test_caps_rules);
  g_test_add_func ("/seccomp/installed-alike", test_installed_alike);
  g_test_add_func ("/seccomp/profile-rules", test_profile_rules);
  g_test_add_func ("/seccomp/profile-wrong", test_profile_wrong);
  g_test_add_func ("/seccomp/single-judged", test_single_judged);
  g_test_add_func ("/seccomp/single-loaded", test_single_loaded);
  g_test_add_func ("/seccomp/single-namespace", test_single_namespace);
  g_test_add_func ("/seccomp/cache-damage", test_cache_damage);
  g_test_add_func ("/seccomp/cache-trust", test_cache_trust);
  g_test_add_func ("/seccomp/cache-unwritable", test_cache_unwritable);
  g_test_add_func ("/seccomp/default-cached", test_default_cached);
  g_test_add_func ("/seccomp/others", test_others);
  return g_test_run ();
}
