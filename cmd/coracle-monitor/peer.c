#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

void
peer_start (Peer *peer, const MonitorStart *start)
{
  peer->socket = start->client;
  peer->pidfd = start->client_pidfd;
  peer->pty = start->pty;
  peer->slave = -1;
  peer->input = start->stdin_fd;
  fd_set_nonblocking (peer->pty);
  fd_set_nonblocking (peer->input);
  if (peer->pty >= 0)
    peer->slave = ioctl (peer->pty, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

void
peer_poll (const Peer *peer, struct pollfd polls[PEER_POLLS])
{
  bool in_pending = peer->in_length > 0;
  bool out_pending = peer->out_length > 0 || peer->telling || peer->input_closed || peer->output_closed != 0;
  polls[PEER_SOCKET] = (struct pollfd) { .fd = peer->socket, .events = (short) ((in_pending ? 0 : POLLIN) | (out_pending ? POLLOUT : 0)) };
  polls[PEER_PIDFD] = (struct pollfd) { .fd = peer->pidfd, .events = POLLIN };
  /* once our slave is closed a hangup is always reported: no use while what was read waits for room */
  bool hung_up = peer->slave < 0 && peer->out_length > 0;
  polls[PEER_PTY] = (struct pollfd) { .fd = hung_up ? -1 : peer->pty, .events = (short) ((peer->out_length == 0 ? POLLIN : 0) | (in_pending ? POLLOUT : 0)) };
  /* without pending data only POLLERR is awaited: the container closed its standard input */
  polls[PEER_INPUT] = (struct pollfd) { .fd = peer->input, .events = in_pending ? POLLOUT : 0 };
}

void
peer_leave (Peer *peer, bool died)
{
  fd_drop (&peer->socket);
  if (!peer->cleaned) /* else its death is waited for */
    fd_drop (&peer->pidfd);
  peer->out_length = 0;
  peer->in_at = peer->in_length = 0;
  peer->telling = peer->input_closed = false;
  peer->output_closed = 0;
  peer->left = true;
  if (died)
    fd_drop (&peer->input);
}

/* send_packet: false when there is no room now. A client that is gone swallows everything: its end of file is noticed when reading. */
static bool
send_packet (const Peer *peer, uint32_t type, const void *data, size_t size)
{
  MonitorHeader header = { .type = type };
  struct iovec parts[2] = { { &header, sizeof header }, { (void *) data, size } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1 };
  ssize_t n;
  do
    n = sendmsg (peer->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n >= 0 || errno != EAGAIN;
}

static void
send_pending (Peer *peer)
{
  if (peer->socket < 0)
    {
      peer->out_length = 0;
      return;
    }
  if (peer->out_length > 0 && send_packet (peer, MONITOR_OUTPUT, peer->out.data, peer->out_length))
    peer->out_length = 0;
  if (peer->out_length > 0)
    return;
  int32_t closed = peer->output_closed;
  if (closed != 0 && send_packet (peer, MONITOR_OUTPUT_CLOSED, &closed, sizeof closed))
    peer->output_closed = 0;
  if (peer->input_closed && send_packet (peer, MONITOR_STDIN_CLOSED, NULL, 0))
    peer->input_closed = false;
  if (peer->telling && send_packet (peer, MONITOR_EXITED, &peer->exited, sizeof peer->exited))
    peer->telling = false;
}

/* read_terminal: fill the packet: the line discipline gives at most 4 KiB at a time. Returns false when there is nothing more now. */
static bool
read_terminal (Peer *peer)
{
  while (peer->out_length < sizeof peer->out.data)
    {
      ssize_t n = read (peer->pty, peer->out.data + peer->out_length, sizeof peer->out.data - peer->out_length);
      if (n > 0)
        peer->out_length += (size_t) n;
      else if (n == 0 || errno == EAGAIN)
        return false;
      else if (errno != EINTR)
        {
          fd_drop (&peer->pty);
          return false;
        }
    }
  return true;
}

static void
pump_terminal (Peer *peer)
{
  for (int round = 0; round < 8 && peer->pty >= 0 && peer->out_length == 0; round++)
    {
      bool more = read_terminal (peer);
      send_pending (peer);
      if (!more)
        break;
    }
}

static void
close_input (Peer *peer)
{
  fd_drop (&peer->input);
  peer->in_at = peer->in_length = 0;
}

static void
pump_input (Peer *peer)
{
  while (peer->in_length > 0)
    {
      int to = peer->pty >= 0 ? peer->pty : peer->input;
      ssize_t n = to < 0 ? (ssize_t) peer->in_length : write (to, peer->in.data + peer->in_at, peer->in_length);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        return;
      if (n < 0)
        {
          if (to == peer->input)
            {
              close_input (peer);
              peer->input_closed = true;
            }
          n = (ssize_t) peer->in_length;
        }
      peer->in_at += (size_t) n;
      peer->in_length -= (size_t) n;
    }
}

/* end_input: a pipe is closed. A terminal has no end: its end-of-file character is typed, as script(1) does. */
static void
end_input (Peer *peer)
{
  struct termios modes;
  if (peer->pty < 0)
    close_input (peer);
  else if (ioctl (peer->pty, TCGETS, &modes) == 0)
    {
      peer->in.data[0] = (char) modes.c_cc[VEOF];
      peer->in_at = 0;
      peer->in_length = 1;
      pump_input (peer);
    }
}

static void
resize (const Peer *peer, const MonitorSize *size)
{
  struct winsize window = { .ws_row = size->rows, .ws_col = size->columns };
  if (peer->pty >= 0)
    (void) ioctl (peer->pty, TIOCSWINSZ, &window);
}

static void
handle (Peer *peer, size_t size, pid_t init)
{
  int32_t number;
  MonitorSize window;
  switch (peer->in.header.type)
    {
    case MONITOR_STDIN:
      peer->in_at = 0;
      peer->in_length = size;
      if (size > 0)
        pump_input (peer);
      else
        end_input (peer);
      break;
    case MONITOR_RESIZE:
      if (size == sizeof window)
        {
          memcpy (&window, peer->in.data, sizeof window);
          resize (peer, &window);
        }
      break;
    case MONITOR_SIGNAL:
      if (size == sizeof number && init > 0)
        {
          memcpy (&number, peer->in.data, sizeof number);
          (void) kill (init, number);
        }
      break;
    case MONITOR_DETACH:
      peer_leave (peer, false);
      break;
    case MONITOR_RECORDED:
      (void) prctl (PR_SET_PDEATHSIG, 0, 0, 0, 0);
      break;
    case MONITOR_CLEANED:
      peer->cleaned = true;
      break;
    default:
      break;
    }
}

/* receive: @gone: the client closed its end: what it said before still counts, input that finds no room does not. */
static void
receive (Peer *peer, pid_t init, bool gone)
{
  for (int round = 0; peer->socket >= 0 && (gone || (round < 8 && peer->in_length == 0)); round++)
    {
      ssize_t n = recv (peer->socket, &peer->in, sizeof peer->in, MSG_DONTWAIT);
      /* ECONNRESET: it left before it had read everything; its own last messages come after */
      if (n < 0 && (errno == EINTR || errno == ECONNRESET))
        continue;
      if (n < 0 && errno == EAGAIN)
        return;
      if (n < (ssize_t) sizeof peer->in.header)
        {
          peer_leave (peer, true);
          return;
        }
      handle (peer, (size_t) n - sizeof peer->in.header, init);
    }
}

void
peer_serve (Peer *peer, const struct pollfd polls[PEER_POLLS], pid_t init)
{
  if (peer->in_length > 0 && ((polls[PEER_PTY].revents | polls[PEER_INPUT].revents) & (POLLOUT | POLLERR | POLLHUP)))
    pump_input (peer);
  else if (peer->input >= 0 && (polls[PEER_INPUT].revents & POLLERR))
    {
      close_input (peer);
      peer->input_closed = peer->socket >= 0;
    }
  if (polls[PEER_PTY].revents & (POLLIN | POLLHUP | POLLERR))
    pump_terminal (peer);
  if (polls[PEER_SOCKET].revents & POLLOUT || peer->input_closed)
    send_pending (peer);
  if (polls[PEER_SOCKET].revents & (POLLIN | POLLHUP | POLLERR))
    receive (peer, init, (polls[PEER_SOCKET].revents & POLLHUP) != 0);
  /* after the socket, so that a last word of the dead is heard */
  if (peer->pidfd >= 0 && polls[PEER_PIDFD].revents != 0)
    {
      receive (peer, init, true);
      peer_leave (peer, true);
    }
}

void
peer_finish (Peer *peer)
{
  fd_drop (&peer->input);
  peer->in_at = peer->in_length = 0;
  fd_drop (&peer->slave);
  /* reading waits for the kernel to bring what was written to the slave (n_tty_read flushes the port's work), so that nothing now means nothing ever */
  while (peer->pty >= 0 && peer->out_length == 0)
    {
      bool more = read_terminal (peer);
      send_pending (peer);
      if (!more)
        fd_drop (&peer->pty);
    }
}

bool
peer_drained (const Peer *peer)
{
  return peer->pty < 0 && peer->out_length == 0;
}

void
peer_tell_broken (Peer *peer, int number)
{
  peer->output_closed = peer->socket >= 0 ? number : 0;
  send_pending (peer);
}

void
peer_tell (Peer *peer, const MonitorExit *exited)
{
  if (peer->socket < 0)
    return;
  peer->exited = *exited;
  peer->telling = true;
  send_pending (peer);
}
