/* mountsys: the mount system calls of Linux 5.2 to 5.12, which glibc 2.36 has and older headers lack; inline, so that children may use them.
 * Return -1 and errno. Source: open_tree(2), move_mount(2), fsopen(2), fsconfig(2), fsmount(2), mount_setattr(2). */
#pragma once

#include <linux/mount.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int
sys_open_tree (int dir, const char *path, unsigned flags)
{
  return (int) syscall (SYS_open_tree, dir, path, flags);
}

static inline int
sys_move_mount (int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
  return (int) syscall (SYS_move_mount, from_dir, from, to_dir, to, flags);
}

static inline int
sys_fsopen (const char *type, unsigned flags)
{
  return (int) syscall (SYS_fsopen, type, flags);
}

static inline int
sys_fsconfig (int fs, unsigned command, const char *key, const void *value, int aux)
{
  return (int) syscall (SYS_fsconfig, fs, command, key, value, aux);
}

static inline int
sys_fsmount (int fs, unsigned flags, unsigned attributes)
{
  return (int) syscall (SYS_fsmount, fs, flags, attributes);
}

static inline int
sys_mount_setattr (int dir, const char *path, unsigned flags, struct mount_attr *attr)
{
  return (int) syscall (SYS_mount_setattr, dir, path, flags, attr, sizeof *attr);
}
