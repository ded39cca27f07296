/* The part of path.h that also runs between clone and exec: no allocation, no GLib calls. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/path.h"

static int
open_resolved (int root_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
  struct open_how how = {
    .flags = (uint64_t) (flags | O_CLOEXEC),
    .mode = (flags & (O_CREAT | O_TMPFILE)) ? mode : 0,
    .resolve = resolve | RESOLVE_NO_MAGICLINKS,
  };
  /* EAGAIN: a rename or mount raced with the walk past ".."; the kernel asks for another try (openat2(2)) */
  for (int tries = 0;; tries++)
    {
      long fd = syscall (SYS_openat2, root_fd, path, &how, sizeof how);
      if (fd >= 0)
        return (int) fd;
      if ((errno != EAGAIN && errno != EINTR) || tries >= 128)
        return -errno;
    }
}

int
path_open_in_root (int root_fd, const char *path, int flags, mode_t mode)
{
  return open_resolved (root_fd, path, flags, mode, RESOLVE_IN_ROOT);
}

int
path_open_beneath (int root_fd, const char *path, int flags, mode_t mode)
{
  return open_resolved (root_fd, path, flags, mode, RESOLVE_BENEATH);
}

/* make_link_target: @path's last component is a dangling link below @dir_fd: make the folder it points to, inside the root. */
static int
make_link_target (int root_fd, int dir_fd, const char *dir_path, const char *name, mode_t mode, int depth);

static int
mkdirs_in_root (int root_fd, const char *path, mode_t mode, int depth)
{
  if (depth > 40)
    return -ELOOP;
  int fd = path_open_in_root (root_fd, path, O_PATH | O_DIRECTORY, 0);
  if (fd != -ENOENT)
    return fd;

  char prefix[PATH_MAX];
  size_t length = strlen (path);
  if (length >= sizeof prefix)
    return -ENAMETOOLONG;
  int dir_fd = path_open_in_root (root_fd, "/", O_PATH | O_DIRECTORY, 0);
  if (dir_fd < 0)
    return dir_fd;
  for (size_t at = 0; at < length;)
    {
      while (path[at] == '/')
        at++;
      size_t start = at;
      while (at < length && path[at] != '/')
        at++;
      if (start == at)
        break;
      memcpy (prefix, path, at);
      prefix[at] = '\0';
      char name[NAME_MAX + 1];
      if (at - start > NAME_MAX)
        {
          fd_close (dir_fd);
          return -ENAMETOOLONG;
        }
      memcpy (name, path + start, at - start);
      name[at - start] = '\0';

      int next = path_open_in_root (root_fd, prefix, O_PATH | O_DIRECTORY, 0);
      if (next == -ENOENT)
        {
          if (mkdirat (dir_fd, name, mode) < 0 && errno != EEXIST)
            next = -errno;
          else
            next = path_open_in_root (root_fd, prefix, O_PATH | O_DIRECTORY, 0);
          if (next == -ENOENT)
            {
              char parent[PATH_MAX];
              memcpy (parent, path, start);
              parent[start] = '\0';
              next = make_link_target (root_fd, dir_fd, parent, name, mode, depth);
            }
        }
      fd_close (dir_fd);
      if (next < 0)
        return next;
      dir_fd = next;
    }
  return dir_fd;
}

static int
make_link_target (int root_fd, int dir_fd, const char *dir_path, const char *name, mode_t mode, int depth)
{
  char target[PATH_MAX], full[PATH_MAX];
  ssize_t n = readlinkat (dir_fd, name, target, sizeof target - 1);
  if (n < 0)
    return -errno;
  target[n] = '\0';
  size_t dir_length = target[0] == '/' ? 0 : strlen (dir_path);
  if (dir_length + (size_t) n + 2 > sizeof full)
    return -ENAMETOOLONG;
  memcpy (full, dir_path, dir_length);
  full[dir_length] = '/';
  memcpy (full + dir_length + 1, target, (size_t) n + 1);
  return mkdirs_in_root (root_fd, full, mode, depth + 1);
}

int
path_mkdirs_in_root (int root_fd, const char *path, mode_t mode)
{
  return mkdirs_in_root (root_fd, path, mode, 0);
}
