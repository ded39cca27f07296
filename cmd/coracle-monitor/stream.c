#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* At most this many moves before the other descriptors get their turn */
#define PUMP_ROUNDS 16
#define SPLICE_SIZE (1u << 20)
/* What a terminal that poll calls writable takes without blocking; a pipe takes PIPE_BUF bytes (pipe(7)) */
#define TERMINAL_SIZE 256
/* One read of a terminal gives no more (N_TTY_BUF_SIZE); of a pipe that gave less, another would mostly find nothing */
#define TERMINAL_MOST 4096

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

size_t
text_number (char *to, uint64_t number)
{
  char digits[20];
  size_t n = 0, at = 0;
  for (uint64_t left = number; left > 0 || n == 0; left /= 10)
    digits[n++] = (char) ('0' + left % 10);
  while (n > 0)
    to[at++] = digits[--n];
  return at;
}

/* reopen: an open file description of our own for the caller's terminal or pipe, so that O_NONBLOCK is ours alone. Not for a master (/dev/ptmx, 5:2): opening that
 * makes a new terminal. Replaces *@fd and returns true where it worked. */
static bool
reopen (int *fd, dev_t device)
{
  if (device == makedev (5, 2))
    return false;
  char path[40] = "/proc/self/fd/";
  size_t at = strlen (path);
  at += text_number (path + at, (unsigned) *fd);
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
    return reopen (fd, st.st_rdev) ? STREAM_COPY : STREAM_CAREFUL;
  return STREAM_SPLICE;
}

/* kind_without_splice: *@fd cannot be spliced to: a file opened with O_APPEND, an odd device, the very pipe we read; or others want the same output. */
static StreamKind
kind_without_splice (int *fd)
{
  struct stat st;
  if (fstat (*fd, &st) < 0)
    return STREAM_CAREFUL;
  if (S_ISREG (st.st_mode) || (S_ISCHR (st.st_mode) && st.st_rdev == makedev (1, 3)))
    return STREAM_COPY;
  return S_ISFIFO (st.st_mode) && reopen (fd, 0) ? STREAM_COPY : STREAM_CAREFUL;
}

void
stream_start (Stream *stream, int from, int to)
{
  stream->from = from;
  stream->to = to;
  stream->length = 0;
  stream->blocked = false;
  stream->broken = 0;
  fd_set_nonblocking (from);
  if (from < 0)
    stream_drop (stream);
  else if (to >= 0)
    stream->kind = kind_of (&stream->to);
}

void
stream_poll (const Stream *stream, struct pollfd *poll)
{
  int from = stream->length > 0 ? -1 : stream->from;
  *poll = (struct pollfd) { .fd = stream->blocked ? stream->to : from, .events = stream->blocked ? POLLOUT : POLLIN };
}

bool
stream_ready (const Stream *stream)
{
  return stream->from >= 0 && !stream->blocked && stream->length == 0;
}

void
stream_drop (Stream *stream)
{
  fd_drop (&stream->to);
  stream->blocked = false;
}

static void
stream_end (Stream *stream)
{
  if (stream->from >= 0)
    log_end (stream->log, stream->which);
  fd_drop (&stream->from);
  stream_drop (stream);
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
      stream->kind = kind_without_splice (&stream->to);
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
  const char *data = stream->buffer + stream->written;
  size_t size = stream->length - stream->written;
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
      size_t most = isatty (stream->to) ? TERMINAL_SIZE : PIPE_BUF;
      size = size < most ? size : most;
    }
  return write (stream->to, data, size);
}

/* write_out: to the caller, as much as it takes now. */
static void
write_out (Stream *stream)
{
  if (stream->kind == STREAM_SPLICE)
    stream->kind = kind_without_splice (&stream->to);
  while (stream->to >= 0 && stream->written < stream->length)
    {
      ssize_t n = write_some (stream);
      if (n > 0)
        stream->written += (size_t) n;
      else if (n < 0 && errno == EAGAIN)
        {
          stream->blocked = true;
          return;
        }
      else if (n == 0 || errno != EINTR)
        {
          stream->broken = failure_to_tell (n == 0 ? ENOSPC : errno);
          stream_drop (stream);
        }
    }
}

/* fill: read a piece. A terminal's line discipline gives at most 4 KiB at a time. Returns false when there is nothing now. */
static bool
fill (Stream *stream, bool last)
{
  stream->logged = stream->written = 0;
  while (stream->length < sizeof stream->buffer)
    {
      ssize_t n = read (stream->from, stream->buffer + stream->length, sizeof stream->buffer - stream->length);
      if (n < 0 && errno == EINTR)
        continue;
      /* what was read before goes out first: the end is met again */
      if (n <= 0 && stream->length == 0 && (n == 0 || errno != EAGAIN || last))
        stream_end (stream);
      if (n <= 0)
        break;
      stream->length += (size_t) n;
      if (n > TERMINAL_MOST)
        break;
    }
  return stream->length > 0;
}

/* give: the piece to all who want it. Returns whether all have it. */
static bool
give (Stream *stream)
{
  if (stream->logged < stream->length)
    stream->logged += log_write (stream->log, stream->which, stream->buffer + stream->logged, stream->length - stream->logged);
  if (stream->to >= 0)
    write_out (stream);
  return stream->logged == stream->length && (stream->to < 0 || stream->written == stream->length) && !clients_owe (stream->clients, stream->which);
}

static bool
can_splice (const Stream *stream)
{
  return stream->to >= 0 && stream->kind == STREAM_SPLICE && !log_wanted (stream->log) && !clients_want (stream->clients, stream->which);
}

void
stream_pump (Stream *stream, bool last)
{
  stream->blocked = false;
  for (int round = 0; round < PUMP_ROUNDS && stream->from >= 0; round++)
    {
      if (stream->length == 0 && can_splice (stream))
        {
          if (!move (stream, last))
            break;
          continue;
        }
      if (stream->length == 0)
        {
          if (!fill (stream, last))
            break;
          clients_offer (stream->clients, stream->which, stream->buffer, stream->length);
        }
      if (!give (stream))
        break;
      stream->length = 0;
    }
}
