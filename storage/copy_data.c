#include "storage/copy_data.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "pkg/base/fd.h"

enum { BLOCK = 1 << 16 };
#define RANGE_MAX ((size_t) 1 << 30)

/* copy_by_hand: from where both stand to the end. */
static int
copy_by_hand (int from, int to)
{
  static __thread char block[BLOCK];
  for (;;)
    {
      ssize_t n = read (from, block, sizeof block);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return n < 0 ? -errno : 0;
      int r = fd_write_all (to, block, (size_t) n);
      if (r < 0)
        return r;
    }
}

/* copy_range: @size bytes from where both stand; fewer when the file ends. -EOPNOTSUPP: the kernel cannot, nothing was done. */
static int
copy_range (int from, int to, off_t size)
{
  for (off_t left = size; left > 0;)
    {
      size_t part = (off_t) RANGE_MAX < left ? RANGE_MAX : (size_t) left;
      ssize_t n = copy_file_range (from, NULL, to, NULL, part, 0);
      if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS || errno == EBADF))
        n = sendfile (to, from, NULL, part);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno == EINVAL && left == size ? -EOPNOTSUPP : -errno;
      if (n == 0)
        return 0;
      left -= n;
    }
  return 0;
}

int
copy_data (int from, int to, off_t size)
{
  if (size > 0 && ioctl (to, FICLONE, from) == 0)
    return 0;
  off_t end = 0;
  while (end < size)
    {
      off_t data = lseek (from, end, SEEK_DATA), hole;
      if (data < 0 && errno == ENXIO)
        break;
      if (data < 0)   /* not told by this filesystem */
        data = end, hole = size;
      else if ((hole = lseek (from, data, SEEK_HOLE)) < 0)
        return -errno;
      if (lseek (from, data, SEEK_SET) < 0 || lseek (to, data, SEEK_SET) < 0)
        return -errno;
      int r = copy_range (from, to, hole - data);
      if (r == -EOPNOTSUPP)
        return copy_by_hand (from, to);
      if (r < 0)
        return r;
      end = hole;
    }
  if (size > 0 && ftruncate (to, size) < 0)
    return -errno;
  if (size > 0)
    return 0;
  return copy_by_hand (from, to);
}
