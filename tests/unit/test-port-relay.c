/* What coracle-port does, without a container: a server on a loopback, in a child, that connects to a peer in this process. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network/port_relay.h"
#include "network/port_serve.h"
#include "network/slirp.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"

static int
loopback_socket (int type, guint16 *ret_port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_true ((type & ~SOCK_NONBLOCK) != SOCK_STREAM || listen (fd, 4096) == 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &size), ==, 0);
  *ret_port = ntohs (address.sin_port);
  return fd;
}

static int
connect_to (int type, guint16 port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK), .sin_port = htons (port) };
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  struct timeval patience = { .tv_sec = 20 };
  (void) setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

/* A server between a published port and a peer's, of each protocol. */
typedef struct {
  int peer, peer_udp;         /* where it connects to */
  guint16 port, port_udp;     /* where it listens */
  pid_t server;
} Between;

static void
between_begin (Between *between, rlim_t files)
{
  guint16 inner, inner_udp;
  int listener = loopback_socket (SOCK_STREAM | SOCK_NONBLOCK, &between->port), udp = loopback_socket (SOCK_DGRAM | SOCK_NONBLOCK, &between->port_udp);
  static const int on = 1;
  (void) setsockopt (udp, SOL_IP, IP_PKTINFO, &on, sizeof on);
  between->peer = loopback_socket (SOCK_STREAM, &inner);
  between->peer_udp = loopback_socket (SOCK_DGRAM, &inner_udp);
  PortTable *table = g_malloc0 (sizeof *table + 2 * sizeof (PortEntry));
  table->n = 2;
  table->target.address4.s_addr = htonl (INADDR_LOOPBACK);
  table->entries[0] = (PortEntry){ .fd = listener, .container_port = inner };
  table->entries[1] = (PortEntry){ .fd = udp, .container_port = inner_udp, .udp = 1 };
  between->server = fork ();
  if (between->server == 0)
    {
      (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
      (void) close (between->peer);
      (void) close (between->peer_udp);
      (void) signal (SIGPIPE, SIG_IGN);
      if (files > 0)
        (void) setrlimit (RLIMIT_NOFILE, &(struct rlimit){ files, files });
      Server *server = port_server_new (table, 0, -1);
      while (server != NULL && port_server_once (server, -1))
        continue;
      _exit (1);
    }
  g_free (table);
  (void) close (listener);
  (void) close (udp);
}

static void
between_end (Between *between)
{
  proc_cleanup_pid (&between->server);
  (void) close (between->peer);
  (void) close (between->peer_udp);
}

static int
take (const Between *between)
{
  int fd = accept4 (between->peer, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
expect (int fd, const char *text)
{
  char data[64];
  gsize size = strlen (text);
  g_assert_cmpint (fd_read_all (fd, data, size), ==, (gssize) size);
  g_assert_cmpint (memcmp (data, text, size), ==, 0);
}

static void
expect_end (int fd)
{
  char byte;
  g_assert_cmpint (read (fd, &byte, 1), ==, 0);
}

static void
test_half_close (void)
{
  Between between;
  between_begin (&between, 0);
  for (int first = 0; first < 2; first++)
    {
      cleanup_fd int client = connect_to (SOCK_STREAM, between.port), inner = take (&between);
      int one = first == 0 ? client : inner, other = first == 0 ? inner : client;
      g_assert_cmpint (fd_write_all (one, "question", 8), ==, 0);
      g_assert_cmpint (shutdown (one, SHUT_WR), ==, 0);
      expect (other, "question");
      expect_end (other);
      g_assert_cmpint (fd_write_all (other, "answer", 6), ==, 0);
      expect (one, "answer");
      g_assert_cmpint (shutdown (other, SHUT_WR), ==, 0);
      expect_end (one);
    }
  between_end (&between);
}

/* A refusal, and a reset, are passed on. */
static void
test_reset (void)
{
  static const struct linger at_once = { .l_onoff = 1 };
  Between between;
  char byte;
  between_begin (&between, 0);
  cleanup_fd int client = connect_to (SOCK_STREAM, between.port);
  int inner = take (&between);
  (void) setsockopt (inner, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  (void) close (inner);
  g_assert_cmpint (read (client, &byte, 1), ==, -1);
  g_assert_cmpint (errno, ==, ECONNRESET);
  (void) close (between.peer);
  cleanup_fd int refused = connect_to (SOCK_STREAM, between.port);
  g_assert_cmpint (read (refused, &byte, 1), ==, -1);
  g_assert_cmpint (errno, ==, ECONNRESET);
  between.peer = -1;
  between_end (&between);
}

/* Whoever is connected to speaks first: nothing waits for the client's word. */
static void
test_speaks_first (void)
{
  Between between;
  between_begin (&between, 0);
  cleanup_fd int client = connect_to (SOCK_STREAM, between.port), inner = take (&between);
  g_assert_cmpint (fd_write_all (inner, "220 ready", 9), ==, 0);
  expect (client, "220 ready");
  g_assert_cmpint (fd_write_all (client, "HELO", 4), ==, 0);
  expect (inner, "HELO");
  between_end (&between);
}

/* What was said, and closed, before anybody could look: of any size it arrives, with its end. */
static void
test_said_and_gone (void)
{
  static const gsize sizes[] = { 0, 1, 16383, 16384, 16385, 32768, 60000 };
  Between between;
  between_begin (&between, 0);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (int from_inner = 0; from_inner < 2; from_inner++)
      {
        g_autofree char *sent = g_malloc (sizes[i] + 1), *got = g_malloc (sizes[i] + 1);
        for (gsize at = 0; at < sizes[i]; at++)
          sent[at] = (char) (at % 251);
        cleanup_fd int client = -1, inner = -1;
        if (from_inner == 0)
          (void) kill (between.server, SIGSTOP);
        client = connect_to (SOCK_STREAM, between.port);
        inner = from_inner != 0 ? take (&between) : -1;
        if (from_inner != 0)
          (void) kill (between.server, SIGSTOP);
        int *from = from_inner != 0 ? &inner : &client, *to = from_inner != 0 ? &client : &inner;
        g_assert_cmpint (fd_write_all (*from, sent, sizes[i]), ==, 0);
        (void) close (fd_steal (from));
        (void) kill (between.server, SIGCONT);
        if (from_inner == 0)
          inner = take (&between);
        g_assert_cmpint (fd_read_all (*to, got, sizes[i]), ==, (gssize) sizes[i]);
        g_assert_cmpint (memcmp (sent, got, sizes[i]), ==, 0);
        expect_end (*to);
      }
  between_end (&between);
}

/* What is said before the service listens waits for it, a quarter of a second; a slow machine may have to try again. */
static void
test_said_too_early (void)
{
  Between between;
  gboolean arrived = FALSE;
  between_begin (&between, 0);
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  g_assert_cmpint (getsockname (between.peer, (struct sockaddr *) &address, &size), ==, 0);
  for (int i = 0; i < 100 && !arrived; i++)
    {
      static const int on = 1;
      char data[8];
      (void) close (between.peer);
      between.peer = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      (void) setsockopt (between.peer, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      /* the server closes its copy of the first one when it comes to it */
      for (int tries = 0; bind (between.peer, (struct sockaddr *) &address, sizeof address) < 0; tries++, g_usleep (10000))
        g_assert_true (errno == EADDRINUSE && tries < 2000);
      cleanup_fd int client = connect_to (SOCK_STREAM, between.port);
      int r = fd_write_all (client, "early", 5);
      g_usleep (40000);
      g_assert_cmpint (listen (between.peer, 16), ==, 0);
      struct pollfd polls[] = { { .fd = between.peer, .events = POLLIN }, { .fd = client, .events = POLLIN } };
      g_assert_cmpint (poll (polls, 2, 20000), >, 0);
      if (polls[0].revents == 0 || r < 0)
        continue; /* it was given up already */
      cleanup_fd int inner = take (&between);
      g_assert_cmpint (fd_read_all (inner, data, 5), ==, 5);
      g_assert_cmpint (memcmp (data, "early", 5), ==, 0);
      g_assert_cmpint (fd_write_all (inner, "late", 4), ==, 0);
      expect (client, "late");
      arrived = TRUE;
    }
  g_assert_true (arrived);
  between_end (&between);
}

/* Urgent data ends a read before its time, which is not the end. */
static void
test_urgent (void)
{
  Between between;
  between_begin (&between, 0);
  for (int from_inner = 0; from_inner < 2; from_inner++)
    {
      cleanup_fd int client = connect_to (SOCK_STREAM, between.port), inner = take (&between);
      int from = from_inner != 0 ? inner : client, to = from_inner != 0 ? client : inner;
      (void) kill (between.server, SIGSTOP);
      g_assert_cmpint (fd_write_all (from, "before", 6), ==, 0);
      g_assert_cmpint (send (from, "!", 1, MSG_OOB), ==, 1);
      g_assert_cmpint (fd_write_all (from, "after", 5), ==, 0);
      g_assert_cmpint (shutdown (from, SHUT_WR), ==, 0);
      (void) kill (between.server, SIGCONT);
      expect (to, "beforeafter");
      expect_end (to);
    }
  between_end (&between);
}

/* A reader that does not read: the writer comes to a stop, and all that was written arrives in the end. */
static void
test_back_pressure (void)
{
  static char block[65536];
  Between between;
  between_begin (&between, 0);
  cleanup_fd int client = connect_to (SOCK_STREAM, between.port), inner = take (&between);
  guint64 sent = 0, got = 0;
  for (guint i = 0; i < sizeof block; i++)
    block[i] = (char) (i % 251);
  for (;;)
    {
      struct pollfd writable = { .fd = client, .events = POLLOUT };
      if (poll (&writable, 1, 300) == 0)
        break;
      /* whole blocks' worth of the pattern, wherever a short write ended */
      gsize at = sent % sizeof block;
      ssize_t n = send (client, block + at, sizeof block - at, MSG_DONTWAIT);
      g_assert_cmpint (n, >, 0);
      sent += (guint64) n;
      g_assert_cmpuint (sent, <, 64 << 20);
    }
  g_assert_cmpint (shutdown (client, SHUT_WR), ==, 0);
  for (;;)
    {
      static char data[65536];
      ssize_t n = read (inner, data, sizeof data);
      g_assert_cmpint (n, >=, 0);
      if (n == 0)
        break;
      for (ssize_t i = 0; i < n; i++)
        if (data[i] != block[(got + (guint64) i) % sizeof block])
          g_error ("byte %" G_GUINT64_FORMAT " differs", got + (guint64) i);
      got += (guint64) n;
    }
  g_assert_cmpuint (got, ==, sent);
  between_end (&between);
}

static guint
raise_files (void)
{
  struct rlimit files;
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &files), ==, 0);
  files.rlim_cur = files.rlim_max;
  (void) setrlimit (RLIMIT_NOFILE, &files);
  return (guint) MIN (files.rlim_cur, 1 << 20);
}

static long
resident_kb (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", (int) pid), *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  const char *line = strstr (text, "RssAnon:");
  return line != NULL ? strtol (line + 8, NULL, 10) : 0;
}

/* Ten thousand at once, or as many as this user's descriptors allow, idle but for a word each. */
static void
test_many (void)
{
  static const struct linger at_once = { .l_onoff = 1 };
  Between between;
  guint n = MIN (10000, (raise_files () - 100) / 2);
  g_autofree int *clients = g_new (int, n), *inners = g_new (int, n);
  between_begin (&between, 0);
  long before = resident_kb (between.server);
  for (guint i = 0; i < n; i++)
    {
      clients[i] = connect_to (SOCK_STREAM, between.port);
      inners[i] = take (&between);
    }
  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpint (fd_write_all (clients[i], "ping", 4), ==, 0);
      expect (inners[i], "ping");
      g_assert_cmpint (fd_write_all (inners[i], "pong", 4), ==, 0);
      expect (clients[i], "pong");
    }
  g_test_message ("%u connections: %ld kB", n, resident_kb (between.server) - before);
#ifndef __SANITIZE_ADDRESS__
  g_assert_cmpint (resident_kb (between.server) - before, <, 4096);
#endif
  for (guint i = 0; i < n; i++)
    {
      /* by a reset, which the other side sees: so many in TIME-WAIT would leave no port to others for a minute */
      char byte;
      (void) setsockopt (clients[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      (void) close (clients[i]);
      g_assert_cmpint (read (inners[i], &byte, 1), <=, 0);
      (void) close (inners[i]);
    }
  between_end (&between);
}

static guint
pipes_of (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd", (int) pid);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;
  g_assert_nonnull (dir);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *file = g_build_filename (path, name, NULL), *link = g_file_read_link (file, NULL);
      n += link != NULL && g_str_has_prefix (link, "pipe:");
    }
  return n / 2;
}

/* has_pipes: at most so many, in a while. */
static gboolean
has_pipes (pid_t pid, guint most)
{
  for (int i = 0; i < 4000; i++, g_usleep (5000))
    if (pipes_of (pid) <= most)
      return TRUE;
  return FALSE;
}

/* write_most: until nothing more goes in. Returns how much of the pattern went. */
static gsize
write_most (int fd, gsize most)
{
  static char block[65536];
  gsize sent = 0;
  for (guint i = 0; i < sizeof block; i++)
    block[i] = (char) (i % 251);
  while (sent < most)
    {
      gsize at = sent % sizeof block;
      ssize_t n = send (fd, block + at, MIN (sizeof block - at, most - sent), MSG_DONTWAIT);
      if (n < 0)
        break;
      sent += (gsize) n;
    }
  return sent;
}

/* read_patterns: what each of @n was sent, and its end. All of them side by side: where a socket that nobody reads is full the kernel tries again, after twice the time each time; whoever
 * reads one after the other waits for the next try of each, which has become longer meanwhile: 1 to 300 s for a thousand. */
static void
read_patterns (const int *fds, const gsize *sizes, guint n)
{
  static char data[65536];
  g_autofree struct pollfd *polls = g_new0 (struct pollfd, n);
  g_autofree gsize *got = g_new0 (gsize, n);
  guint left = n;
  for (guint i = 0; i < n; i++)
    polls[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
  while (left > 0)
    {
      g_assert_cmpint (poll (polls, n, 60000), >, 0);
      for (guint i = 0; i < n; i++)
        {
          ssize_t size = polls[i].revents != 0 ? read (fds[i], data, sizeof data) : -1;
          if (polls[i].revents == 0)
            continue;
          g_assert_cmpint (size, >=, 0);
          for (ssize_t k = 0; k < size; k += 61)
            g_assert_cmpint ((guint8) data[k], ==, (got[i] + (gsize) k) % 65536 % 251);
          got[i] += (gsize) size;
          if (size > 0)
            continue;
          g_assert_cmpuint (got[i], ==, sizes[i]);
          polls[i] = (struct pollfd){ .fd = -1 };
          left--;
        }
    }
}

/* Many send much at once, and nobody reads for a while: neither pipes nor memory grow with them, and all of it arrives. */
static void
test_burst (void)
{
  Between between;
  /* what waits at the clients is theirs, but a gigabyte of it is more than many a machine's kernel gives to all connections (tcp_mem) */
  enum { EACH = 1 << 20,
         AT_CLIENT = 64 << 10 };
  const int at_client = AT_CLIENT;
  guint n = MIN (1000, (raise_files () - 100) / 2);
  g_autofree int *clients = g_new (int, n), *inners = g_new (int, n);
  g_autofree gsize *sent = g_new0 (gsize, n);
  between_begin (&between, 0);
  long before = resident_kb (between.server);
  guint inherited = pipes_of (between.server);
  for (guint i = 0; i < n; i++)
    {
      clients[i] = connect_to (SOCK_STREAM, between.port);
      (void) setsockopt (clients[i], SOL_SOCKET, SO_SNDBUF, &at_client, sizeof at_client);
      inners[i] = take (&between);
    }
  for (guint round = 0; round < 3; round++, g_usleep (100000))
    for (guint i = 0; i < n; i++)
      if (sent[i] < EACH)
        {
          /* where the last round ended the pattern goes on */
          gsize at = sent[i] % 65536;
          if (at == 0)
            sent[i] += write_most (clients[i], EACH - sent[i]);
        }
  guint pipes = pipes_of (between.server) - inherited;
  guint64 all = 0;
  for (guint i = 0; i < n; i++)
    all += sent[i];
  g_test_message ("%u at once: %" G_GUINT64_FORMAT " kB sent, %ld kB, %u pipes", n, all >> 10, resident_kb (between.server) - before, pipes);
  g_assert_cmpuint (pipes, <=, 32);
#ifndef __SANITIZE_ADDRESS__
  g_assert_cmpint (resident_kb (between.server) - before, <, 2048);
#endif
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (shutdown (clients[i], SHUT_WR), ==, 0);
  read_patterns (inners, sent, n);
  for (guint i = 0; i < n; i++)
    {
      (void) close (clients[i]);
      (void) close (inners[i]);
    }
  g_assert_true (has_pipes (between.server, inherited + 4));
  between_end (&between);
}

/* Without descriptors clients wait, and are served when others have gone. */
static void
test_few_descriptors (void)
{
  Between between;
  enum { CLIENTS = 40 };
  int clients[CLIENTS];
  between_begin (&between, 48);
  for (int i = 0; i < CLIENTS; i++)
    {
      const char who = (char) i;
      clients[i] = connect_to (SOCK_STREAM, between.port);
      g_assert_cmpint (fd_write_all (clients[i], &who, 1), ==, 0);
    }
  for (int i = 0; i < CLIENTS; i++)
    {
      /* two that were connected one after the other may arrive the other way round */
      char who = -1;
      cleanup_fd int inner = take (&between);
      g_assert_cmpint (fd_read_all (inner, &who, 1), ==, 1);
      g_assert_true (who >= 0 && who < CLIENTS && clients[(int) who] >= 0);
      g_assert_cmpint (fd_write_all (inner, "y", 1), ==, 0);
      (void) shutdown (inner, SHUT_WR);
      expect (clients[(int) who], "y");
      (void) close (fd_steal (&clients[(int) who]));
    }
  between_end (&between);
}

static void
test_datagrams (void)
{
  enum { CLIENTS = 100 };
  int clients[CLIENTS];
  Between between;
  between_begin (&between, 0);
  for (int i = 0; i < CLIENTS; i++)
    clients[i] = connect_to (SOCK_DGRAM, between.port_udp);
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < CLIENTS; i++)
      {
        char text[16], data[64];
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        int length = g_snprintf (text, sizeof text, "%d", i);
        g_assert_cmpint (send (clients[i], text, (gsize) length, 0), ==, length);
        g_assert_cmpint (recvfrom (between.peer_udp, data, sizeof data, 0, (struct sockaddr *) &from, &size), ==, length);
        g_assert_cmpint (sendto (between.peer_udp, data, (gsize) length, 0, (struct sockaddr *) &from, size), ==, length);
        g_assert_cmpint (recv (clients[i], data, sizeof data, 0), ==, length);
        g_assert_cmpint (memcmp (data, text, (gsize) length), ==, 0);
      }
  /* the largest there is, and an empty one */
  g_autofree char *large = g_malloc0 (65507);
  g_assert_cmpint (send (clients[0], large, 65507, 0), ==, 65507);
  g_assert_cmpint (recv (between.peer_udp, large, 65507, 0), ==, 65507);
  g_assert_cmpint (send (clients[0], large, 0, 0), ==, 0);
  g_assert_cmpint (recv (between.peer_udp, large, 65507, 0), ==, 0);
  for (int i = 0; i < CLIENTS; i++)
    (void) close (clients[i]);
  between_end (&between);
}

int
main (int argc, char **argv)
{
  /* the thousands of ports that are taken here would be missed by others, who pick a few in a row; where no network of one's own can be made they are everybody's */
  if (unshare (getuid () == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) == 0)
    g_assert_cmpint (slirp_loopback_child (), ==, 0);
  g_test_init (&argc, &argv, NULL);
  (void) signal (SIGPIPE, SIG_IGN);
  g_test_add_func ("/port-relay/half-close", test_half_close);
  g_test_add_func ("/port-relay/reset", test_reset);
  g_test_add_func ("/port-relay/speaks-first", test_speaks_first);
  g_test_add_func ("/port-relay/said-and-gone", test_said_and_gone);
  g_test_add_func ("/port-relay/said-too-early", test_said_too_early);
  g_test_add_func ("/port-relay/urgent", test_urgent);
  g_test_add_func ("/port-relay/back-pressure", test_back_pressure);
  g_test_add_func ("/port-relay/many", test_many);
  g_test_add_func ("/port-relay/burst", test_burst);
  g_test_add_func ("/port-relay/few-descriptors", test_few_descriptors);
  g_test_add_func ("/port-relay/datagrams", test_datagrams);
  return g_test_run ();
}
