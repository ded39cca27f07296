/* compile: an OCI "linux.seccomp" object to BPF, by libseccomp. */
#include "pkg/seccomp/internal.h"

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void Context;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Context, seccomp_release)

/* The value libseccomp wants: without an errno, refusing means EPERM, as runc and crun have it. */
static uint32_t
action_value (json_t *object, const char *action_key, const char *errno_key)
{
  int64_t action = action_parse (json_string_value (json_object_get (object, action_key)));
  json_t *number = json_object_get (object, errno_key);
  uint32_t data = json_is_integer (number) ? (uint32_t) json_integer_value (number) & 0xffff : EPERM;
  if (action == SCMP_ACT_ERRNO (0))
    return SCMP_ACT_ERRNO (data);
  if (action == SCMP_ACT_TRACE (0))
    return SCMP_ACT_TRACE (data);
  return (uint32_t) action;
}

static gboolean
arches_add (Context *context, json_t *arches, GError **error)
{
  size_t i;
  json_t *name;
  json_array_foreach (arches, i, name)
    {
      int r = seccomp_arch_add (context, arch_parse (json_string_value (name)));
      if (r < 0 && r != -EEXIST)
        return coracle_throw_errno (error, -r, "add seccomp architecture %s", json_string_value (name));
    }
  return TRUE;
}

/* Fills @args (room for 64) and tells whether an argument is compared more than once. */
static unsigned
args_fill (json_t *list, struct scmp_arg_cmp *args, gboolean *ret_repeated)
{
  unsigned n = 0, seen = 0;
  size_t i;
  json_t *arg;
  *ret_repeated = FALSE;
  json_array_foreach (list, i, arg)
    {
      unsigned index = (unsigned) json_integer_value (json_object_get (arg, "index"));
      args[n].arg = index;
      args[n].op = (enum scmp_compare) compare_parse (json_string_value (json_object_get (arg, "op")));
      args[n].datum_a = (scmp_datum_t) json_integer_value (json_object_get (arg, "value"));
      args[n].datum_b = (scmp_datum_t) json_integer_value (json_object_get (arg, "valueTwo"));
      if (seen & (1u << index))
        *ret_repeated = TRUE;
      seen |= 1u << index;
      n++;
    }
  return n;
}

static gboolean
call_add (Context *context, uint32_t action, const char *name, const struct scmp_arg_cmp *args, unsigned n, gboolean repeated,
          GError **error)
{
  int nr = seccomp_syscall_resolve_name (name);
  if (nr == __NR_SCMP_ERROR)
    return TRUE;   /* unknown to this libseccomp, so not in the filter: the default action answers */
  /* libseccomp takes an argument once per rule; several comparisons of one mean "or" (runc's and crun's reading of the specification) */
  int r = 0;
  if (!repeated)
    r = seccomp_rule_add_array (context, action, nr, n, args);
  for (unsigned i = 0; repeated && i < n && (r == 0 || r == -EEXIST); i++)
    r = seccomp_rule_add_array (context, action, nr, 1, &args[i]);
  if (r < 0 && r != -EEXIST)
    return coracle_throw_errno (error, -r, "add seccomp rule for %s", name);
  return TRUE;
}

static gboolean
rules_add (Context *context, json_t *seccomp, uint32_t default_action, GError **error)
{
  size_t i, k;
  json_t *rule, *name;
  json_array_foreach (json_object_get (seccomp, "syscalls"), i, rule)
    {
      uint32_t action = action_value (rule, "action", "errnoRet");
      if (action == default_action)
        continue;   /* libseccomp refuses rules that say nothing new */
      struct scmp_arg_cmp args[64];
      gboolean repeated;
      unsigned n = args_fill (json_object_get (rule, "args"), args, &repeated);
      json_array_foreach (json_object_get (rule, "names"), k, name)
        if (!call_add (context, action, json_string_value (name), args, n, repeated, error))
          return coracle_prefix (error, "syscalls[%zu]", i);
    }
  return TRUE;
}

/* libseccomp 2.5 writes to descriptors only. */
static gboolean
export_bpf (Context *context, SeccompFilter *filter, GError **error)
{
  cleanup_fd int fd = memfd_create ("seccomp", MFD_CLOEXEC);
  if (fd < 0)
    return coracle_throw_errno (error, errno, "memfd_create");
  int r = seccomp_export_bpf (context, fd);
  if (r < 0)
    return coracle_throw_errno (error, -r, "export the seccomp filter");
  if (lseek (fd, 0, SEEK_SET) < 0)
    return coracle_throw_errno (error, errno, "lseek");
  g_autofree char *data = NULL;
  size_t size;
  if (!fd_read_file (fd, 8 << 20, &data, &size, error))
    return FALSE;
  if (size / sizeof (struct sock_filter) > BPF_MAXINSNS)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "the seccomp filter has %zu instructions, more than the %d the kernel takes",
                          size / sizeof (struct sock_filter), BPF_MAXINSNS);
  filter->n = size / sizeof (struct sock_filter);
  filter->program = (struct sock_filter *) (void *) g_steal_pointer (&data);
  return TRUE;
}

gboolean
compile_oci (json_t *seccomp, SeccompFilter *filter, GError **error)
{
  size_t i;
  json_t *flag;
  uint32_t default_action = action_value (seccomp, "defaultAction", "defaultErrnoRet");
  g_autoptr (Context) context = seccomp_init (default_action);
  if (context == NULL)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "seccomp_init failed");
  /* A binary tree: the measured cost of installing falls to a third, and calls with checked arguments stay cheap. */
  (void) seccomp_attr_set (context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  json_array_foreach (json_object_get (seccomp, "flags"), i, flag)
    filter->flags |= flag_parse (json_string_value (flag));
  if (!arches_add (context, json_object_get (seccomp, "architectures"), error) || !rules_add (context, seccomp, default_action, error)
      || !export_bpf (context, filter, error))
    return FALSE;
  ranges_shrink (filter);
  return TRUE;
}
