#include "pkg/monitor/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pkg/base/fd.h"

#define ANSWER_SECONDS 5

int
monitor_connect (int run_root, const char *id)
{
  cleanup_fd int folder = openat (run_root, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  cleanup_fd int fd = folder >= 0 ? socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) : -1;
  if (fd < 0)
    return -errno;
  /* through the descriptor: the path itself may be longer than an address can be */
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/attach", folder);
  int r;
  do
    r = connect (fd, (const struct sockaddr *) &address, sizeof address);
  while (r < 0 && errno == EINTR);
  return r < 0 ? -errno : fd_steal (&fd);
}

static int
read_answer (int fd)
{
  struct {
    MonitorHeader header;
    gint32 number;
  } answer;
  for (;;)
    {
      ssize_t n = recv (fd, &answer, sizeof answer, 0);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
      if (n == 0)
        return -EPIPE;
      if (n == (ssize_t) sizeof answer && answer.header.type == MONITOR_DONE)
        return -answer.number;
    }
}

int
monitor_control (int run_root, const char *id, guint32 type, const void *data, gsize size)
{
  cleanup_fd int fd = monitor_connect (run_root, id);
  if (fd < 0)
    return fd;
  const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
  (void) setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  (void) setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  MonitorHeader header = { .type = type };
  struct iovec parts[2] = { { &header, sizeof header }, { (void *) (guintptr) data, size } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1 };
  ssize_t n;
  do
    n = sendmsg (fd, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno == EAGAIN ? -ETIMEDOUT : -errno;
  return read_answer (fd);
}
