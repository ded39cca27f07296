/* Connections made by host sockets (accel=on), hermetic: a user namespace with a "host" network namespace of our own, coracle-slirp and the supervisor in it, and a second network
 * namespace with the filter that stands for the container. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network/accel.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"

#define HOST_ADDRESS "192.0.2.50"
#define OPEN_PORT 8080       /* at every address of the host: sends back what it gets */
#define LOOPBACK_PORT 8081   /* at its loopback alone */
#define SKIP 77

static char *slirp_program;
static uint64_t inside;   /* the container's network namespace */

/* ---- the "host" */

static gboolean
write_file (const char *path, const char *text)
{
  cleanup_fd int fd = open (path, O_WRONLY | O_CLOEXEC);
  return fd >= 0 && fd_write_all (fd, text, strlen (text)) == 0;
}

static const char *
enter_host (void)
{
  g_autofree char *uid_map = g_strdup_printf ("0 %u 1", getuid ());
  g_autofree char *gid_map = g_strdup_printf ("0 %u 1", getgid ());
  if (unshare (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) < 0)
    return "no user namespace may be made here";
  if (!write_file ("/proc/self/setgroups", "deny") || !write_file ("/proc/self/uid_map", uid_map) || !write_file ("/proc/self/gid_map", gid_map))
    return "no user namespace may be mapped here";
  cleanup_fd int tun = open ("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (tun < 0)
    return "/dev/net/tun cannot be opened here";
  g_assert_cmpint (slirp_loopback_child (), ==, 0);
  cleanup_fd int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = { .ifr_name = "lo:1" };
  struct sockaddr_in *address = (struct sockaddr_in *) &request.ifr_addr;
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = inet_addr (HOST_ADDRESS);
  g_assert_cmpint (ioctl (fd, SIOCSIFADDR, &request), ==, 0);
  return accel_cookie_child (fd) != 0 ? NULL : "this kernel does not tell network namespaces apart";
}

static struct sockaddr_in
name_of (const char *address, guint16 port)
{
  return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = inet_addr (address) };
}

static int
listen_on (const char *address, guint16 port)
{
  struct sockaddr_in name = name_of (address, port);
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), ==, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &name, sizeof name), ==, 0);
  g_assert_cmpint (listen (fd, 64), ==, 0);
  return fd;
}

/* echo_all: a process for each connection. */
static pid_t
echo_all (const char *address, guint16 port)
{
  int server = listen_on (address, port);
  pid_t pid = fork ();
  if (pid != 0)
    {
      fd_close (server);
      return pid;
    }
  (void) signal (SIGCHLD, SIG_IGN);
  for (;;)
    {
      int client = accept (server, NULL, NULL);
      if (fork () == 0)
        {
          static char data[1 << 17];
          for (ssize_t n; (n = read (client, data, sizeof data)) > 0;)
            if (fd_write_all (client, data, (size_t) n) < 0)
              break;
          _exit (0);
        }
      (void) close (client);
    }
}

/* ---- the "container" */

static gboolean
is_ours (int fd)
{
  return accel_cookie_child (fd) != inside;
}

static int
connect_to (int fd, const char *address, guint16 port)
{
  struct sockaddr_in name = name_of (address, port);
  return connect (fd, (struct sockaddr *) &name, sizeof name) < 0 ? -errno : 0;
}

static void
check_echo (int to, int from)
{
  char answer[8] = "";
  g_assert_cmpint (fd_write_all (to, "hello", 5), ==, 0);
  struct pollfd wait = { .fd = from, .events = POLLIN };
  g_assert_cmpint (poll (&wait, 1, 60000), ==, 1);
  g_assert_cmpint (read (from, answer, sizeof answer), ==, 5);
  g_assert_cmpstr (answer, ==, "hello");
}

