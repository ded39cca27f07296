/* relay bulk|short PORT TO: a bare relay between a client and a server of this machine's loopback, to know what any published port costs: nobody's namespace, address or limits.
 *   bulk   two processes for each connection, each of them splicing one way
 *   short  one process for all, which copies: hardly more than what the two connections themselves need. It waits for nobody who does not read, and so is for short answers only */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in
loopback (const char *port)
{
  return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons ((uint16_t) atoi (port)), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
}

static int
connect_to (const struct sockaddr_in *to)
{
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect (fd, (const struct sockaddr *) to, sizeof *to) < 0)
    exit (1);
  return fd;
}

/* ---- bulk */

static void
splice_all (int from, int to)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return;
  (void) fcntl (ends[1], F_SETPIPE_SZ, 256 << 10);
  for (;;)
    {
      ssize_t n = splice (from, NULL, ends[1], NULL, 256 << 10, SPLICE_F_MOVE);
      if (n <= 0)
        break;
      while (n > 0)
        {
          ssize_t written = splice (ends[0], NULL, to, NULL, (size_t) n, SPLICE_F_MOVE);
          if (written <= 0)
            return;
          n -= written;
        }
    }
  (void) shutdown (to, SHUT_WR);
}

static void
serve_bulk (int listener, const struct sockaddr_in *to)
{
  (void) signal (SIGCHLD, SIG_IGN);
  for (;;)
    {
      int client = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
      if (client >= 0 && fork () == 0)
        {
          int inner = connect_to (to);
          (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
          if (fork () == 0)
            splice_all (client, inner);
          else
            splice_all (inner, client);
          _exit (0);
        }
      (void) close (client);
    }
}

/* ---- short */

/* Which socket is the other one, by number; 0: none */
static int others[1 << 16];

static void
take (int epoll, int client, const struct sockaddr_in *to)
{
  static const int on = 1;
  int fds[] = { client, connect_to (to) };
  for (int i = 0; i < 2; i++)
    {
      struct epoll_event event = { .events = EPOLLIN, .data.fd = fds[i] };
      (void) setsockopt (fds[i], SOL_TCP, TCP_NODELAY, &on, sizeof on);
      if (epoll_ctl (epoll, EPOLL_CTL_ADD, fds[i], &event) < 0)
        exit (1);
      others[fds[i]] = fds[1 - i];
    }
}

static void
copy (int from)
{
  static char buffer[16384];
  int to = others[from];
  if (to == 0)
    return; /* it ended in the same round */
  ssize_t n = recv (from, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n > 0 && send (to, buffer, (size_t) n, MSG_NOSIGNAL) == n)
    return;
  if (n < 0 && errno == EAGAIN)
    return;
  others[from] = others[to] = 0;
  (void) close (from);
  (void) close (to);
}

static void
serve_short (int listener, const struct sockaddr_in *to)
{
  int epoll = epoll_create1 (EPOLL_CLOEXEC);
  struct epoll_event events[128], event = { .events = EPOLLIN, .data.fd = listener };
  if (epoll_ctl (epoll, EPOLL_CTL_ADD, listener, &event) < 0)
    exit (1);
  for (;;)
    {
      int n = epoll_wait (epoll, events, 128, -1);
      for (int i = 0; i < n; i++)
        if (events[i].data.fd != listener)
          copy (events[i].data.fd);
      /* last: a number that was closed in this round may be one of these */
      for (int i = 0; i < n; i++)
        if (events[i].data.fd == listener)
          take (epoll, accept4 (listener, NULL, NULL, SOCK_CLOEXEC), to);
    }
}

int
main (int argc, char **argv)
{
  static const int on = 1;
  if (argc != 4)
    return 2;
  struct sockaddr_in own = loopback (argv[2]), to = loopback (argv[3]);
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  (void) setsockopt (listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind (listener, (const struct sockaddr *) &own, sizeof own) < 0 || listen (listener, 4096) < 0)
    {
      perror ("relay");
      return 1;
    }
  if (strcmp (argv[1], "bulk") == 0)
    serve_bulk (listener, &to);
  serve_short (listener, &to);
}
