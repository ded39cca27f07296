/* peer TCP-PORT UDP-PORT [4]: for tests of published ports, static, to be mounted into a container: tells each client on these ports its address and port, then repeats what it says.
 * With 4 it listens on IPv4 alone. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

int
main (int argc, char **argv)
{
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