static void
check_plain (void)
{
  gint64 begin = g_get_monotonic_time ();
  cleanup_fd int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect_to (fd, HOST_ADDRESS, OPEN_PORT), ==, 0);
  g_test_message ("connected in %.2f ms", (double) (g_get_monotonic_time () - begin) / 1000);
  g_assert_true (is_ours (fd));
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, FD_CLOEXEC);
  g_assert_cmpint (fcntl (fd, F_GETFL) & O_NONBLOCK, ==, 0);
  check_echo (fd, fd);
  /* a second time */
  g_assert_cmpint (connect_to (fd, HOST_ADDRESS, OPEN_PORT), ==, -EISCONN);
  /* an IPv6 socket and an IPv4 address */
  cleanup_fd int six = socket (AF_INET6, SOCK_STREAM, 0);
  struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons (OPEN_PORT) };
  g_assert_cmpint (inet_pton (AF_INET6, "::ffff:" HOST_ADDRESS, &name.sin6_addr), ==, 1);
  if (six < 0)
    return;
  g_assert_cmpint (connect (six, (struct sockaddr *) &name, sizeof name), ==, 0);
  g_assert_true (is_ours (six));
  g_assert_cmpint (fcntl (six, F_GETFD), ==, 0);
  check_echo (six, six);
}

static void
check_refused (void)
{
  cleanup_fd int fd = socket (AF_INET, SOCK_STREAM, 0);
  g_assert_cmpint (connect_to (fd, HOST_ADDRESS, 9), ==, -ECONNREFUSED);
  g_assert_cmpint (connect_to (fd, HOST_ADDRESS, OPEN_PORT), ==, 0);
  check_echo (fd, fd);
}

static void
check_carried (void)
{
  int on = 1, idle = 33, bytes = 50000, value;
  socklen_t size = sizeof value;
  cleanup_fd int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  cleanup_fd int copy = fcntl (fd, F_DUPFD_CLOEXEC, 40);
  cleanup_fd int epoll = epoll_create1 (EPOLL_CLOEXEC);
  struct epoll_event event = { .events = EPOLLOUT | EPOLLIN | EPOLLET, .data.u64 = 0x1122334455667788 }, got;
  g_assert_cmpint (setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), ==, 0);
  g_assert_cmpint (setsockopt (fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle), ==, 0);
  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), ==, 0);
  g_assert_cmpint (epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &event), ==, 0);
  g_assert_cmpint (epoll_wait (epoll, &got, 1, 0), ==, 1);   /* an unconnected socket hangs up */
  int r = connect_to (fd, HOST_ADDRESS, OPEN_PORT);
  g_assert_true (r == -EINPROGRESS || r == 0);
  g_assert_true (is_ours (fd));
  g_assert_true (is_ours (copy));
  g_assert_cmpint (epoll_wait (epoll, &got, 1, 60000), ==, 1);
  g_assert_cmphex (got.data.u64, ==, event.data.u64);
  g_assert_cmphex (got.events & EPOLLOUT, ==, EPOLLOUT);
  g_assert_cmpint (getsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), ==, 0);
  g_assert_cmpint (value, !=, 0);
  g_assert_cmpint (getsockopt (fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, &size), ==, 0);
  g_assert_cmpint (value, ==, idle);
  g_assert_cmpint (getsockopt (fd, SOL_SOCKET, SO_RCVBUF, &value, &size), ==, 0);
  g_assert_cmpint (value, ==, 2 * bytes);
  g_assert_cmpint (fcntl (fd, F_GETFL) & O_NONBLOCK, ==, O_NONBLOCK);
  g_assert_cmpint (fcntl (copy, F_GETFD), ==, FD_CLOEXEC);
  check_echo (fd, copy);
  /* the registration is the caller's own: it can change it by its number */
  event.data.u64 = 5;
  g_assert_cmpint (epoll_ctl (epoll, EPOLL_CTL_MOD, fd, &event), ==, 0);
  g_assert_cmpint (epoll_wait (epoll, &got, 1, 60000), ==, 1);
  g_assert_cmphex (got.data.u64, ==, 5);
  g_assert_cmpint (epoll_ctl (epoll, EPOLL_CTL_DEL, fd, NULL), ==, 0);
}

static gpointer
connect_in_thread (gpointer data)
{
  cleanup_fd int fd = socket (AF_INET, SOCK_STREAM, 0);
  g_assert_cmpint (connect_to (fd, HOST_ADDRESS, OPEN_PORT), ==, 0);
  g_assert_true (is_ours (fd));
  check_echo (fd, fd);
  return NULL;
}

