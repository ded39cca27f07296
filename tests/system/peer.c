/* peer TCP-PORT UDP-PORT [4]: for tests of networks, static, to be mounted into a container: tells each client on these ports its address and port, then repeats what it says.
 * With 4 it listens on IPv4 alone.
 * peer connect ADDRESS PORT N BYTES: the other side: N connections at once to an IPv4 address where what is said is repeated, some hundred begun at a time; over each so many bytes there and
 * back. Says how many it has, and how those ended that it could not make ("1000 open, 0 wrong, 24 refused: Network is unreachable"), and stays. With BYTES 0 it only listens, with as little room as can
 * be had. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AT_A_TIME = 200, PIECE = 32768 };

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_storage room;
} Address;

static int
open_port (int type, int port, int family)
{
  Address address;
  int fd = socket (family, type, 0), on = 1, off = 0;
  memset (&address, 0, sizeof address);
  address.any.sa_family = (sa_family_t) family;
  address.v4.sin_port = htons ((uint16_t) port);   /* at the same place in both */
  (void) setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6)
    (void) setsockopt (fd, SOL_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind (fd, &address.any, family == AF_INET6 ? sizeof address.v6 : sizeof address.v4) < 0 || (type == SOCK_STREAM && listen (fd, 4096) < 0))
    {
      perror ("bind");
      exit (1);
    }
  return fd;
}

static int
tell (const Address *from, char *to, size_t size)
{
  char text[INET6_ADDRSTRLEN];
  if (from->any.sa_family == AF_INET6)
    (void) inet_ntop (AF_INET6, &from->v6.sin6_addr, text, sizeof text);
  else
    (void) inet_ntop (AF_INET, &from->v4.sin_addr, text, sizeof text);
  return snprintf (to, size, "%s %d\n", strncmp (text, "::ffff:", 7) == 0 ? text + 7 : text, ntohs (from->v4.sin_port));
}

static void
serve_connection (int listener)
{
  static char data[65536];
  Address from;
  socklen_t size = sizeof from;
  int fd = accept (listener, &from.any, &size);
  if (fd >= 0 && fork () == 0)
    {
      ssize_t n = tell (&from, data, sizeof data);
      do
        if (write (fd, data, (size_t) n) != n)
          _exit (1);
      while ((n = read (fd, data, sizeof data)) > 0);
      _exit (0);
    }
  if (fd >= 0)
    (void) close (fd);
}

static void
serve_datagram (int fd)
{
  static char data[65536];
  Address from;
  socklen_t size = sizeof from;
  char who[80];
  ssize_t n = recvfrom (fd, data, sizeof data - sizeof who, 0, &from.any, &size);
  int length = tell (&from, who, sizeof who);
  if (n < 0)
    return;
  memmove (data + length, data, (size_t) n);
  memcpy (data, who, (size_t) length);
  (void) sendto (fd, data, (size_t) (n + length), 0, &from.any, size);
}

/* ---- the client */

static int
begin (const struct sockaddr_in *to, int small)
{
  const int least = 1;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd >= 0 && small)
    (void) setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
  if (fd >= 0 && connect (fd, (const struct sockaddr *) to, sizeof *to) < 0 && errno != EINPROGRESS)
    {
      (void) close (fd);
      return -1;
    }
  return fd;
}

/* finish: -1 and errno: it could not be made. The kernel says POLLERR for an ICMP message that it has queued before it has made it the socket's error (tcp_v4_err, ip_icmp_error): only POLLOUT, or an
 * error, is an end. */
static int
finish (int fd)
{
  struct pollfd wait = { .fd = fd, .events = POLLOUT };
  int error = 0;
  socklen_t size = sizeof error;
  while (error == 0 && (wait.revents & POLLOUT) == 0)
    if (poll (&wait, 1, 60000) != 1)
      error = ETIMEDOUT;
    else
      (void) getsockopt (fd, SOL_SOCKET, SO_ERROR, &error, &size);
  (void) fcntl (fd, F_SETFL, 0);
  errno = error;
  return error == 0 ? 0 : -1;
}

static int
hear (int fd, size_t size, int letter)
{
  char back[PIECE];
  for (size_t n, at = 0; at < size; at += n)
    if ((n = (size_t) read (fd, back + at, size - at)) == 0 || n > size)
      return -1;
  for (size_t i = 0; i < size; i++)
    if (back[i] != letter)
      return -1;
  return 0;
}

/* talk: with these @n, each in a letter of its own; -1 in place of their number: not there. Returns with how many it went wrong. */
static int
talk (const int *fds, int n, size_t bytes)
{
  static char there[PIECE], bad[AT_A_TIME];
  int wrong = 0;
  memset (bad, 0, sizeof bad);
  for (size_t done = 0, size; done < bytes; done += size)
    {
      size = bytes - done < PIECE ? bytes - done : PIECE;
      for (int i = 0; i < n; i++)
        {
          memset (there, 'a' + i % 26, size);
          if (fds[i] >= 0 && write (fds[i], there, size) != (ssize_t) size)
            bad[i] = 1;
        }
      for (int i = 0; i < n; i++)
        if (fds[i] >= 0 && !bad[i] && hear (fds[i], size, 'a' + i % 26) < 0)
          bad[i] = 1;
    }
  for (int i = 0; i < n; i++)
    wrong += bad[i];
  return wrong;
}

static int
client (const char *address, int port, int n, size_t bytes)
{
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons ((uint16_t) port) };
  struct rlimit files;
  int *fds = calloc ((size_t) n, sizeof *fds), open = 0, refused = 0, why = 0, wrong = 0;
  (void) inet_pton (AF_INET, address, &to.sin_addr);
  if (getrlimit (RLIMIT_NOFILE, &files) == 0)
    {
      files.rlim_cur = files.rlim_max;
      (void) setrlimit (RLIMIT_NOFILE, &files);
    }
  for (int from = 0; from < n; from += AT_A_TIME)
    {
      int end = from + AT_A_TIME < n ? from + AT_A_TIME : n;
      for (int i = from; i < end; i++)
        fds[i] = begin (&to, bytes == 0);
      for (int i = from; i < end; i++)
        if (fds[i] < 0 || finish (fds[i]) < 0)
          {
            refused++;
            why = errno;
            (void) close (fds[i]);
            fds[i] = -1;
          }
      for (int i = from; i < end; i++)
        open += fds[i] >= 0;
      wrong += talk (fds + from, end - from, bytes);
    }
  printf ("%d open, %d wrong, %d refused: %s\n", open, wrong, refused, strerror (why));
  (void) fflush (stdout);
  while (pause () < 0)
    continue;
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc == 6 && strcmp (argv[1], "connect") == 0)
    return client (argv[2], atoi (argv[3]), atoi (argv[4]), (size_t) atol (argv[5]));
  if (argc < 3)
    return 2;
  int family = argc > 3 ? AF_INET : AF_INET6;
  struct pollfd polls[2] = { { .fd = open_port (SOCK_STREAM, atoi (argv[1]), family), .events = POLLIN }, { .fd = open_port (SOCK_DGRAM, atoi (argv[2]), family), .events = POLLIN } };
  (void) signal (SIGCHLD, SIG_IGN);
  puts ("listening");
  (void) fflush (stdout);
  while (poll (polls, 2, -1) >= 0)
    {
      if (polls[0].revents != 0)
        serve_connection (polls[0].fd);
      if (polls[1].revents != 0)
        serve_datagram (polls[1].fd);
    }
  return 1;
}
