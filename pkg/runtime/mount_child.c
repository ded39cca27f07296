/* Mounting inside the container's mount namespace, before and after pivot_root, by descriptors alone: a source is cloned (open_tree) or made (fsmount) detached,
 * the target is opened inside the root (openat2 RESOLVE_IN_ROOT), and move_mount joins the two. No path of the image is looked up twice
 * (CVE-2021-30465, CVE-2025-31133, CVE-2025-52565). */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/runtime/child.h"
#include "pkg/runtime/mountsys.h"

/* make_file: an empty file @path inside the root, and the folders on the way to it. A link there that leads nowhere is made to lead somewhere, as for a folder: many systems' /etc/resolv.conf
 * is one into /run, whose content only a booted system has. */
static int
make_file (int root_fd, const char *path, int depth)
{
  char full[PATH_MAX], target[PATH_MAX];
  size_t length = strlen (path);
  while (length > 0 && path[length - 1] != '/')
    length--;
  if (length + 1 >= sizeof full)
    return -ENAMETOOLONG;
  memcpy (full, length > 0 ? path : "/", length > 0 ? length : 1);
  full[length > 0 ? length : 1] = '\0';
  cleanup_fd int dir = path_mkdirs_in_root (root_fd, full, 0755);
  if (dir < 0)
    return dir;
  int made = path_open_in_root (root_fd, path, O_CREAT | O_WRONLY | O_NOCTTY | O_NONBLOCK, 0644);
  if (made != -ENOENT)
    return made;
  ssize_t n = depth < 40 ? readlinkat (dir, path + length, target, sizeof target - 1) : -1;
  if (n < 0)
    return depth < 40 ? -ENOENT : -ELOOP;
  target[n] = '\0';
  size_t at = target[0] == '/' ? 0 : length;
  if (at + (size_t) n + 1 > sizeof full)
    return -ENAMETOOLONG;
  memcpy (full + at, target, (size_t) n + 1);
  return make_file (root_fd, full, depth + 1);
}

/* open_target: the mount point @path inside the root, made if missing: a folder, or an empty file when the source is one. */
static int
open_target (int root_fd, const char *path, int is_folder)
{
  int fd = path_open_in_root (root_fd, path, O_PATH, 0);
  if (fd != -ENOENT)
    return fd;
  if (is_folder)
    return path_mkdirs_in_root (root_fd, path, 0755);
  cleanup_fd int made = make_file (root_fd, path, 0);
  if (made < 0)
    return made;
  return path_open_in_root (root_fd, path, O_PATH, 0);
}

/* open_plain: as open_target for a folder, but no link may stand anywhere on the way. What is masked and protected later is found below the same names. */
static int
open_plain (int root_fd, const char *path)
{
  struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS };
  long fd = syscall (SYS_openat2, root_fd, path, &how, sizeof how);
  if (fd >= 0 || errno != ENOENT)
    return fd >= 0 ? (int) fd : -errno;
  cleanup_fd int made = path_mkdirs_in_root (root_fd, path, 0755);
  if (made < 0)
    return made;
  fd = syscall (SYS_openat2, root_fd, path, &how, sizeof how);
  return fd >= 0 ? (int) fd : -errno;
}

static int
set_attributes (int tree, const PlanMount *mount)
{
  struct mount_attr attr = { .attr_set = mount->attr_set, .attr_clr = mount->attr_clear };
  /* a rule of mount_setattr(2): to change an atime mode its whole field is cleared */
  if (attr.attr_set & MOUNT_ATTR__ATIME || attr.attr_clr & MOUNT_ATTR__ATIME)
    attr.attr_clr |= MOUNT_ATTR__ATIME;
  unsigned recursive = mount->flags & PLAN_RECURSIVE ? AT_RECURSIVE : 0;
  if (attr.attr_set != 0 || attr.attr_clr != 0)
    if (sys_mount_setattr (tree, "", AT_EMPTY_PATH | recursive, &attr) < 0)
      {
        /* what an outer user namespace locked (nosuid, nodev on a host mount) cannot be cleared: it stays, which is only stricter */
        int errsv = errno;
        attr.attr_clr &= attr.attr_set & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0;
        if (errsv != EPERM || attr.attr_set == 0 || sys_mount_setattr (tree, "", AT_EMPTY_PATH | recursive, &attr) < 0)
          if (errsv != EPERM || attr.attr_set != 0)
            return -errsv;
      }
  return 0;
}

