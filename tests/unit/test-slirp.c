/* The slirp network, hermetic: a user namespace with a "host" network namespace of our own (addresses on lo, a name server on its loopback, a resolv.conf), coracle-slirp
 * in it, and a second network namespace that stands for the container. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network/slirp.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"

#define HOST_ADDRESS "192.0.2.50"
#define HOST_ADDRESS6 "fd77::50"
#define BULK (64 * 1024 * 1024)
#define SKIP 77

static char *slirp_program;

/* ---- resolv.conf */

static void
test_resolv_conf (void)
{
  static const struct {
    const char *host;
    gboolean slirp;
    const char *dns[3], *search[3], *options[3];
    const char *wanted;
  } cases[] = {
    { "nameserver 192.0.2.1\nsearch a.example b.example\noptions edns0\n", TRUE, .wanted = "search a.example b.example\nnameserver 10.0.2.3\nnameserver 192.0.2.1\noptions edns0\n" },
    { "nameserver 127.0.0.53\nnameserver ::1\nnameserver 127.1.2.3\n", TRUE, .wanted = "nameserver 10.0.2.3\nnameserver fd00::3\n" },
    { "nameserver ::1\n", TRUE, .wanted = "nameserver fd00::3\n" },
    { "nameserver 127.0.0.53\n", FALSE, .wanted = "nameserver 127.0.0.53\n" },
    { "nameserver fe80::1%eth0\nnameserver 2001:db8::1", TRUE, .wanted = "nameserver fd00::3\nnameserver 2001:db8::1\n" },
    { NULL, TRUE, .wanted = "nameserver 10.0.2.3\n" },
    { NULL, FALSE, .wanted = "" },
    { "# nameserver 1.1.1.1\n;x\n  nameserver\t192.0.2.9 # here\r\ndomain one\nsearch two\n", FALSE, .wanted = "search two\nnameserver 192.0.2.9\n" },
    { "nameserver 192.0.2.1\nsearch h\noptions ndots:1\n", TRUE, { "9.9.9.9", "8.8.8.8" }, { "mine" }, { "ndots:5", "rotate" },
      "search mine\nnameserver 9.9.9.9\nnameserver 8.8.8.8\noptions ndots:5 rotate\n" },
    { "nameserver 192.0.2.1\nsearch h\n", TRUE, { "127.0.0.1" }, { "." }, .wanted = "nameserver 127.0.0.1\n" },
    { "nameserver 192.0.2.1\n", TRUE, { "none" }, .wanted = NULL },
    { "nameserver 192.0.2.1\nnameserver 192.0.2.1\nnameserver\n", FALSE, .wanted = "nameserver 192.0.2.1\n" },
  };
  SlirpNetwork network;
  slirp_network_init (&network);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = slirp_resolv_conf (cases[i].host, cases[i].slirp ? &network : NULL, cases[i].dns, cases[i].search, cases[i].options);
      g_assert_cmpstr (text, ==, cases[i].wanted);
    }
}

/* ---- the "host" */

static gboolean
write_file (const char *path, const char *text)
{
  cleanup_fd int fd = open (path, O_WRONLY | O_CLOEXEC);
  return fd >= 0 && fd_write_all (fd, text, strlen (text)) == 0;
}

/* How the host has its /etc/resolv.conf */
typedef enum { RESOLVER_FILE, RESOLVER_LINK, RESOLVER_MISSING, N_RESOLVERS } ResolverKind;

#define LINK_FOLDER "/mnt/resolve"

