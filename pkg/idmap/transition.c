/* From the user's shell to "root" of the shared user namespace:
 *
 *   transition_hold, transition_map_single   another process; this one stays as it was
 *   transition_user                          Should: be the first change to this process; have one thread; have the maps written (before that uid 0 is nobody)
 *                                            Mustn't: have lost the host's /proc, or be in the namespace already
 *   transition_mount                         Should: follow transition_user, which gives the capability for it; keep the working folder
 *                                            Mustn't: let a mount made here reach the host; hide mounts made there later
 *
 * Afterwards: user namespace shared with this user's other containers; mount namespace own; pid, net, ipc, uts, cgroup namespaces the host's. All capabilities
 * over the user namespace and what belongs to it, none over the host's. Supplementary groups are kept: unmapped ones show as 65534 and still open what they open. */
#include "pkg/idmap/transition.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/fd.h"

gboolean
transition_is_privileged (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2];
  if (geteuid () != 0 || syscall (SYS_capget, &header, data) < 0)
    return FALSE;
  return (data[CAP_TO_INDEX (CAP_SYS_ADMIN)].effective & CAP_TO_MASK (CAP_SYS_ADMIN)) != 0;
}

int
transition_hold (SpawnChild *holder)
{
  return spawn_start (holder, spawn_holder_child, CLONE_NEWUSER);
}

static int
file_write (pid_t pid, const char *name, const char *text)
{
  char path[64];
  g_snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, name);
  cleanup_fd int fd = open (path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  return fd_write_all (fd, text, strlen (text));
}

int
transition_map_single (pid_t pid)
{
  char uids[32], gids[32];
  g_snprintf (uids, sizeof uids, "0 %u 1\n", geteuid ());
  g_snprintf (gids, sizeof gids, "0 %u 1\n", getegid ());
  /* without "deny" the kernel (since 3.19) takes no gid_map from the unprivileged: setgroups could drop a group that denies access */
  int r = file_write (pid, "setgroups", "deny");
  if (r == 0)
    r = file_write (pid, "uid_map", uids);
  if (r == 0)
    r = file_write (pid, "gid_map", gids);
  return r;
}

int
transition_user (int ns_fd)
{
  if (setns (ns_fd, CLONE_NEWUSER) < 0)
    return -errno;
  /* changing credentials has cleared the "dumpable" flag (commit_creds), so that /proc/self would belong to the host's root: other commands of this user could not open
   * our namespaces to join them, nor we write our children's files there. Nothing secret is in this memory that the user did not have before */
  (void) prctl (PR_SET_DUMPABLE, 1, 0, 0, 0);
  return 0;
}

int
transition_mount (void)
{
  if (unshare (CLONE_NEWNS) < 0)
    return -errno;
  /* the kernel does this by itself where the user namespace has changed, not for real root */
  if (mount (NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
    return -errno;
  return 0;
}
