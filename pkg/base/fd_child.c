/* The part of fd.h that also runs between clone and exec: no allocation, no GLib calls. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pkg/base/fd.h"

void
fd_close (int fd)
{
  if (fd < 0)
    return;
  int saved = errno;
  (void) close (fd);
  errno = saved;
}

void
fd_cleanup (int *fd)
{
  fd_close (*fd);
}

int
fd_steal (int *fd)
{
  int taken = *fd;
  *fd = -1;
  return taken;
}

int
fd_write_all (int fd, const void *data, size_t size)
{
  const char *at = data;
  while (size > 0)
    {
      ssize_t n = write (fd, at, size);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -errno;
      at += n;
      size -= (size_t) n;
    }
  return 0;
}

ssize_t
fd_read_all (int fd, void *data, size_t size)
{
  char *at = data;
  size_t left = size;
  while (left > 0)
    {
      ssize_t n = read (fd, at, left);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -errno;
      if (n == 0)
        break;
      at += n;
      left -= (size_t) n;
    }
  return (ssize_t) (size - left);
}

int
fd_send_with (int socket, int fd, const void *bytes, size_t size)
{
  union {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr align;
  } control;
  memset (&control, 0, sizeof control);
  struct iovec data = { .iov_base = (void *) (uintptr_t) bytes, .iov_len = size };
  struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (sizeof (int));
  memcpy (CMSG_DATA (header), &fd, sizeof fd);
  ssize_t n;
  do
    n = sendmsg (socket, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : 0;
}

int
fd_send (int socket, int fd)
{
  return fd_send_with (socket, fd, "f", 1);
}

int
fd_recv_with (int socket, void *bytes, size_t size)
{
  union {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr align;
  } control;
  struct iovec data = { .iov_base = bytes, .iov_len = size };
  struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
  ssize_t n;
  do
    n = recvmsg (socket, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return -errno;
  if (n == 0)
    return -ENODATA;
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN (sizeof (int)))
    return -EBADMSG;
  int fd;
  memcpy (&fd, CMSG_DATA (header), sizeof fd);
  return fd;
}

int
fd_recv (int socket)
{
  char byte;
  return fd_recv_with (socket, &byte, 1);
}

int
fd_memfd (const char *name, const void *data, size_t size)
{
  int fd = memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0)
    return -errno;
  int r = fd_write_all (fd, data, size);
  if (r == 0 && lseek (fd, 0, SEEK_SET) < 0)
    r = -errno;
  if (r == 0 && fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
    r = -errno;
  if (r < 0)
    {
      fd_close (fd);
      return r;
    }
  return fd;
}
