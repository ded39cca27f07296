#include "pkg/seccomp/caps.h"

#include "pkg/base/error.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>

/* By number, as linux/capability.h has them (Linux 5.9 added the last). */
static const char *const names[] = {
  "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
  "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
  "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
  "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
  "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};

#define BIT(cap) (UINT64_C (1) << (cap))

uint64_t
caps_default (void)
{
  return BIT (CAP_CHOWN) | BIT (CAP_DAC_OVERRIDE) | BIT (CAP_FOWNER) | BIT (CAP_FSETID) | BIT (CAP_KILL)
         | BIT (CAP_NET_BIND_SERVICE) | BIT (CAP_SETFCAP) | BIT (CAP_SETGID) | BIT (CAP_SETPCAP) | BIT (CAP_SETUID)
         | BIT (CAP_SYS_CHROOT);
}

uint64_t
caps_all (void)
{
  /* The bounding set answers for every number the kernel knows and EINVAL above; unlike cap_last_cap it needs no /proc. */
  uint64_t all = 0;
  for (size_t i = 0; i < G_N_ELEMENTS (names) && prctl (PR_CAPBSET_READ, (unsigned long) i, 0, 0, 0) >= 0; i++)
    all |= BIT (i);
  return all;
}

uint64_t
caps_held (void)
{
  uint64_t held = 0;
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (prctl (PR_CAPBSET_READ, (unsigned long) i, 0, 0, 0) == 1)
      held |= BIT (i);
  return held;
}

int
caps_parse (const char *name)
{
  if (g_ascii_strncasecmp (name, "CAP_", 4) == 0)
    name += 4;
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (name, names[i] + 4) == 0)
      return (int) i;
  return -1;
}

const char *
caps_name (int number)
{
  return number >= 0 && number < (int) G_N_ELEMENTS (names) ? names[number] : NULL;
}

static gboolean
parse_list (const char *const *list, uint64_t *ret_caps, gboolean *ret_all, GError **error)
{
  uint64_t caps = 0;
  gboolean all = FALSE;
  for (; list != NULL && *list != NULL; list++)
    {
      if (g_ascii_strcasecmp (*list, "all") == 0)
        {
          all = TRUE;
          continue;
        }
      int cap = caps_parse (*list);
      if (cap < 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\": unknown capability", *list);
      caps |= BIT (cap);
    }
  *ret_caps = caps;
  *ret_all = all;
  return TRUE;
}

gboolean
caps_merge (uint64_t base, const char *const *add, const char *const *drop, uint64_t *ret_caps, GError **error)
{
  uint64_t added, dropped;
  gboolean add_all, drop_all;
  if (!parse_list (add, &added, &add_all, error) || !parse_list (drop, &dropped, &drop_all, error))
    return FALSE;
  if (add_all && drop_all)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "adding all caps and removing all caps not allowed");
  if (drop_all)
    *ret_caps = added;
  else if (add_all)
    *ret_caps = caps_all () & ~dropped;
  else if ((added & dropped) != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "capability \"%s\" cannot be dropped and added",
                          caps_name (__builtin_ctzll (added & dropped)));
  else
    *ret_caps = (base | added) & ~dropped;
  return TRUE;
}