static void
check_threads (void)
{
  GThread *threads[16];
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("connects", connect_in_thread, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* check_own: what is the container's own, or slirp's, stays there. */
static void
check_own (void)
{
  cleanup_fd int server = listen_on ("127.0.0.1", 7000);
  cleanup_fd int fd = socket (AF_INET, SOCK_STREAM, 0);
  g_assert_cmpint (connect_to (fd, "127.0.0.1", 7000), ==, 0);
  g_assert_false (is_ours (fd));
  cleanup_fd int loopback = socket (AF_INET, SOCK_STREAM, 0);
  g_assert_cmpint (connect_to (loopback, "127.0.0.1", LOOPBACK_PORT), ==, -ECONNREFUSED);
  cleanup_fd int gateway = socket (AF_INET, SOCK_STREAM, 0);
  g_assert_cmpint (connect_to (gateway, "10.0.2.2", LOOPBACK_PORT), <, 0);
  cleanup_fd int any = socket (AF_INET, SOCK_STREAM, 0);
  g_assert_cmpint (connect_to (any, "0.0.0.0", LOOPBACK_PORT), ==, -ECONNREFUSED);
  cleanup_fd int udp = socket (AF_INET, SOCK_DGRAM, 0);
  g_assert_cmpint (connect_to (udp, HOST_ADDRESS, OPEN_PORT), ==, 0);
  g_assert_false (is_ours (udp));
  /* one bound to the loopback cannot go out, with or without us */
  cleanup_fd int bound = socket (AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in name = name_of ("127.0.0.1", 0);
  g_assert_cmpint (bind (bound, (struct sockaddr *) &name, sizeof name), ==, 0);
  g_assert_cmpint (connect_to (bound, HOST_ADDRESS, OPEN_PORT), <, 0);
  cleanup_fd int local = socket (AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/nonexistent" };
  g_assert_cmpint (connect (local, (struct sockaddr *) &path, sizeof path), <, 0);
  g_assert_cmpint (errno, ==, ENOENT);
  g_assert_cmpint (connect (local, (struct sockaddr *) 8, sizeof path), <, 0);
  g_assert_cmpint (errno, ==, EFAULT);
  g_assert_cmpint (connect (-1, (struct sockaddr *) &path, sizeof path), <, 0);
  g_assert_cmpint (errno, ==, EBADF);
}

/* check_deaf: a host's socket in hostile hands: taken apart and turned elsewhere it hears nothing, and the filter that sees to that cannot be taken off. */
static void
check_deaf (void)
{
  cleanup_fd int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr apart = { .sa_family = AF_UNSPEC };
  struct pollfd wait = { .fd = fd, .events = POLLOUT };
  int off = 0;
  g_assert_cmpint (connect_to (fd, HOST_ADDRESS, OPEN_PORT), ==, -EINPROGRESS);
  g_assert_cmpint (poll (&wait, 1, 60000), ==, 1);
  g_assert_true (is_ours (fd));
  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof off), <, 0);
  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof off), <, 0);
  static const char *const targets[] = { "127.0.0.1", "0.0.0.0" };
  for (gsize i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      g_assert_cmpint (connect (fd, &apart, sizeof apart), ==, 0);
      (void) connect_to (fd, targets[i], LOOPBACK_PORT);
      g_assert_true (poll (&wait, 1, 700) == 0 || (wait.revents & (POLLERR | POLLHUP)) != 0);
      g_assert_cmpint (send (fd, "x", 1, MSG_NOSIGNAL), <, 0);
    }
  /* as a listener */
  g_assert_cmpint (connect (fd, &apart, sizeof apart), ==, 0);
  (void) listen (fd, 1);
  wait.events = POLLIN;
  g_assert_cmpint (poll (&wait, 1, 0) > 0 && (wait.revents & POLLIN) != 0, ==, FALSE);
}

