#include "coracle-slirp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
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
/* More at a time are refused: the guest gets a reset, or ICMP "unreachable" */
#define CONNECTIONS 16384

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

/* leave_files: a mount namespace of our own whose root is a tmpfs with the resolver's file in it. Returns whether that could be done. */
static bool
leave_files (void)
{
  char source[4096];
  /* the link's target may lie below BASE, which is about to be covered: then the host's files stay */
  if (realpath (RESOLVER, source) != NULL && strncmp (source, BASE "/", strlen (BASE "/")) == 0)
    return false;
  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
      || mount ("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,nr_inodes=16,mode=755") < 0)
    return false;
  bind_resolver ();
  if (chdir (BASE) < 0 || syscall (SYS_pivot_root, ".", ".") < 0 || umount2 (".", MNT_DETACH) < 0 || chdir ("/") < 0)
    return false;
  make_read_only ("/");
  return true;
}

static bool
drop_capabilities (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct none[2];
  memset (none, 0, sizeof none);
  (void) prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  /* EPERM: there was no capability to begin with */
  for (int number = 0; prctl (PR_CAPBSET_DROP, number, 0, 0, 0) == 0 || errno == EPERM; number++)
    continue;
  return syscall (SYS_capset, &header, none) == 0 && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* set_limits: a descriptor for each connection of the container, and so a bound on what they hold; no core file with its traffic. */
static void
set_limits (void)
{
  struct rlimit files, none = { 0, 0 };
  if (getrlimit (RLIMIT_NOFILE, &files) == 0)
    {
      files.rlim_cur = files.rlim_max < CONNECTIONS ? files.rlim_max : CONNECTIONS;
      (void) setrlimit (RLIMIT_NOFILE, &files);
    }
  (void) setrlimit (RLIMIT_CORE, &none);
}

bool
sandbox_enter (void)
{
  set_limits ();
  (void) leave_files ();
  return drop_capabilities () && filter_load ();
}
