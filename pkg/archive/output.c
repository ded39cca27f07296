#include "pkg/archive/output.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x00000080 /* Linux 6.14 */
#endif

struct Output {
  int fd, folder_fd;       /* folder_fd: -1: written to directly */
  char *path, *base;       /* of the file to be; path is for messages */
  gboolean random;
  gint64 at, begin, end;   /* end: the furthest byte written */
  gint cached;             /* atomic: this kernel or filesystem knows no RWF_DONTCACHE */
};

/* ---- opening and naming */

static gboolean
throw_open (GError **error, const char *path, int errsv)
{
  const char *text = errsv == ENOENT ? "no such file or directory" : errsv == EISDIR ? "is a directory" : errsv == EACCES ? "permission denied" : g_strerror (errsv);
  return coracle_throw (error, errsv == ENOSPC ? CORACLE_ERROR_NO_SPACE : CORACLE_ERROR_INVALID, "open %s: %s", path, text);
}

static gboolean
open_beside (Output *self, mode_t mode, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (self->path);
  self->base = g_path_get_basename (self->path);
  self->folder_fd = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (self->folder_fd >= 0)
    self->fd = openat (self->folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
  int errsv = errno;
  if (self->fd >= 0)
    return TRUE;
  /* a filesystem without such files (overlay on old kernels, some FUSE): then the name itself, as others do */
  if (errsv == EOPNOTSUPP || errsv == EISDIR || errsv == EINVAL)
    {
      fd_close (fd_steal (&self->folder_fd));
      self->fd = open (self->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
      errsv = errno;
    }
  return self->fd >= 0 || throw_open (error, self->path, errsv);
}

static gboolean
open_path (Output *self, gboolean replace, GError **error)
{
  struct stat there;
  if (stat (self->path, &there) < 0)
    return open_beside (self, 0644, error);
  if (S_ISDIR (there.st_mode))
    return throw_open (error, self->path, EISDIR);
  if (S_ISREG (there.st_mode))
    {
      if (!replace && there.st_size > 0)
        return coracle_throw (error, CORACLE_ERROR_EXISTS, "docker-archive doesn't support modifying existing images");
      if (access (self->path, W_OK) < 0)
        return throw_open (error, self->path, EACCES);
      g_autofree char *real = realpath (self->path, NULL);   /* a link stays one */
      if (real != NULL)
        {
          g_free (self->path);
          self->path = g_strdup (real);
        }
      return open_beside (self, there.st_mode & 0777, error);
    }
  self->fd = open (self->path, O_WRONLY | O_CLOEXEC);
  int errsv = errno;
  return self->fd >= 0 || throw_open (error, self->path, errsv);
}

Output *
output_open (const char *path, gboolean replace, GError **error)
{
  g_autoptr (Output) self = g_new0 (Output, 1);
  self->fd = self->folder_fd = -1;
  self->path = g_strdup (path);
  if (path == NULL)
    self->fd = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  else if (!open_path (self, replace, error))
    return NULL;
  struct stat st;
  int errsv = errno;
  if (self->fd < 0 || fstat (self->fd, &st) < 0)
    {
      coracle_throw_errno (error, errsv, "standard output");
      return NULL;
    }
  /* a file that others append to, too, is no place to write here and there */
  self->random = S_ISREG (st.st_mode) && (fcntl (self->fd, F_GETFL) & O_APPEND) == 0;
  self->begin = self->at = self->end = self->random ? lseek (self->fd, 0, SEEK_CUR) : 0;
  return g_steal_pointer (&self);
}

void
output_free (Output *self)
{
  if (self == NULL)
    return;
  fd_close (self->fd);
  fd_close (self->folder_fd);
  g_free (self->path);
  g_free (self->base);
  g_free (self);
}

/* give_name: link it under a name of its own first: only a rename replaces what is there. Returns 0 or -errno. */
static int
give_name (Output *self)
{
  g_autofree char *open_file = g_strdup_printf ("/proc/self/fd/%d", self->fd);
  if (linkat (AT_FDCWD, open_file, self->folder_fd, self->base, AT_SYMLINK_FOLLOW) == 0)
    return 0;
  if (errno != EEXIST)
    return -errno;
  g_autofree char *name = g_strdup_printf (".coracle-%08x%08x", g_random_int (), g_random_int ());
  if (linkat (AT_FDCWD, open_file, self->folder_fd, name, AT_SYMLINK_FOLLOW) < 0)
    return -errno;
  if (renameat (self->folder_fd, name, self->folder_fd, self->base) == 0)
    return 0;
  int r = -errno;
  (void) unlinkat (self->folder_fd, name, 0);
  return r;
}

gboolean
output_commit (Output *self, GError **error)
{
  /* a guess that was too large left bytes behind the end */
  struct stat st;
  if (self->random && fstat (self->fd, &st) == 0 && st.st_size > self->at && st.st_size <= self->end && ftruncate (self->fd, self->at) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "%s", self->path != NULL ? self->path : "standard output");
    }
  if (self->random)
    (void) lseek (self->fd, self->at, SEEK_SET);
  int r = self->folder_fd >= 0 ? give_name (self) : 0;
  return r == 0 || coracle_throw_errno (error, -r, "%s", self->path);
}

/* ---- writing */

gboolean
output_random (const Output *self)
{
  return self->random;
}

gint64
output_at (const Output *self)
{
  return self->at;
}

void
output_seek (Output *self, gint64 offset)
{
  self->end = MAX (self->end, self->at);
  self->at = offset;
}

static gboolean
throw_write (const Output *self, GError **error, int errsv)
{
  return coracle_throw_errno (error, errsv, "writing %s", self->path != NULL ? self->path : "to standard output");
}

/* write_some: an archive is written once, is large, and will be read elsewhere or much later: it goes to the disk without staying in memory, which others need and which costs more to
 * get than the copy itself where a machine is a guest (540 MB: 0.85 s for 1.7). As pwrite(2). */
static ssize_t
write_some (Output *self, const void *data, size_t size, gint64 offset)
{
  struct iovec piece = { .iov_base = (void *) data, .iov_len = size };
  if (!g_atomic_int_get (&self->cached))
    {
      ssize_t n = pwritev2 (self->fd, &piece, 1, offset, RWF_DONTCACHE);
      if (n >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
        return n;
      g_atomic_int_set (&self->cached, TRUE);
    }
  return pwrite (self->fd, data, size, offset);
}

gboolean
output_write_at (Output *self, gint64 offset, const void *data, size_t size, GError **error)
{
  const char *at = data;
  for (size_t left = size; left > 0;)
    {
      ssize_t n = write_some (self, at, left, offset);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          int errsv = errno;
          return throw_write (self, error, errsv);
        }
      at += n;
      offset += n;
      left -= (size_t) n;
    }
  return TRUE;
}

gboolean
output_write (Output *self, const void *data, size_t size, GError **error)
{
  if (self->random)
    {
      if (!output_write_at (self, self->at, data, size, error))
        return FALSE;
    }
  else
    {
      int r = fd_write_all (self->fd, data, size);
      if (r < 0)
        return throw_write (self, error, -r);
    }
  self->at += (gint64) size;
  return TRUE;
}

/* copy_some: up to @size bytes from @from at *@in to @to, at *@out if that is not NULL, by the first way that works. As read(2), or -errno. */
static ssize_t
copy_some (int from, off_t *in, int to, off_t *out, size_t size)
{
  off_t before = *in;
  ssize_t n = out != NULL ? copy_file_range (from, in, to, out, size, 0) : -1;
  if (n >= 0)
    return n;
  *in = before;
  n = out == NULL ? sendfile (to, from, in, size) : -1;
  if (n >= 0)
    return n;
  *in = before;
  char piece[1 << 16];
  n = pread (from, piece, MIN (size, sizeof piece), before);
  if (n <= 0)
    return n < 0 ? -errno : 0;
  if (out == NULL)
    {
      int r = fd_write_all (to, piece, (size_t) n);
      *in += n;
      return r < 0 ? r : n;
    }
  ssize_t written = pwrite (to, piece, (size_t) n, *out);
  if (written < 0)
    return -errno;
  *in += written;
  *out += written;
  return written;
}

/* copy_range: returns 0, -errno, or -ENODATA when @from is shorter. */
static int
copy_range (int from, int to, off_t *out, gint64 size)
{
  off_t in = 0;
  while (in < size)
    {
      gint64 left = size - in;
      ssize_t n = copy_some (from, &in, to, out, (size_t) MIN (left, (gint64) 1 << 30));
      if (n == -EINTR)
        continue;
      if (n <= 0)
        return n < 0 ? (int) n : -ENODATA;
    }
  return 0;
}

gboolean
output_copy (Output *self, int fd, gint64 size, GError **error)
{
  off_t out = self->at;
  int r = copy_range (fd, self->fd, self->random ? &out : NULL, size);
  self->at += size;
  if (r == -ENODATA)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "a blob kept is shorter than it should be");
  return r == 0 || throw_write (self, error, -r);
}

gboolean
output_copy_whole (int from, int to, gint64 size, GError **error)
{
  struct stat st;
  off_t out = 0;
  int r = fstat (from, &st) < 0 ? -errno : st.st_size != size ? -ENODATA : size > 0 && ioctl (to, FICLONE, from) == 0 ? 0 : copy_range (from, to, &out, size);
  if (r == -ENODATA)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "a blob kept does not have the size it should have");
  return r == 0 || coracle_throw_errno (error, -r, "writing");
}