static void
check_speed (void)
{
  static char data[1 << 17];
  gsize size = 0, wanted = 256 << 20;
  cleanup_fd int fd = socket (AF_INET, SOCK_STREAM, 0);
  g_assert_cmpint (connect_to (fd, HOST_ADDRESS, OPEN_PORT), ==, 0);
  gint64 begin = g_get_monotonic_time ();
  for (gsize sent = 0; size < wanted;)
    {
      struct pollfd wait = { .fd = fd, .events = (short) (POLLIN | (sent < wanted ? POLLOUT : 0)) };
      g_assert_cmpint (poll (&wait, 1, 60000), ==, 1);
      ssize_t out = wait.revents & POLLOUT ? send (fd, data, MIN (sizeof data, wanted - sent), MSG_DONTWAIT) : 0;
      ssize_t in = wait.revents & POLLIN ? recv (fd, data, sizeof data, MSG_DONTWAIT) : 0;
      sent += out > 0 ? (gsize) out : 0;
      size += in > 0 ? (gsize) in : 0;
    }
  g_test_message ("there and back: %.1f Gbit/s", (double) size * 16 / (double) (g_get_monotonic_time () - begin) / 1000);
}

static void
run_container (int slirp, int accel, const SlirpNetwork *network)
{
  g_assert_cmpint (unshare (CLONE_NEWNET), ==, 0);
  g_assert_cmpint (slirp_attach_child (slirp, network), ==, 0);
  cleanup_fd int own = socket (AF_INET, SOCK_DGRAM, 0);
  inside = accel_cookie_child (own);
  g_assert_cmpint (accel_attach_child (accel), ==, 0);
  check_plain ();
  check_refused ();
  check_carried ();
  check_own ();
  check_deaf ();
  check_threads ();
  check_speed ();
  _exit (0);
}

/* In a process of its own, pid 1 of the namespace. */
static void G_GNUC_NORETURN
run_host (void)
{
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  (void) echo_all ("0.0.0.0", OPEN_PORT);
  (void) echo_all ("127.0.0.1", LOOPBACK_PORT);
  SlirpNetwork network;
  SlirpProcess slirp;
  pid_t supervisor;
  int accel, status;
  slirp_network_init (&network);
  network.accel = 1;
  g_assert_cmpint (slirp_spawn_child (slirp_program, environ, &network, 0, &slirp), ==, 0);
  g_assert_cmpint (accel_spawn_child (&network, &accel, &supervisor), ==, 0);
  pid_t container = fork ();
  if (container == 0)
    run_container (slirp.socket, accel, &network);
  fd_close (accel);
  g_assert_cmpint (proc_wait (container, &status), ==, 0);
  g_assert_cmpint (status, ==, 0);
  /* with the last of those who could ask it ends too */
  g_assert_cmpint (proc_wait (supervisor, &status), ==, 0);
  g_assert_cmpint (status, ==, 0);
  _exit (0);
}

static void
test_accel (void)
{
  int reason[2], status;
  char why[128] = "";
  g_assert_cmpint (pipe2 (reason, O_CLOEXEC), ==, 0);
  pid_t pid = fork ();
  if (pid == 0)
    {
      const char *problem = enter_host ();
      if (problem != NULL)
        {
          (void) fd_write_all (reason[1], problem, strlen (problem));
          _exit (SKIP);
        }
      pid_t first = fork ();
      if (first == 0)
        run_host ();
      g_assert_cmpint (proc_wait (first, &status), ==, 0);
      _exit (status == 0 ? 0 : 1);
    }
  fd_close (reason[1]);
  g_assert_cmpint (proc_wait (pid, &status), ==, 0);
  if (WIFEXITED (status) && WEXITSTATUS (status) == SKIP)
    {
      (void) fd_read_all (reason[0], why, sizeof why - 1);
      g_test_skip (why);
    }
  else
    g_assert_cmpint (status, ==, 0);
  fd_close (reason[0]);
}

#ifdef __SANITIZE_ADDRESS__
static void
test_none (void)
{
  g_test_skip ("not under a sanitizer");
}
#endif

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_autofree char *tests = g_path_get_dirname (argv[0]);
  g_autofree char *beside = g_build_filename (tests, "..", "bin", "coracle-slirp", NULL);
  slirp_program = realpath (beside, NULL);
  g_assert_nonnull (slirp_program);
#ifdef __SANITIZE_ADDRESS__
  /* the supervisor's filter allows no system call of the sanitizer's */
  g_test_add_func ("/accel/connections", test_none);
  (void) test_accel;
#else
  g_test_add_func ("/accel/connections", test_accel);
#endif
  int status = g_test_run ();
  free (slirp_program);
  return status;
}
