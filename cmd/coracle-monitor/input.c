#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

void
input_start (Input *input, const MonitorStart *start)
{
  input->tty = start->pty >= 0;
  input->slave = -1;
  input->broken = false;
  input->at = input->length = 0;
  input->fd = start->stdin_fd;
  if (input->tty)
    {
      /* our own copy: the stream that reads the terminal closes its */
      input->fd = fcntl (start->pty, F_DUPFD_CLOEXEC, 0);
      input->slave = ioctl (start->pty, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
  fd_set_nonblocking (input->fd);
}

void
input_poll (const Input *input, struct pollfd *poll)
{
  /* without pending data only POLLERR is awaited: the container closed its standard input */
  *poll = (struct pollfd) { .fd = input->tty && input->length == 0 ? -1 : input->fd, .events = input->length > 0 ? POLLOUT : 0 };
}

void
input_close (Input *input)
{
  if (input->tty)
    return;
  fd_drop (&input->fd);
  input->at = input->length = 0;
}

void
input_finish (Input *input)
{
  fd_drop (&input->fd);
  fd_drop (&input->slave);
  input->at = input->length = 0;
}

static void
pump (Input *input)
{
  while (input->length > 0)
    {
      ssize_t n = input->fd < 0 ? (ssize_t) input->length : write (input->fd, input->packet.data + input->at, input->length);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        return;
      if (n < 0)
        {
          input->broken = !input->tty;
          input_close (input);
          n = (ssize_t) input->length;
        }
      input->at += (size_t) n;
      input->length -= (size_t) n;
    }
}

void
input_serve (Input *input, const struct pollfd *poll)
{
  if (input->length > 0 && poll->revents != 0)
    pump (input);
  else if (!input->tty && input->fd >= 0 && (poll->revents & POLLERR))
    {
      input_close (input);
      input->broken = true;
    }
}

void
input_give (Input *input, size_t size)
{
  struct termios modes;
  input->at = 0;
  input->length = size;
  if (size == 0 && !input->tty)
    input_close (input);
  else if (size == 0 && input->fd >= 0 && ioctl (input->fd, TCGETS, &modes) == 0)
    {
      input->packet.data[0] = (char) modes.c_cc[VEOF];
      input->length = 1;
    }
  pump (input);
}

void
input_resize (const Input *input, const MonitorSize *size)
{
  struct winsize window = { .ws_row = size->rows, .ws_col = size->columns };
  if (input->tty && input->fd >= 0)
    (void) ioctl (input->fd, TIOCSWINSZ, &window);
}
