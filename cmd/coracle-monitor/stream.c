#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* At most this many moves before the other descriptors get their turn */
#define PUMP_ROUNDS 16
#define SPLICE_SIZE (1u << 20)
/* What a terminal or pipe that poll calls writable takes without blocking: PIPE_BUF bytes for a pipe (pipe(7)); a terminal promises less */
#define CAREFUL_SIZE 256

void
fd_drop (int *fd)
{
  if (*fd >= 0)
    (void) close (*fd);
  *fd = -1;
}

void
fd_set_nonblocking (int fd)
{
  if (fd >= 0)
    (void) fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
}

/* reopen_terminal: an open file description of our own for the caller's terminal, so that O_NONBLOCK is ours alone. Not for a master (/dev/ptmx, 5:2): opening that
 * makes a new terminal. Replaces *@fd and returns true where it worked. */
static bool
reopen_terminal (int *fd, dev_t device)
{
  if (device == makedev (5, 2))
    return false;
  char path[32] = "/proc/self/fd/";
  char digits[12];
  size_t n = 0, at = strlen (path);
  for (unsigned number = (unsigned) *fd; number > 0 || n == 0; number /= 10)
    digits[n++] = (char) ('0' + number % 10);
  while (n > 0)
    path[at++] = digits[--n];
  path[at] = '\0';
  int own = open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (own < 0)
    return false;
  (void) close (*fd);
  *fd = own;
  return true;
}

static StreamKind
kind_of (int *fd)
{
  struct stat st;
  if (fstat (*fd, &st) < 0)
    return STREAM_CAREFUL;
  if (S_ISSOCK (st.st_mode))
    return STREAM_SOCKET;
  if (S_ISCHR (st.st_mode) && isatty (*fd))
    return reopen_terminal (fd, st.st_rdev) ? STREAM_COPY : STREAM_CAREFUL;
  return STREAM_SPLICE;
}

/* kind_without_splice: @to cannot be spliced to: a file opened with O_APPEND, an odd device, or the very pipe we read. */
static StreamKind
kind_without_splice (int fd)
{
  struct stat st;
  return fstat (fd, &st) == 0 && S_ISREG (st.st_mode) ? STREAM_COPY : STREAM_CAREFUL;
}

void
stream_start (Stream *stream, int from, int to)
{
  stream->from = from;
  stream->to = to;
  fd_set_nonblocking (from);
  if (from < 0)
    stream_drop (stream);
  else if (to >= 0)
    stream->kind = kind_of (&stream->to);
}

void
stream_poll (const Stream *stream, struct pollfd *poll)
{
  poll->fd = stream->blocked ? stream->to : stream->from;
  poll->events = stream->blocked ? POLLOUT : POLLIN;
}

bool
stream_ready (const Stream *stream)
{
  return stream->from >= 0 && !stream->blocked;
}

void
stream_drop (Stream *stream)
{
  fd_drop (&stream->to);
  stream->at = stream->length = 0;
  stream->blocked = false;
}

static void
stream_end (Stream *stream)
{
  fd_drop (&stream->from);
  stream_drop (stream);
}

/* forget: read what nobody wants. Returns false when there is no more now. */
static bool
forget (Stream *stream, bool last)
{
  ssize_t n = read (stream->from, stream->buffer, sizeof stream->buffer);
  if (n > 0 || (n < 0 && errno == EINTR))
    return true;
  if (n == 0 || errno != EAGAIN || last)
    stream_end (stream);
  return false;
}

/* failure_to_tell: @number if the user must know that output was lost; a terminal that hung up (EIO) tells them itself. */
static int
failure_to_tell (int number)
{
  return number == EPIPE || number == ENOSPC || number == EDQUOT ? number : 0;
}

static bool
move (Stream *stream, bool last)
{
  ssize_t n = splice (stream->from, NULL, stream->to, NULL, SPLICE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (n > 0)
    return true;
  if (n == 0)
    {
      stream_end (stream);
      return false;
    }
  switch (errno)
    {
    case EINTR:
      return true;
    case EINVAL:
      stream->kind = kind_without_splice (stream->to);
      return true;
    case EAGAIN:
      {
        /* the same errno for "nothing to read" and "no room" */
        int waiting = 0;
        (void) ioctl (stream->from, FIONREAD, &waiting);
        stream->blocked = waiting > 0;
        if (waiting == 0 && last)
          stream_end (stream);
        return false;
      }
    default:
      stream->broken = failure_to_tell (errno);
      stream_drop (stream);
      return true;
    }
}

static ssize_t
write_some (const Stream *stream)
{
  const char *data = stream->buffer + stream->at;
  size_t size = stream->length - stream->at;
  if (stream->kind == STREAM_SOCKET)
    return send (stream->to, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (stream->kind == STREAM_CAREFUL)
    {
      struct pollfd room = { .fd = stream->to, .events = POLLOUT };
      if (poll (&room, 1, 0) == 0)
        {
          errno = EAGAIN;
          return -1;
        }
      if (size > CAREFUL_SIZE)
        size = CAREFUL_SIZE;
    }
  return write (stream->to, data, size);
}

static bool
copy (Stream *stream, bool last)
{
  if (stream->length == 0)
    {
      ssize_t n = read (stream->from, stream->buffer, sizeof stream->buffer);
      if (n < 0 && errno == EINTR)
        return true;
      if (n == 0 || (n < 0 && (errno != EAGAIN || last)))
        stream_end (stream);
      if (n <= 0)
        return false;
      stream->at = 0;
      stream->length = (size_t) n;
    }
  ssize_t n = write_some (stream);
  if (n < 0)
    {
      if (errno == EINTR)
        return true;
      stream->blocked = errno == EAGAIN;
      stream->broken = failure_to_tell (errno);
      if (!stream->blocked)
        stream_drop (stream);
      return !stream->blocked;
    }
  stream->at += (size_t) n;
  if (stream->at == stream->length)
    stream->at = stream->length = 0;
  return true;
}

void
stream_pump (Stream *stream, bool last)
{
  stream->blocked = false;
  for (int round = 0; round < PUMP_ROUNDS && stream->from >= 0; round++)
    {
      bool more = stream->to < 0 ? forget (stream, last) : stream->kind == STREAM_SPLICE ? move (stream, last) : copy (stream, last);
      if (!more)
        break;
    }
}