static gboolean
make_resolver (const char *dir, ResolverKind kind)
{
  if (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return FALSE;
  if (kind == RESOLVER_FILE)
    {
      g_autofree char *resolver = g_build_filename (dir, "resolv.conf", NULL);
      return g_file_set_contents (resolver, "nameserver 127.0.0.53\n", -1, NULL) && mount (resolver, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
    }
  if (mount ("none", "/etc", "tmpfs", 0, NULL) < 0 || mount ("none", "/mnt", "tmpfs", 0, NULL) < 0)
    return FALSE;
  return kind == RESOLVER_MISSING
         || (g_mkdir (LINK_FOLDER, 0755) == 0 && g_file_set_contents (LINK_FOLDER "/given.conf", "nameserver 127.0.0.99\n", -1, NULL)
             && symlink ("../mnt/resolve/given.conf", "/etc/resolv.conf") == 0);
}

/* enter_host: NULL, or why it cannot be. In a forked process. */
static const char *
enter_host (const char *dir, ResolverKind kind)
{
  g_autofree char *uid_map = g_strdup_printf ("0 %u 1", getuid ());
  g_autofree char *gid_map = g_strdup_printf ("0 %u 1", getgid ());
  if (unshare (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0)
    return "no user namespace may be made here";
  if (!write_file ("/proc/self/setgroups", "deny") || !write_file ("/proc/self/uid_map", uid_map) || !write_file ("/proc/self/gid_map", gid_map))
    return "no user namespace may be mapped here";
  cleanup_fd int tun = open ("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (tun < 0)
    return "/dev/net/tun cannot be opened here";
  if (!make_resolver (dir, kind))
    return "/etc/resolv.conf cannot be covered here";
  g_assert_cmpint (slirp_loopback_child (), ==, 0);
  cleanup_fd int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = { .ifr_name = "lo:1" };
  struct sockaddr_in *address = (struct sockaddr_in *) &request.ifr_addr;
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = inet_addr (HOST_ADDRESS);
  g_assert_cmpint (ioctl (fd, SIOCSIFADDR, &request), ==, 0);
  cleanup_fd int fd6 = socket (AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct {
    struct in6_addr address;
    uint32_t prefix;
    int index;
  } request6 = { .prefix = 128, .index = 1 };
  (void) inet_pton (AF_INET6, HOST_ADDRESS6, &request6.address);
  if (fd6 >= 0)
    g_assert_cmpint (ioctl (fd6, SIOCSIFADDR, &request6), ==, 0);
  return NULL;
}

static int
open_socket (int type, const char *text, guint16 port, gboolean server)
{
  struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons (port) };
  struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons (port) };
  gboolean six = inet_pton (AF_INET, text, &v4.sin_addr) != 1;
  if (six)
    g_assert_cmpint (inet_pton (AF_INET6, text, &v6.sin6_addr), ==, 1);
  const struct sockaddr *address = six ? (struct sockaddr *) &v6 : (struct sockaddr *) &v4;
  socklen_t size = six ? sizeof v6 : sizeof v4;
  int fd = socket (six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -errno;
  int r = server ? bind (fd, address, size) : connect (fd, address, size);
  if (r == 0 && server && type == SOCK_STREAM)
    r = listen (fd, 16);
  if (r == 0)
    return fd;
  r = -errno;
  fd_close (fd);
  return r;
}

/* serve: a process that answers forever: TCP with 64 MiB of zeros after one byte, UDP with what it was sent, backwards. */
static pid_t
serve (const char *address, guint16 tcp_port, guint16 udp_port)
{
  int tcp = open_socket (SOCK_STREAM, address, tcp_port, TRUE), udp = open_socket (SOCK_DGRAM, address, udp_port, TRUE);
  g_assert_cmpint (tcp, >=, 0);
  g_assert_cmpint (udp, >=, 0);
  pid_t pid = fork ();
  if (pid != 0)
    {
      fd_close (tcp);
      fd_close (udp);
      return pid;
    }
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  (void) signal (SIGPIPE, SIG_IGN);
  for (;;)
    {
      struct pollfd polls[2] = { { .fd = tcp, .events = POLLIN }, { .fd = udp, .events = POLLIN } };
      (void) poll (polls, 2, -1);
      if (polls[0].revents & POLLIN)
        {
          static char zeros[1 << 18];
          cleanup_fd int client = accept (tcp, NULL, NULL);
          (void) read (client, zeros, 1);
          zeros[0] = 0;
          for (gsize sent = 0; sent < BULK && fd_write_all (client, zeros, sizeof zeros) == 0;)
            sent += sizeof zeros;
        }
      if (polls[1].revents & POLLIN)
        {
          char data[2048], back[2048];
          struct sockaddr_storage from;
          socklen_t size = sizeof from;
          ssize_t n = recvfrom (udp, data, sizeof data, 0, (struct sockaddr *) &from, &size);
          for (ssize_t i = 0; i < n; i++)
            back[i] = data[n - 1 - i];
          (void) sendto (udp, back, (size_t) MAX (n, 0), 0, (struct sockaddr *) &from, size);
        }
    }
}

/* ---- the "container" */

static void
check_tcp (const char *address, guint16 port)
{
  gint64 begin = g_get_monotonic_time ();
  cleanup_fd int fd = open_socket (SOCK_STREAM, address, port, FALSE);
  g_assert_cmpint (fd, >=, 0);
  g_test_message ("%s: connected after %.1f ms", address, (double) (g_get_monotonic_time () - begin) / 1000);
  g_assert_cmpint (fd_write_all (fd, "g", 1), ==, 0);
  static char data[1 << 18];
  gsize size = 0;
  begin = g_get_monotonic_time ();
  for (ssize_t n; (n = read (fd, data, sizeof data)) > 0;)
    size += (gsize) n;
  g_assert_cmpuint (size, ==, BULK);
  g_test_message ("%s: host to container %.1f Gbit/s", address, (double) size * 8 / (double) (g_get_monotonic_time () - begin) / 1000);
}

static void
check_udp (const char *address, guint16 port)
{
  char answer[8] = "";
  cleanup_fd int fd = open_socket (SOCK_DGRAM, address, port, FALSE);
  g_assert_cmpint (fd, >=, 0);
  struct pollfd wait = { .fd = fd, .events = POLLIN };
  ssize_t n = -1;
  /* again and again, as a resolver does it: libslirp may have looked at a file a moment ago, and have asked, in vain, where it then led; a refusal is told at the next call */
  for (int i = 0; i < 60 && n < 0; i++)
    {
      if (write (fd, "query", 5) != 5)
        g_assert_cmpint (errno, ==, ECONNREFUSED);
      else if (poll (&wait, 1, 3000) == 1 && (n = read (fd, answer, sizeof answer)) < 0)
        {
          g_assert_cmpint (errno, ==, ECONNREFUSED);
          usleep (300000);
        }
    }
  g_assert_cmpint (n, ==, 5);
  g_assert_cmpstr (answer, ==, "yreuq");
}

/* check_resolver: the resolver on the host's loopback is reached by 10.0.2.3; also when the link's target is replaced, as systemd-resolved does it. */
static void
check_resolver (ResolverKind kind)
{
  if (kind == RESOLVER_LINK)
    {
      cleanup_fd int fd = open_socket (SOCK_DGRAM, "10.0.2.3", 53, FALSE);
      g_assert_cmpint (write (fd, "early", 5), ==, 5);
      g_assert_true (g_file_set_contents (LINK_FOLDER "/new", "nameserver 127.0.0.53\n", -1, NULL));
      /* libslirp looks at most once a second */
      usleep (1200000);
      g_assert_cmpint (rename (LINK_FOLDER "/new", LINK_FOLDER "/given.conf"), ==, 0);
    }
  if (kind == RESOLVER_MISSING)
    return;
  check_udp ("10.0.2.3", 53);
  check_tcp ("10.0.2.3", 53);
}

static void
run_container (int socket, const SlirpNetwork *network, gboolean six, ResolverKind kind)
{
  g_assert_cmpint (unshare (CLONE_NEWNET), ==, 0);
  gint64 begin = g_get_monotonic_time ();
  g_assert_cmpint (slirp_attach_child (socket, network), ==, 0);
  g_test_message ("attached in %.2f ms", (double) (g_get_monotonic_time () - begin) / 1000);
  check_tcp (HOST_ADDRESS, 8080);
  check_udp (HOST_ADDRESS, 5353);
  check_resolver (kind);
  /* nothing else on the host's loopback is */
  g_assert_cmpint (open_socket (SOCK_STREAM, "10.0.2.2", 8080, FALSE), <, 0);
  g_assert_cmpint (open_socket (SOCK_STREAM, HOST_ADDRESS, 9, FALSE), ==, -ECONNREFUSED);
  if (six)
    {
      check_tcp (HOST_ADDRESS6, 8080);
      check_udp (HOST_ADDRESS6, 5353);
    }
  _exit (0);
}

/* ---- a hostile one */

/* What mutations begin with: [14 …] is an IPv4 or IPv6 packet from the container to HOST_ADDRESS, the gateway or the name server */
static const struct {
  guint16 type;
  const char *hex;
} seeds[] = {
  { ETH_P_ARP, "0001080006040001020000000001" "0a000264" "000000000000" "0a000202" },
  { ETH_P_IP, "45000024000100004001a2670a0002640a000202" "0800f7fd00010001" "70696e6770696e67" },
  { ETH_P_IP, "4500003900020000401100000a0002640a000203" "138800350025" "0000" "123401000001000000000000076578616d706c6503636f6d0000010001" },
  { ETH_P_IP, "4500002c000300004006" "0000" "0a000264c0000232" "0fa01f910000006400000000600" "2ffff00000000020405b4" },
  { ETH_P_IP, "45000028000400004006" "0000" "0a000264c0000232" "0fa01f910000006500000001501" "0ffff00000000" },
  { ETH_P_IP, "45000224000900b94011a9a20a000264c0000232" "6262626262626262626262626262626262626262" },
  { ETH_P_IP, "4500002400092000401100000a000264c0000232" "0007000907d80000" "61616161616161616161" },
  { ETH_P_IP, "4f000050000100004001" "0000" "0a0002640a000202" "07270400000000000000000000000000000000000000000000000000000000000000000000000000" },
  { ETH_P_IPV6, "600000000008" "3aff" "fd000000000000000000000000000100" "fd000000000000000000000000000002" "8000000000010001" },
  { ETH_P_IPV6, "600000000018" "3aff" "fd000000000000000000000000000100" "ff0200000000000000000001ff000002" "8700000000000000fd000000000000000000000000000002" },
  { ETH_P_IPV6, "600000000010" "3aff" "fd000000000000000000000000000100" "ff020000000000000000000000000002" "85000000000000000101020000000001" },
};

static gsize
unhex (const char *hex, guint8 *to)
{
  gsize n = 0;
  for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
    to[n++] = (guint8) (g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1]));
  return n;
}

static guint32
sum_words (guint32 sum, const guint8 *data, gsize size)
{
  for (gsize i = 0; i < size; i++)
    sum += i % 2 == 0 ? (guint32) data[i] << 8 : data[i];
  return sum;
}

static void
put_sum (guint8 *at, guint32 sum)
{
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  at[0] = (guint8) (~sum >> 8);
  at[1] = (guint8) ~sum;
}

/* mend_sums: those of IP, TCP and ICMP, wherever the lengths let them be: what has none is thrown away early. */
static void
mend_sums (guint8 *frame, gsize size)
{
  guint8 *packet = frame + 14;
  gboolean six = packet[0] >> 4 == 6;
  gsize header = six ? 40 : (gsize) (packet[0] & 15) * 4, left = size - 14;
  gsize data = six ? (gsize) (packet[4] << 8 | packet[5]) : (gsize) (packet[2] << 8 | packet[3]) - header;
  guint8 protocol = six ? packet[6] : packet[9];
  if (left < 40 || header < 20 || header > left)
    return;
  if (!six)
    {
      memset (packet + 10, 0, 2);
      put_sum (packet + 10, sum_words (0, packet, header));
    }
  gsize at = protocol == 6 ? 16 : protocol == 1 || protocol == 58 ? 2 : 0;
  if (at == 0 || data > left || header + data > left || data < at + 2)
    return;
  memset (packet + header + at, 0, 2);
  guint32 pseudo = protocol == 1 ? 0 : sum_words (protocol + (guint32) data, six ? packet + 8 : packet + 12, six ? 32 : 8);
  put_sum (packet + header + at, sum_words (pseudo, packet + header, data));
}

/* mutate: a few bytes, the length, or pieces with random offsets. */
static gsize
mutate (GRand *random, guint8 *frame, gsize size)
{
  int changes = g_rand_int_range (random, 0, 6);
  for (int i = 0; i < changes; i++)
    frame[g_rand_int_range (random, 12, (gint32) size)] = (guint8) g_rand_int (random);
  if (g_rand_int_range (random, 0, 4) == 0)
    size = (gsize) g_rand_int_range (random, 14, 1500);
  if (g_rand_int_range (random, 0, 4) == 0)
    {
      guint16 field = (guint16) g_rand_int (random);
      frame[14 + 6] = (guint8) (field >> 8);
      frame[14 + 7] = (guint8) field;
    }
  if (g_rand_int_range (random, 0, 8) != 0)
    mend_sums (frame, size);
  return size;
}

typedef struct {
  int fd;
  struct sockaddr_ll to;
  guint8 mac[6];   /* the tap's own */
} Thrower;

/* begin_frame: seed number @seed. */
static gsize
begin_frame (const Thrower *thrower, guint seed, guint8 *frame)
{
  memcpy (frame, "\x52\x55\x0a\x00\x02\x02", 6);
  memcpy (frame + 6, thrower->mac, 6);
  frame[12] = (guint8) (seeds[seed].type >> 8);
  frame[13] = (guint8) seeds[seed].type;
  gsize size = 14 + unhex (seeds[seed].hex, frame + 14);
  if (seeds[seed].type == ETH_P_ARP)
    memcpy (frame + 14 + 8, thrower->mac, 6);
  return size;
}

static void
throw_frame (const Thrower *thrower, const guint8 *frame, gsize size)
{
  (void) sendto (thrower->fd, frame, size, 0, (const struct sockaddr *) &thrower->to, sizeof thrower->to);
}

static void
throw_frames (const Thrower *thrower, guint n)
{
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  guint8 frame[2048];
  for (guint i = 0; i < n; i++)
    {
      memset (frame, 0, sizeof frame);
      gsize size = begin_frame (thrower, (guint) g_rand_int_range (random, 0, G_N_ELEMENTS (seeds)), frame);
      throw_frame (thrower, frame, mutate (random, frame, size));
    }
  /* it may have told lies about its own address, and would be answered there */
  throw_frame (thrower, frame, begin_frame (thrower, 0, frame));
}

/* flood: as many begun connections, and questions to the name server from as many ports. */
static void
flood (const Thrower *thrower, guint n)
{
  for (guint i = 0; i < n; i++)
    for (guint seed = 2; seed < 4; seed++)
      {
        guint8 frame[256];
        gsize size = begin_frame (thrower, seed, frame);
        frame[34] = (guint8) (i >> 8);
        frame[35] = (guint8) i;
        /* where nobody listens */
        if (seed == 3)
          frame[36] = 0;
        mend_sums (frame, size);
        throw_frame (thrower, frame, size);
      }
}

static void G_GNUC_NORETURN
run_hostile (int socket_fd, const SlirpNetwork *network)
{
  g_assert_cmpint (unshare (CLONE_NEWNET), ==, 0);
  g_assert_cmpint (slirp_attach_child (socket_fd, network), ==, 0);
  cleanup_fd int fd = socket (AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  g_assert_cmpint (fd, >=, 0);
  struct ifreq request = { .ifr_name = "tap0" };
  g_assert_cmpint (ioctl (fd, SIOCGIFHWADDR, &request), ==, 0);
  Thrower thrower = { .fd = fd, .to = { .sll_family = AF_PACKET, .sll_ifindex = (int) if_nametoindex ("tap0"), .sll_halen = 6 } };
  memcpy (thrower.mac, request.ifr_hwaddr.sa_data, 6);
  check_tcp (HOST_ADDRESS, 8080);
  throw_frames (&thrower, g_test_slow () ? 500000 : 20000);
  flood (&thrower, 4000);
  /* its questions hold descriptors for ten seconds; where a process may have few, that is how long nothing else is had */
  cleanup_fd int probe = -1;
  for (int i = 0; i < 600 && probe < 0; i++, usleep (100000))
    probe = open_socket (SOCK_STREAM, HOST_ADDRESS, 8080, FALSE);
  g_assert_cmpint (probe, >=, 0);
  fd_close (fd_steal (&probe));
  check_tcp (HOST_ADDRESS, 8080);
  _exit (0);
}

static char *
status_field (pid_t pid, const char *key)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", pid);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  const char *at = strstr (text, key);
  g_assert_nonnull (at);
  at += strlen (key);
  return g_strstrip (g_strndup (at, strcspn (at, "\n")));
}

static void
check_sandbox (pid_t pid, ResolverKind kind)
{
  static const struct {
    const char *key, *wanted;
  } fields[] = {
    { "Name:", "coracle-slirp" }, { "\nCapPrm:", "0000000000000000" }, { "\nCapEff:", "0000000000000000" }, { "\nCapBnd:", "0000000000000000" },
    { "\nCapAmb:", "0000000000000000" }, { "\nNoNewPrivs:", "1" }, { "\nSeccomp:", "2" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      g_autofree char *value = status_field (pid, fields[i].key);
      g_assert_cmpstr (value, ==, fields[i].wanted);
    }
  g_autofree char *mounts = g_strdup_printf ("/proc/%d/mountinfo", pid);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (mounts, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  /* the root, perhaps the resolver, and an empty line */
  g_assert_cmpuint (g_strv_length (lines), ==, kind == RESOLVER_MISSING ? 2 : 3);
  g_assert_nonnull (strstr (lines[0], " / ro,"));
  if (kind != RESOLVER_MISSING)
    g_assert_nonnull (strstr (lines[1], kind == RESOLVER_FILE ? " /etc/resolv.conf ro," : " /resolver ro,"));
  g_autofree char *rss = status_field (pid, "\nVmRSS:");
  g_test_message ("slirp: %s resident", rss);
#ifndef __SANITIZE_ADDRESS__
  g_assert_cmpint (atoi (rss), <=, 6 * 1024);
#endif
}

/* In a process of its own: a guest that sends what no kernel would, and a server that is there afterwards. */
static void G_GNUC_NORETURN
run_attack (const char *dir, int reason)
{
  const char *why = enter_host (dir, RESOLVER_FILE);
  if (why != NULL)
    {
      (void) fd_write_all (reason, why, strlen (why));
      _exit (SKIP);
    }
  pid_t servers[3] = { serve (HOST_ADDRESS, 8080, 5353), serve ("127.0.0.53", 8081, 53), serve (HOST_ADDRESS, 8081, 5354) };
  SlirpProcess slirp;
  SlirpNetwork network;
  slirp_network_init (&network);
  g_assert_cmpint (slirp_spawn_child (slirp_program, environ, &network, 0, &slirp), ==, 0);
  pid_t container = fork ();
  if (container == 0)
    run_hostile (slirp.socket, &network);
  int status;
  g_assert_cmpint (proc_wait (container, &status), ==, 0);
  g_assert_cmpint (status, ==, 0);
  /* the same process: it did not fall over */
  g_assert_cmpint (waitpid (slirp.pid, &status, WNOHANG), ==, 0);
  g_autofree char *rss = status_field (slirp.pid, "\nVmHWM:");
  g_test_message ("slirp: %s at most", rss);
#ifndef __SANITIZE_ADDRESS__
  g_assert_cmpint (atoi (rss), <=, 200 * 1024);
#endif
  (void) kill (slirp.pid, SIGKILL);
  (void) proc_wait (slirp.pid, &status);
  for (gsize i = 0; i < G_N_ELEMENTS (servers); i++)
    (void) kill (servers[i], SIGKILL);
  _exit (0);
}

/* In a process of its own: pid 1's role is the parent's, which kills all. */
static void G_GNUC_NORETURN
run_network (const char *dir, ResolverKind kind, int reason)
{
  const char *why = enter_host (dir, kind);
  if (why != NULL)
    {
      (void) fd_write_all (reason, why, strlen (why));
      _exit (SKIP);
    }
  /* the kernel makes an IPv6 address usable a moment after it was given */
  cleanup_fd int probe = -EADDRNOTAVAIL;
  for (int i = 0; i < 4000 && probe == -EADDRNOTAVAIL; i++, usleep (5000))
    probe = open_socket (SOCK_DGRAM, HOST_ADDRESS6, 7777, TRUE);
  gboolean six = probe >= 0;
  g_test_message ("IPv6: %s", six ? "yes" : g_strerror (-probe));
  pid_t servers[4] = { serve (HOST_ADDRESS, 8080, 5353), serve ("127.0.0.53", 53, 53), serve ("127.0.0.1", 8080, 5354), 0 };
  if (six)
    servers[3] = serve (HOST_ADDRESS6, 8080, 5353);
  SlirpProcess slirp;
  SlirpNetwork network;
  slirp_network_init (&network);
  g_assert_cmpint (slirp_spawn_child ("/nonexistent", environ, &network, 0, &slirp), ==, -ENOENT);
  g_assert_cmpint (slirp_spawn_child (slirp_program, environ, &network, 0, &slirp), ==, 0);
  pid_t container = fork ();
  if (container == 0)
    run_container (slirp.socket, &network, six, kind);
  int status;
  g_assert_cmpint (proc_wait (container, &status), ==, 0);
  g_assert_cmpint (status, ==, 0);
  check_sandbox (slirp.pid, kind);
  (void) kill (slirp.pid, SIGKILL);
  (void) proc_wait (slirp.pid, &status);

  /* without a tap it ends by itself */
  g_assert_cmpint (slirp_spawn_child (slirp_program, environ, &network, 0, &slirp), ==, 0);
  fd_close (slirp.socket);
  g_assert_cmpint (proc_wait (slirp.pid, &status), ==, 0);
  g_assert_cmpint (WEXITSTATUS (status), ==, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (servers); i++)
    if (servers[i] > 0)
      (void) kill (servers[i], SIGKILL);
  _exit (0);
}

static void
test_network (gconstpointer data)
{
  g_autofree char *dir = g_dir_make_tmp ("coracle-slirp-XXXXXX", NULL);
  int reason[2], status;
  char why[128] = "";
  g_assert_nonnull (dir);
  g_assert_cmpint (pipe2 (reason, O_CLOEXEC), ==, 0);
  pid_t pid = fork ();
  if (pid == 0 && GPOINTER_TO_INT (data) == N_RESOLVERS)
    run_attack (dir, reason[1]);
  if (pid == 0)
    run_network (dir, (ResolverKind) GPOINTER_TO_INT (data), reason[1]);
  fd_close (reason[1]);
  g_assert_cmpint (proc_wait (pid, &status), ==, 0);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, dir), ==, 0);
  if (WIFEXITED (status) && WEXITSTATUS (status) == SKIP)
    {
      (void) fd_read_all (reason[0], why, sizeof why - 1);
      g_test_skip (why);
    }
  else
    g_assert_cmpint (status, ==, 0);
  fd_close (reason[0]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_autofree char *tests = g_path_get_dirname (argv[0]);
  g_autofree char *beside = g_build_filename (tests, "..", "bin", "coracle-slirp", NULL);
  slirp_program = realpath (beside, NULL);
  g_assert_nonnull (slirp_program);
  g_test_add_func ("/slirp/resolv-conf", test_resolv_conf);
  static const char *const paths[N_RESOLVERS] = { "/slirp/network/file", "/slirp/network/link", "/slirp/network/no-resolver" };
  for (int kind = 0; kind < N_RESOLVERS; kind++)
    g_test_add_data_func (paths[kind], GINT_TO_POINTER (kind), test_network);
  g_test_add_data_func ("/slirp/hostile", GINT_TO_POINTER (N_RESOLVERS), test_network);
  int status = g_test_run ();
  free (slirp_program);
  return status;
}
