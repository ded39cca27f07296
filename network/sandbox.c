#include "network/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Any folder that is on every system: a tmpfs over it, seen by nobody else, becomes the root */
#define BASE "/tmp"
#define RESOLVER "/etc/resolv.conf"

/* make_read_only: also for a mount whose flags an outer namespace has locked: setting more is always allowed. */
static void
make_read_only (const char *path)
{
  struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };
  (void) syscall (SYS_mount_setattr, AT_FDCWD, path, 0, &attributes, sizeof attributes);
}

/* bind_resolver: below BASE. Where /etc/resolv.conf is a link (systemd-resolved, NetworkManager, resolvconf), the folder it leads to is bound: the file there is replaced
 * by rename, and a bound file would go on showing the old one. A plain file that is replaced is not noticed. A host without one has no DNS to give. */
static void
bind_resolver (void)
{
  char target[4096], link[4096 + 16] = "/resolver/";
  (void) mkdir (BASE "/etc", 0755);
  char *name = realpath (RESOLVER, target) != NULL ? strrchr (target, '/') : NULL;
  if (name == NULL)
    return;
  if (strncmp (target, "/etc/", 5) == 0 || name == target)
    {
      int fd = open (BASE RESOLVER, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      (void) close (fd);
      if (fd >= 0 && mount (target, BASE RESOLVER, NULL, MS_BIND, NULL) == 0)
        make_read_only (BASE RESOLVER);
      return;
    }
  strcat (link, name + 1);
  *name = '\0';
  (void) mkdir (BASE "/resolver", 0755);
  if (mount (target, BASE "/resolver", NULL, MS_BIND, NULL) == 0)
    make_read_only (BASE "/resolver");
  (void) symlink (link, BASE RESOLVER);
}

bool
sandbox_leave_files (bool resolver)
{
  char source[4096];
  /* the link's target may lie below BASE, which is about to be covered: then the host's files stay */
  if (resolver && realpath (RESOLVER, source) != NULL && strncmp (source, BASE "/", strlen (BASE "/")) == 0)
    return false;
  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
      || mount ("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,nr_inodes=16,mode=755") < 0)
    return false;
  if (resolver)
    bind_resolver ();
  if (chdir (BASE) < 0 || syscall (SYS_pivot_root, ".", ".") < 0 || umount2 (".", MNT_DETACH) < 0 || chdir ("/") < 0)
    return false;
  make_read_only ("/");
  return true;
}

bool
sandbox_keep_capabilities (uint64_t kept)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct held[2];
  if (syscall (SYS_capget, &header, held) < 0)
    return false;
  (void) prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  /* EPERM: there was no capability to begin with */
  for (int number = 0; number < 64; number++)
    if (!(kept >> number & 1) && prctl (PR_CAPBSET_DROP, number, 0, 0, 0) < 0 && errno != EPERM)
      break;
  for (int i = 0; i < 2; i++)
    {
      held[i].permitted &= (uint32_t) (kept >> 32 * i);
      held[i].effective = held[i].permitted;
      held[i].inheritable = 0;
    }
  return syscall (SYS_capset, &header, held) == 0 && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

void
sandbox_no_core (void)
{
  const struct rlimit none = { 0, 0 };
  (void) setrlimit (RLIMIT_CORE, &none);
}
