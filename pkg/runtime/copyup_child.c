/* What a tmpfs with copy-up hides is copied into it first: folders, files, links, owners, modes, times. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/runtime/child.h"

enum { DEPTH_MAX = 64 };

struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short size;
  unsigned char type;
  char name[];
};

static int copy_folder (int from, int to, int depth);

/* copy_range: from the offsets of both files, @size bytes or up to the end. */
static int
copy_range (int from, int to, off_t size)
{
  while (size > 0)
    {
      ssize_t n = sendfile (to, from, NULL, size < 1 << 20 ? (size_t) size : 1 << 20);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -errno;
      if (n == 0)
        break;
      size -= n;
    }
  return 0;
}

/* copy_data: what is not a hole: an image's sparse file takes no more room than it did there. */
static int
copy_data (int from, int to, off_t size)
{
  for (off_t at = 0; at < size;)
    {
      off_t data = lseek (from, at, SEEK_DATA), hole;
      if (data < 0 && errno == ENXIO)
        break;
      if (data < 0) /* not told by this filesystem */
        data = at, hole = size;
      else if ((hole = lseek (from, data, SEEK_HOLE)) < 0)
        return -errno;
      if (lseek (from, data, SEEK_SET) < 0 || lseek (to, data, SEEK_SET) < 0)
        return -errno;
      int r = copy_range (from, to, hole - data);
      if (r < 0)
        return r;
      at = hole;
    }
  return ftruncate (to, size) < 0 ? -errno : 0;
}

static int
copy_file (int from_dir, int to_dir, const char *name, const struct stat *st)
{
  cleanup_fd int from = openat (from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (from < 0)
    return -errno;
  cleanup_fd int to = openat (to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (to < 0)
    return -errno;
  int r = copy_data (from, to, st->st_size);
  if (r < 0)
    return r;
  struct timespec times[2] = { st->st_atim, st->st_mtim };
  if (fchown (to, st->st_uid, st->st_gid) < 0 || fchmod (to, st->st_mode & 07777) < 0 || futimens (to, times) < 0)
    return -errno;
  return 0;
}

static int
copy_link (int from_dir, int to_dir, const char *name, const struct stat *st)
{
  char target[PATH_MAX];
  ssize_t n = readlinkat (from_dir, name, target, sizeof target - 1);
  if (n < 0)
    return -errno;
  target[n] = '\0';
  if (symlinkat (target, to_dir, name) < 0 || fchownat (to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
    return -errno;
  return 0;
}

static int
copy_subfolder (int from_dir, int to_dir, const char *name, const struct stat *st, int depth)
{
  if (mkdirat (to_dir, name, 0700) < 0)
    return -errno;
  cleanup_fd int from = openat (from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (from < 0)
    return -errno;
  cleanup_fd int to = openat (to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (to < 0)
    return -errno;
  int r = copy_folder (from, to, depth + 1);
  if (r == 0 && (fchown (to, st->st_uid, st->st_gid) < 0 || fchmod (to, st->st_mode & 07777) < 0))
    r = -errno;
  return r;
}

static int
copy_entry (int from_dir, int to_dir, const char *name, int depth)
{
  struct stat st;
  if (fstatat (from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return -errno;
  if (S_ISDIR (st.st_mode))
    return copy_subfolder (from_dir, to_dir, name, &st, depth);
  if (S_ISREG (st.st_mode))
    return copy_file (from_dir, to_dir, name, &st);
  if (S_ISLNK (st.st_mode))
    return copy_link (from_dir, to_dir, name, &st);
  return 0; /* nodes, fifos and sockets are not content */
}

static int
copy_folder (int from, int to, int depth)
{
  if (depth > DEPTH_MAX)
    return -ELOOP;
  char buffer[2048] __attribute__ ((aligned (8)));
  for (;;)
    {
      long n = syscall (SYS_getdents64, from, buffer, sizeof buffer);
      if (n < 0)
        return -errno;
      if (n == 0)
        return 0;
      for (long at = 0; at < n;)
        {
          const struct entry *entry = (const struct entry *) (buffer + at);
          at += entry->size;
          if (strcmp (entry->name, ".") == 0 || strcmp (entry->name, "..") == 0)
            continue;
          int r = copy_entry (from, to, entry->name, depth);
          if (r < 0)
            return r;
        }
    }
}

int
mount_child_copyup (int from_fd, int to_fd, int flags)
{
  struct stat st;
  if (fstat (from_fd, &st) < 0)
    return -errno;
  int r = copy_folder (from_fd, to_fd, 0);
  /* the mount takes the place of the folder, with its owner and mode */
  if (r == 0 && !(flags & PLAN_KEEP_OWNER) && fchownat (to_fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) < 0)
    r = -errno;
  if (r == 0 && !(flags & PLAN_KEEP_MODE) && fchmodat (to_fd, ".", st.st_mode & 07777, 0) < 0)
    r = -errno;
  return r;
}