static int
set_propagation (int tree, const PlanMount *mount)
{
  if (mount->propagation == 0)
    return 0;
  struct mount_attr attr = { .propagation = mount->propagation };
  if (sys_mount_setattr (tree, "", AT_EMPTY_PATH | (mount->propagation_recursive ? AT_RECURSIVE : 0), &attr) < 0)
    return -errno;
  return 0;
}

static int
clone_bind (const char *source, unsigned recursive)
{
  int tree = sys_open_tree (AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
  return tree < 0 ? -errno : tree;
}

/* make_filesystem: a detached mount of a new filesystem; what fsconfig says no to is the error. */
static int
make_filesystem (const RuntimePlan *plan, const PlanMount *mount)
{
  cleanup_fd int fs = sys_fsopen (plan_text (plan, mount->fstype), FSOPEN_CLOEXEC);
  if (fs < 0)
    return -errno;
  const PlanRef *options = plan_bytes (plan, mount->options.at);
  if (mount->source != 0)
    (void) sys_fsconfig (fs, FSCONFIG_SET_STRING, "source", plan_text (plan, mount->source), 0);
  for (uint32_t i = 0; i < mount->options.n; i++)
    {
      char key[256];
      const char *text = plan_text (plan, options[i]);
      const char *equals = strchr (text, '=');
      size_t length = equals != NULL ? (size_t) (equals - text) : strlen (text);
      if (length >= sizeof key)
        return -EINVAL;
      memcpy (key, text, length);
      key[length] = '\0';
      int r = equals != NULL ? sys_fsconfig (fs, FSCONFIG_SET_STRING, key, equals + 1, 0) : sys_fsconfig (fs, FSCONFIG_SET_FLAG, key, NULL, 0);
      if (r < 0)
        return -errno;
    }
  if (sys_fsconfig (fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
    return -errno;
  int tree = sys_fsmount (fs, FSMOUNT_CLOEXEC, (unsigned) (mount->attr_set & ~(uint64_t) MOUNT_ATTR_RDONLY));
  return tree < 0 ? -errno : tree;
}

/* open_terminal: a new pty of the container's own devpts, whose root is @pts: the master goes over @socket, the slave is returned. The slave is opened through
 * the master (TIOCGPTPEER), never by a path an image could have prepared. */
static int
open_terminal (const RuntimePlan *plan, int pts, int socket)
{
  cleanup_fd int master = openat (pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0)
    return -errno;
  int unlock = 0;
  if (ioctl (master, TIOCSPTLCK, &unlock) < 0)
    return -errno;
  struct winsize size = { .ws_row = plan->rows, .ws_col = plan->columns };
  if (size.ws_row != 0 && ioctl (master, TIOCSWINSZ, &size) < 0)
    return -errno;
  int slave = ioctl (master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0)
    return -errno;
  int r = fd_send (socket, master);
  if (r < 0)
    {
      fd_close (slave);
      return r;
    }
  return slave;
}

/* bind_console: the terminal's slave as /dev/console, through its number in the devpts mount @pts. */
static int
bind_console (int root_fd, int pts, int slave)
{
  unsigned number;
  if (ioctl (slave, TIOCGPTN, &number) < 0)
    {
      struct stat st;
      if (fstat (slave, &st) < 0)
        return -errno;
      number = (unsigned) (st.st_rdev & 0xff) | (unsigned) ((st.st_rdev >> 12) & ~0xffu);
    }
  char name[16];
  char *at = name + sizeof name - 1;
  *at = '\0';
  do
    *--at = (char) ('0' + number % 10);
  while ((number /= 10) != 0);
  cleanup_fd int tree = sys_open_tree (pts, at, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0)
    return -errno;
  cleanup_fd int target = open_target (root_fd, "/dev/console", 0);
  if (target < 0)
    return target;
  if (sys_move_mount (tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return -errno;
  return 0;
}

/* make_tree: the detached mount for @mount; *@ret_folder says what its target must be. @cloned: it was made beforehand; -1 = it was not. */
static int
make_tree (const RuntimePlan *plan, const PlanMount *mount, int cloned, int *ret_folder)
{
  *ret_folder = 1;
  unsigned recursive = mount->flags & PLAN_RECURSIVE ? AT_RECURSIVE : 0;
  if (mount->kind == PLAN_MOUNT_FS)
    {
      int tree = make_filesystem (plan, mount);
      if (tree >= 0 || !(mount->flags & PLAN_FALLBACK_BIND))
        return tree;
      return clone_bind (plan_text (plan, mount->target), AT_RECURSIVE);
    }
  cleanup_fd int tree = cloned >= 0 ? cloned : clone_bind (plan_text (plan, mount->source), recursive);
  if (tree < 0)
    return tree;
  struct stat st;
  if (fstat (tree, &st) < 0)
    return -errno;
  *ret_folder = S_ISDIR (st.st_mode);
  return fd_steal (&tree);
}

/* move_failed: the kernel's EINVAL has many reasons; what people do is to mount a folder on a file or a file on a folder. */
static int
move_failed (int target, int is_folder)
{
  int r = -errno;
  struct stat st;
  return r == -EINVAL && fstat (target, &st) == 0 && S_ISDIR (st.st_mode) != is_folder ? -ENOTDIR : r;
}

static int
attach (const RuntimePlan *plan, const PlanMount *mount, int root_fd, int tree, int is_folder)
{
  const char *path = plan_text (plan, mount->target);
  cleanup_fd int target = mount->flags & PLAN_NO_LINK ? open_plain (root_fd, path) : open_target (root_fd, path, is_folder);
  if (target < 0)
    return target;
  int r = 0;
  if (mount->flags & PLAN_COPYUP)
    {
      cleanup_fd int from = path_open_in_root (root_fd, plan_text (plan, mount->target), O_RDONLY | O_DIRECTORY, 0);
      r = from < 0 ? from : mount_child_copyup (from, tree, mount->flags);
    }
  /* fsmount has set everything but read-only */
  if (r == 0 && (mount->kind == PLAN_MOUNT_BIND || mount->attr_set & MOUNT_ATTR_RDONLY))
    r = set_attributes (tree, mount);
  if (r < 0)
    return r;
  if (sys_move_mount (tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return move_failed (target, is_folder);
  return set_propagation (tree, mount);
}

int
mount_child_all (const RuntimePlan *plan, const NestedTrees *nested, int root_fd, int terminal_fd, int *ret_slave, int *ret_proc_fd, int *ret_detail)
{
  const PlanMount *mounts = plan_bytes (plan, plan->mounts.at);
  cleanup_fd int slave = -1;
  cleanup_fd int proc = -1;
  for (uint32_t i = 0; i < plan->mounts.n; i++)
    {
      const PlanMount *mount = &mounts[i];
      *ret_detail = (int) i;
      int is_folder;
      cleanup_fd int tree = make_tree (plan, mount, nested != NULL ? nested->binds[i] : -1, &is_folder);
      if (tree < 0)
        return tree;
      int r = attach (plan, mount, root_fd, tree, is_folder);
      if (r == 0 && mount->flags & PLAN_DEV)
        {
          int device;
          r = device_child_all (plan, tree, &device);
          if (r < 0)
            *ret_detail = -1 - device;
        }
      if (r == 0 && mount->flags & PLAN_PTS && terminal_fd >= 0)
        {
          slave = open_terminal (plan, tree, terminal_fd);
          r = slave < 0 ? slave : bind_console (root_fd, tree, slave);
        }
      if (r < 0)
        return r;
      if (proc < 0 && mount->kind == PLAN_MOUNT_FS && strcmp (plan_text (plan, mount->fstype), "proc") == 0)
        proc = fd_steal (&tree);
    }
  *ret_slave = fd_steal (&slave);
  *ret_proc_fd = fd_steal (&proc);
  return 0;
}

/* A mount to cover others with. It is detached until its first use attaches it, and copies of it do the rest: closing a mount that is still detached would
 * wait for the kernel's grace period, 0.2 ms. */
typedef struct {
  int tree;
  int attached;
} Cover;

static int
cover (Cover *with, int path_fd)
{
  cleanup_fd int copy = with->attached ? sys_open_tree (with->tree, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH) : -1;
  if (with->attached && copy < 0)
    return -errno;
  if (sys_move_mount (copy >= 0 ? copy : with->tree, "", path_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return -errno;
  with->attached = 1;
  return 0;
}

static int
empty_folder (void)
{
  cleanup_fd int fs = sys_fsopen ("tmpfs", FSOPEN_CLOEXEC);
  if (fs < 0)
    return -errno;
  (void) sys_fsconfig (fs, FSCONFIG_SET_STRING, "source", "tmpfs", 0);
  if (sys_fsconfig (fs, FSCONFIG_SET_STRING, "size", "0k", 0) < 0 || sys_fsconfig (fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0
      || sys_fsconfig (fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
    return -errno;
  int tree = sys_fsmount (fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  return tree < 0 ? -errno : tree;
}

/* open_protected: a path to be masked or made read-only. */
static int
open_protected (const char *path, int proc_fd)
{
  if (proc_fd >= 0 && strncmp (path, "/proc/", 6) == 0)
    return path_open_beneath (proc_fd, path + 6, O_PATH, 0);
  return path_open_in_root (AT_FDCWD, path, O_PATH, 0);
}

int
mount_child_mask (const RuntimePlan *plan, int proc_fd, int null_tree, int *ret_detail)
{
  const PlanRef *paths = plan_bytes (plan, plan->masked.at);
  cleanup_fd int empty_tree = -1;
  Cover empty = { .tree = -1 }, null = { .tree = null_tree };
  for (uint32_t i = 0; i < plan->masked.n; i++)
    {
      *ret_detail = (int) i;
      cleanup_fd int fd = open_protected (plan_text (plan, paths[i]), proc_fd);
      if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES)
        continue;
      if (fd < 0)
        return fd;
      struct stat st;
      if (fstat (fd, &st) < 0)
        return -errno;
      if (S_ISDIR (st.st_mode) && empty_tree < 0 && (empty.tree = empty_tree = empty_folder ()) < 0)
        return empty_tree;
      int r = cover (S_ISDIR (st.st_mode) ? &empty : &null, fd);
      if (r < 0)
        return r;
    }
  return 0;
}

int
mount_child_readonly (const RuntimePlan *plan, int proc_fd, int *ret_detail)
{
  const PlanRef *paths = plan_bytes (plan, plan->readonly.at);
  for (uint32_t i = 0; i < plan->readonly.n; i++)
    {
      *ret_detail = (int) i;
      cleanup_fd int fd = open_protected (plan_text (plan, paths[i]), proc_fd);
      if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES)
        continue;
      if (fd < 0)
        return fd;
      cleanup_fd int tree = sys_open_tree (fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
      if (tree < 0)
        return -errno;
      struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
      if (sys_mount_setattr (tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
        return -errno;
      if (sys_move_mount (tree, "", fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return -errno;
    }
  return 0;
}
