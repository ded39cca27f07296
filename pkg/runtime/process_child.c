/* Who the container's process is: capabilities, ids, groups. Raw system calls: libc's setresuid would signal threads that do not exist, and
 * libcap allocates. */
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/runtime/child.h"

/* process_child_caps_bounding: drop from the bounding set what the plan does not have.
 * Should: run while CAP_SETPCAP is held.   Mustn't: run before mounts, which are done with the full set in effect (the bounding set only matters at exec). */
int
process_child_caps_bounding (const RuntimePlan *plan)
{
  for (int cap = 0; cap < 64; cap++)
    {
      if (plan->caps.bounding >> cap & 1)
        continue;
      if (prctl (PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
        {
          if (errno == EINVAL) /* past the kernel's last capability */
            break;
          return -errno;
        }
    }
  return 0;
}

int
process_child_oom (const RuntimePlan *plan, int fd)
{
  char text[16], *at = text + sizeof text - 1;
  *at = '\0';
  int value = plan->oom_score_adj;
  unsigned magnitude = value < 0 ? (unsigned) -value : (unsigned) value;
  do
    *--at = (char) ('0' + magnitude % 10);
  while ((magnitude /= 10) != 0);
  if (value < 0)
    *--at = '-';
  return fd_write_all (fd, at, (size_t) (text + sizeof text - 1 - at));
}

static int
set_caps (const PlanCaps *caps)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2];
  for (int i = 0; i < 2; i++)
    {
      data[i].effective = (uint32_t) (caps->effective >> (32 * i));
      data[i].permitted = (uint32_t) (caps->permitted >> (32 * i));
      data[i].inheritable = (uint32_t) (caps->inheritable >> (32 * i));
    }
  if (syscall (SYS_capset, &header, data) < 0)
    return -errno;
  for (int cap = 0; cap < 64; cap++)
    if (caps->ambient >> cap & 1)
      if (prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
        return -errno;
  return 0;
}

/* process_child_user: become the plan's user and group, with its groups, then with its capabilities alone.
 * Should: be the last change of identity before exec; capabilities survive the change of uid by PR_SET_KEEPCAPS, then shrink to the plan's.
 * Mustn't: leave supplementary groups of the command's user, unless asked (keep_groups). */
int
process_child_user (const RuntimePlan *plan)
{
  if (!plan->keep_groups)
    {
      const uint32_t *groups = plan_bytes (plan, plan->groups.at);
      if (syscall (SYS_setgroups, plan->groups.n, groups) < 0)
        return -errno;
    }
  if (prctl (PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
    return -errno;
  if (syscall (SYS_setresgid, plan->gid, plan->gid, plan->gid) < 0)
    return -errno;
  if (syscall (SYS_setresuid, plan->uid, plan->uid, plan->uid) < 0)
    return -errno;
  int r = set_caps (&plan->caps);
  if (r == 0 && prctl (PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
    r = -errno;
  return r;
}
