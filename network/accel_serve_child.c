/* The supervisor's worker: one loop over the listener and the connects under way. Where it is and what it may: network/accel.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "network/accel.h"
#include "pkg/base/fd.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

enum {
  WAITING_MOST = 512,    /* connects under way; more are slirp's */
  COPIES_MOST = 16,      /* descriptors of one socket, and its registrations with epoll */
  SCAN_MOST = 8192,      /* descriptors of a process that are looked at */
  LOOK_MS = 1000,        /* between two looks whether those who wait still do */
};

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} Address;

/* One call on its way: @id 0 = free */
typedef struct {
  uint64_t id;
  pid_t thread;
  int number;            /* the caller's descriptor */
  int theirs, ours;      /* its socket, and the one that takes its place */
  uint64_t deadline;     /* CLOCK_MONOTONIC, milliseconds; 0 = none (SO_SNDTIMEO) */
} Call;

typedef struct {
  const Accel *accel;
  Call waiting[WAITING_MOST];
  size_t n_waiting;      /* slots in use lie below it */
} Server;

/* Registered with epoll */
typedef struct {
  int epoll, number;     /* the caller's descriptors */
  struct epoll_event event;
} Registration;

/* The caller's descriptors of one socket */
typedef struct {
  int numbers[COPIES_MOST];
  uint8_t cloexec[COPIES_MOST];
  int n;
  Registration registrations[COPIES_MOST];
  int n_registrations;
} Copies;

static uint64_t
now_ms (void)
{
  struct timespec t;
  (void) clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

/* ---- answers */

static void
answer (const Server *server, uint64_t id, int error, uint32_t flags)
{
  struct seccomp_notif_resp response = { .id = id, .error = error, .flags = flags };
  (void) ioctl (server->accel->listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/* go_on: the kernel performs the call as if nobody had been asked. */
static void
go_on (const Server *server, uint64_t id)
{
  answer (server, id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

static int
still_waits (const Server *server, uint64_t id)
{
  return ioctl (server->accel->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* ---- proc: of the caller. Its text is the kernel's, but what it says may change under us: nothing here depends on it for safety */

/* put_path: "/THREAD/WHAT[/NUMBER]". */
static void
put_path (char path[64], pid_t thread, const char *what, int number)
{
  char digits[12];
  size_t at = 0, n = 0;
  path[at++] = '/';
  for (unsigned left = (unsigned) thread; n == 0 || left > 0; left /= 10)
    digits[n++] = (char) ('0' + left % 10);
  while (n > 0)
    path[at++] = digits[--n];
  path[at++] = '/';
  memcpy (path + at, what, strlen (what));
  at += strlen (what);
  if (number >= 0)
    {
      path[at++] = '/';
      for (unsigned left = (unsigned) number; n == 0 || left > 0; left /= 10)
        digits[n++] = (char) ('0' + left % 10);
      while (n > 0)
        path[at++] = digits[--n];
    }
  path[at] = '\0';
}

static ssize_t
read_proc (pid_t thread, const char *what, int number, char *text, size_t size)
{
  char path[64];
  put_path (path, thread, what, number);
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : fd_read_all (fd, text, size - 1);
  text[n > 0 ? n : 0] = '\0';
  return n;
}

/* number_after: behind @key, in @base; 0 where there is none. @at: moved behind it. */
static uint64_t
number_after (const char **at, const char *key, unsigned base)
{
  const char *found = strstr (*at, key);
  uint64_t number = 0;
  if (found == NULL)
    return 0;
  for (found += strlen (key); *found == ' ' || *found == '\t'; found++)
    continue;
  for (;; found++)
    {
      unsigned digit = *found >= '0' && *found <= '9' ? (unsigned) (*found - '0') : *found >= 'a' && *found <= 'f' ? (unsigned) (*found - 'a') + 10 : 99;
      if (digit >= base)
        break;
      number = number * base + digit;
    }
  *at = found;
  return number;
}

/* open_process: a pidfd of the process that @thread is of. */
static int
open_process (pid_t thread)
{
  char text[1024];
  const char *at = text;
  if (read_proc (thread, "status", -1, text, sizeof text) <= 0)
    return -1;
  pid_t leader = (pid_t) number_after (&at, "\nTgid:", 10);
  return leader > 0 ? (int) syscall (SYS_pidfd_open, leader, 0) : -1;
}

static int
is_link (const char *link, ssize_t size, const char *text)
{
  return size == (ssize_t) strlen (text) && memcmp (link, text, (size_t) size) == 0;
}

/* add_registrations: of the socket @inode with the epoll descriptor @number. Lines of fdinfo: "tfd: 5 events: 19 data: 7 pos:0 ino:1a2b sdev:9", numbers but tfd and pos in hexadecimal. */
static void
add_registrations (pid_t thread, int number, uint64_t inode, Copies *copies)
{
  char text[8192];
  const char *at = text;
  if (read_proc (thread, "fdinfo", number, text, sizeof text) <= 0)
    return;
  while ((at = strstr (at, "tfd:")) != NULL && copies->n_registrations < COPIES_MOST)
    {
      Registration *to = &copies->registrations[copies->n_registrations];
      *to = (Registration) { .epoll = number, .number = (int) number_after (&at, "tfd:", 10) };
      to->event.events = (uint32_t) number_after (&at, "events:", 16);
      to->event.data.u64 = number_after (&at, "data:", 16);
      if (number_after (&at, "ino:", 16) == inode)
        copies->n_registrations++;
    }
}

typedef struct {
  uint64_t ino;
  int64_t off;
  uint16_t length;
  uint8_t type;
  char name[];
} Entry;

/* scan_one: descriptor @number of the caller. */
static void
scan_one (pid_t thread, int dir, const char *name, int number, const char *wanted, uint64_t inode, Copies *copies)
{
  char link[64], text[256];
  const char *at = text;
  ssize_t size = readlinkat (dir, name, link, sizeof link);
  if (is_link (link, size, "anon_inode:[eventpoll]"))
    add_registrations (thread, number, inode, copies);
  if (!is_link (link, size, wanted) || copies->n == COPIES_MOST)
    return;
  (void) read_proc (thread, "fdinfo", number, text, sizeof text);
  copies->numbers[copies->n] = number;
  copies->cloexec[copies->n++] = (number_after (&at, "flags:", 8) & O_CLOEXEC) != 0;
}

/* find_copies: the caller's own @number, and what else is found. 0 or -errno. */
static int
find_copies (pid_t thread, int number, int theirs, Copies *copies)
{
  char path[64], wanted[40] = "socket:[", digits[24], entries[4096] __attribute__ ((aligned (8)));
  struct stat st;
  size_t n = 0, at = 8, seen = 0;
  memset (copies, 0, sizeof *copies);
  if (fstat (theirs, &st) < 0)
    return -errno;
  for (uint64_t left = st.st_ino; n == 0 || left > 0; left /= 10)
    digits[n++] = (char) ('0' + left % 10);
  while (n > 0)
    wanted[at++] = digits[--n];
  wanted[at++] = ']';
  wanted[at] = '\0';
  put_path (path, thread, "fd", -1);
  cleanup_fd int dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0)
    return -errno;
  put_path (path, thread, "fd", number);
  scan_one (thread, dir, strrchr (path, '/') + 1, number, wanted, st.st_ino, copies);
  /* the number leads elsewhere by now: the caller's own doing */
  if (copies->n == 0)
    return -EBADF;
  for (long size; (size = syscall (SYS_getdents64, dir, entries, sizeof entries)) > 0;)
    for (long from = 0; from < size;)
      {
        const Entry *entry = (const Entry *) (void *) (entries + from);
        int other = 0;
        from += entry->length;
        if (entry->name[0] < '0' || entry->name[0] > '9')
          continue;
        for (const char *digit = entry->name; *digit != '\0'; digit++)
          other = other * 10 + (*digit - '0');
        if (++seen > SCAN_MOST)
          return 0;
        if (other != number)
          scan_one (thread, dir, entry->name, other, wanted, st.st_ino, copies);
      }
  return 0;
}

/* ---- the socket that takes the other's place */

static const struct {
  int level, option;
} accel_options[] = {
  { SOL_SOCKET, SO_KEEPALIVE }, { SOL_SOCKET, SO_LINGER }, { SOL_SOCKET, SO_OOBINLINE }, { SOL_SOCKET, SO_REUSEADDR }, { SOL_SOCKET, SO_RCVLOWAT }, { SOL_SOCKET, SO_RCVTIMEO },
  { SOL_SOCKET, SO_SNDTIMEO }, { SOL_SOCKET, SO_PRIORITY }, { SOL_SOCKET, SO_TIMESTAMP }, { SOL_SOCKET, SO_TIMESTAMPNS }, { SOL_SOCKET, SO_ZEROCOPY }, { SOL_SOCKET, SO_MAX_PACING_RATE },
  { IPPROTO_TCP, TCP_NODELAY }, { IPPROTO_TCP, TCP_CORK }, { IPPROTO_TCP, TCP_KEEPIDLE }, { IPPROTO_TCP, TCP_KEEPINTVL }, { IPPROTO_TCP, TCP_KEEPCNT }, { IPPROTO_TCP, TCP_SYNCNT },
  { IPPROTO_TCP, TCP_LINGER2 }, { IPPROTO_TCP, TCP_WINDOW_CLAMP }, { IPPROTO_TCP, TCP_USER_TIMEOUT }, { IPPROTO_TCP, TCP_NOTSENT_LOWAT }, { IPPROTO_TCP, TCP_CONGESTION },
  { IPPROTO_IP, IP_TOS }, { IPPROTO_IP, IP_TTL }, { IPPROTO_IP, IP_MTU_DISCOVER }, { IPPROTO_IP, IP_RECVERR },
  { IPPROTO_IPV6, IPV6_V6ONLY }, { IPPROTO_IPV6, IPV6_TCLASS }, { IPPROTO_IPV6, IPV6_UNICAST_HOPS }, { IPPROTO_IPV6, IPV6_MTU_DISCOVER }, { IPPROTO_IPV6, IPV6_RECVERR },
};

/* copy_options: those that differ from a new socket's. What the kernel refuses to a user of the host stays as it is. */
static void
copy_options (int from, int to)
{
  for (size_t i = 0; i < sizeof accel_options / sizeof accel_options[0]; i++)
    {
      char value[32], usual[32];
      socklen_t size = sizeof value, usual_size = sizeof usual;
      if (getsockopt (from, accel_options[i].level, accel_options[i].option, value, &size) < 0
          || (getsockopt (to, accel_options[i].level, accel_options[i].option, usual, &usual_size) == 0 && size == usual_size && memcmp (value, usual, size) == 0))
        continue;
      (void) setsockopt (to, accel_options[i].level, accel_options[i].option, value, size);
    }
  /* buffers that were set tell twice what they were set to */
  int locked = 0, bytes;
  socklen_t size = sizeof locked;
  if (getsockopt (from, SOL_SOCKET, SO_BUF_LOCK, &locked, &size) < 0)
    return;
  for (int bit = 1; bit <= 2; bit++)
    {
      int option = bit == 1 ? SO_SNDBUF : SO_RCVBUF;
      size = sizeof bytes;
      if ((locked & bit) == 0 || getsockopt (from, SOL_SOCKET, option, &bytes, &size) < 0)
        continue;
      bytes /= 2;
      (void) setsockopt (to, SOL_SOCKET, option, &bytes, sizeof bytes);
    }
}

/* mapped: the IPv4 address that an IPv6 one stands for. */
static int
mapped (const Address *address, uint32_t *ret_v4)
{
  if (address->any.sa_family == AF_INET)
    memcpy (ret_v4, &address->v4.sin_addr, 4);
  else if (IN6_IS_ADDR_V4MAPPED (&address->v6.sin6_addr))
    memcpy (ret_v4, address->v6.sin6_addr.s6_addr + 12, 4);
  else
    return 0;
  return 1;
}

/* deafen: from now on, and for good, the socket hears nobody but @to: see network/accel.h. The data that a TCP socket's filter sees begins at the TCP header. */
static int
deafen (int fd, const Address *to)
{
  struct sock_filter program[16];
  unsigned short n = 0;
  uint32_t v4;
  const int four = mapped (to, &v4), words = four ? 1 : 4, source = four ? 12 : 8, checks = words + 2;
  program[n++] = (struct sock_filter) BPF_STMT (BPF_LD | BPF_B | BPF_ABS, (uint32_t) SKF_NET_OFF);
  program[n++] = (struct sock_filter) BPF_STMT (BPF_ALU | BPF_AND | BPF_K, 0xf0);
  program[n++] = (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, four ? 0x40 : 0x60, 0, (uint8_t) (2 * checks - 1));
  for (int i = 0; i < words; i++)
    {
      uint32_t word;
      if (four)
        word = v4;
      else
        memcpy (&word, to->v6.sin6_addr.s6_addr + 4 * i, 4);
      program[n++] = (struct sock_filter) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, (uint32_t) SKF_NET_OFF + (uint32_t) (source + 4 * i));
      program[n++] = (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, ntohl (word), 0, (uint8_t) (2 * (words - i) + 1));
    }
  program[n++] = (struct sock_filter) BPF_STMT (BPF_LD | BPF_H | BPF_ABS, 0);
  program[n++] = (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, ntohs (to->any.sa_family == AF_INET ? to->v4.sin_port : to->v6.sin6_port), 0, 1);
  program[n++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, 0xffffffff);
  program[n++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, 0);
  struct sock_fprog filter = { .len = n, .filter = program };
  int on = 1;
  if (setsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) < 0 || setsockopt (fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) < 0)
    return -errno;
  return 0;
}

static void
bind_outbound (const SlirpNetwork *network, int fd, const Address *to)
{
  static const struct in6_addr none;
  uint32_t v4;
  Address from;
  int on = 1;
  memset (&from, 0, sizeof from);
  from.any.sa_family = to->any.sa_family;
  if (to->any.sa_family == AF_INET && network->outbound.s_addr != 0)
    from.v4.sin_addr = network->outbound;
  else if (to->any.sa_family == AF_INET6 && !mapped (to, &v4) && memcmp (&network->outbound6, &none, sizeof none) != 0)
    from.v6.sin6_addr = network->outbound6;
  else
    return;
  (void) setsockopt (fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  (void) bind (fd, &from.any, from.any.sa_family == AF_INET ? sizeof from.v4 : sizeof from.v6);
}

/* open_ours: connecting, or connected. Returns the socket or -errno; *@ret_error: what connect said. */
static int
open_ours (const SlirpNetwork *network, int theirs, const Address *to, int *ret_error)
{
  cleanup_fd int fd = socket (to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0)
    return -errno;
  copy_options (theirs, fd);
  int r = deafen (fd, to);
  if (r < 0)
    return r;
  bind_outbound (network, fd, to);
  *ret_error = connect (fd, &to->any, to->any.sa_family == AF_INET ? sizeof to->v4 : sizeof to->v6) < 0 ? errno : 0;
  return fd_steal (&fd);
}

/* ---- which calls are made here */

static int
option_int (int fd, int level, int option)
{
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt (fd, level, option, &value, &size) == 0 ? value : -1;
}

/* is_plain: TCP, unconnected, of the container's namespace (or one of ours that has been tried before), with nothing that means something only there. */
static int
is_plain (const Accel *accel, int fd, int *ret_family)
{
  char device[16] = "";
  struct tcp_info info;
  socklen_t size = sizeof info, device_size = sizeof device;
  *ret_family = option_int (fd, SOL_SOCKET, SO_DOMAIN);
  if ((*ret_family != AF_INET && *ret_family != AF_INET6) || option_int (fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM || option_int (fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP)
    return 0;
  uint64_t space = accel_cookie_child (fd);
  if (space == 0 || (space != accel->inside && space != accel->outside))
    return 0;
  memset (&info, 0, sizeof info);
  if (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 || info.tcpi_state != 7 /* TCP_CLOSE */)
    return 0;
  if (space == accel->outside)
    return 1;
  size = 0;   /* asks how long it is */
  int filtered = getsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, NULL, &size) == 0 && size > 0;
  int flags = fcntl (fd, F_GETFL);
  return !filtered && flags >= 0 && (flags & O_ASYNC) == 0 && option_int (fd, SOL_SOCKET, SO_MARK) <= 0
         && (getsockopt (fd, SOL_SOCKET, SO_BINDTODEVICE, device, &device_size) < 0 || device[0] == '\0');
}

/* is_bound_inside: to its loopback, or an address that is not slirp's: such a connection is the container's own affair. */
static int
is_bound_inside (const SlirpNetwork *network, int fd)
{
  static const struct in6_addr none;
  Address own;
  socklen_t size = sizeof own;
  uint32_t v4;
  memset (&own, 0, sizeof own);
  if (getsockname (fd, &own.any, &size) < 0)
    return 1;
  if (mapped (&own, &v4))
    return v4 != 0 && v4 != network->address.s_addr;
  return memcmp (&own.v6.sin6_addr, &none, sizeof none) != 0 && memcmp (&own.v6.sin6_addr, &network->address6, sizeof none) != 0;
}

/* reaches4, reaches6: would slirp take that address outside? Not its own network, not the host's loopback by any name, nothing but unicast. */
static int
reaches4 (const SlirpNetwork *network, uint32_t address)
{
  uint32_t host = ntohl (address), mask = ~0u << (32 - network->prefix);
  return network->ipv4 && (host & mask) != ntohl (network->network.s_addr) && host >> 24 != 0 && host >> 24 != 127 && host >> 28 < 14;
}

static int
reaches6 (const SlirpNetwork *network, const struct in6_addr *address)
{
  static const uint8_t zeros[12];
  return network->ipv6 && memcmp (address, &network->network6, 8) != 0 && memcmp (address, zeros, sizeof zeros) != 0 /* ::, ::1, ::a.b.c.d */ && !IN6_IS_ADDR_LINKLOCAL (address)
         && !IN6_IS_ADDR_MULTICAST (address) && !IN6_IS_ADDR_SITELOCAL (address);
}

/* leaves_by_tap: do the namespace's own routes send it to slirp? A datagram socket of it is connected, which sends nothing, and tells its address. */
static int
leaves_by_tap (const Accel *accel, const Address *to)
{
  const Address apart = { .any.sa_family = AF_UNSPEC };
  Address way, own;
  uint32_t v4;
  socklen_t size = sizeof own;
  const int four = mapped (to, &v4), probe = four ? accel->probe4 : accel->probe6;
  memset (&way, 0, sizeof way);
  if (four)
    way.v4 = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons (9), .sin_addr.s_addr = v4 };
  else
    way.v6 = (struct sockaddr_in6) { .sin6_family = AF_INET6, .sin6_port = htons (9), .sin6_addr = to->v6.sin6_addr };
  memset (&own, 0, sizeof own);
  int good = connect (probe, &way.any, four ? sizeof way.v4 : sizeof way.v6) == 0 && getsockname (probe, &own.any, &size) == 0;
  (void) connect (probe, &apart.any, sizeof apart.any);
  if (!good || own.any.sa_family != way.any.sa_family)
    return 0;
  return four ? own.v4.sin_addr.s_addr == accel->network.address.s_addr : memcmp (&own.v6.sin6_addr, &accel->network.address6, 16) == 0;
}

static int
is_for_us (const Accel *accel, int fd, const Address *to)
{
  const SlirpNetwork *network = &accel->network;
  uint32_t v4;
  int family;
  if (!is_plain (accel, fd, &family) || family != to->any.sa_family)
    return 0;
  if ((to->any.sa_family == AF_INET ? to->v4.sin_port : to->v6.sin6_port) == 0 || (family == AF_INET6 && to->v6.sin6_scope_id != 0))
    return 0;
  if (mapped (to, &v4) ? !reaches4 (network, v4) || (family == AF_INET6 && option_int (fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0) : !reaches6 (network, &to->v6.sin6_addr))
    return 0;
  if (accel_cookie_child (fd) == accel->inside && is_bound_inside (network, fd))
    return 0;
  return leaves_by_tap (accel, to);
}

/* ---- handing over */

/* register_ours: with the caller's epoll descriptors, as the old one was. A registration is known by file and number: so in a process of its own, where ours has the caller's number. */
static void
register_ours (int process, const Copies *copies, int ours)
{
  if (copies->n_registrations == 0)
    return;
  pid_t child = _Fork ();
  if (child == 0)
    {
      /* out of the way of every number that is about to be used */
      for (int i = 0; i < copies->n_registrations; i++)
        {
          const Registration *at = &copies->registrations[i];
          struct epoll_event event = at->event;
          int epoll = (int) syscall (SYS_pidfd_getfd, process, at->epoll, 0);
          int from = fcntl (ours, F_DUPFD_CLOEXEC, at->number + 1), keep = fcntl (epoll, F_DUPFD_CLOEXEC, at->number + 1), whom = fcntl (process, F_DUPFD_CLOEXEC, at->number + 1);
          if (keep >= 0 && from >= 0 && dup3 (from, at->number, O_CLOEXEC) >= 0)
            (void) epoll_ctl (keep, EPOLL_CTL_ADD, at->number, &event);
          ours = from;
          process = whom;
        }
      _exit (0);
    }
  while (child > 0 && wait4 (child, NULL, 0, NULL) < 0 && errno == EINTR)
    continue;
}

/* put_in_place: 0 or -errno: then nothing, or not all of it, has changed. */
static int
put_in_place (const Server *server, const Call *call)
{
  Copies copies;
  int flags = fcntl (call->theirs, F_GETFL), r = find_copies (call->thread, call->number, call->theirs, &copies);
  if (r < 0 || flags < 0)
    return r < 0 ? r : -errno;
  cleanup_fd int process = copies.n_registrations > 0 ? open_process (call->thread) : -1;
  (void) fcntl (call->ours, F_SETFL, flags & O_NONBLOCK);
  for (int i = 0; i < copies.n; i++)
    {
      struct seccomp_notif_addfd add = { .id = call->id, .flags = SECCOMP_ADDFD_FLAG_SETFD, .srcfd = (uint32_t) call->ours, .newfd = (uint32_t) copies.numbers[i],
                                         .newfd_flags = copies.cloexec[i] ? O_CLOEXEC : 0 };
      if (ioctl (server->accel->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0)
        return -errno;
    }
  register_ours (process, &copies, call->ours);
  return 0;
}

static void
drop (Call *call)
{
  fd_close (call->theirs);
  fd_close (call->ours);
  *call = (Call) { .theirs = -1, .ours = -1 };
}

/* finish: @error: of our connect. A failed one leaves the caller's socket as it was. */
static void
finish (const Server *server, Call *call, int error)
{
  if (error == 0 || error == EINPROGRESS)
    {
      /* a connect that did not block is over only when somebody calls again and is told so: else the caller's next would succeed once more */
      const struct sockaddr any = { .sa_family = AF_INET };
      if (error == 0)
        (void) connect (call->ours, &any, sizeof any);
      int r = put_in_place (server, call);
      error = r < 0 ? -r : error;
    }
  answer (server, call->id, -error, 0);
  drop (call);
}

static Call *
free_slot (Server *server)
{
  for (size_t i = 0; i < WAITING_MOST; i++)
    if (server->waiting[i].id == 0)
      {
        server->n_waiting = i + 1 > server->n_waiting ? i + 1 : server->n_waiting;
        return &server->waiting[i];
      }
  return NULL;
}

/* wait_for: the caller blocks: until it is connected, its SO_SNDTIMEO runs out, or it has gone. */
static void
wait_for (Server *server, Call *call)
{
  struct timeval timeout = { 0, 0 };
  socklen_t size = sizeof timeout;
  Call *slot = free_slot (server);
  if (slot == NULL)
    {
      go_on (server, call->id);
      drop (call);
      return;
    }
  (void) getsockopt (call->theirs, SOL_SOCKET, SO_SNDTIMEO, &timeout, &size);
  uint64_t ms = (uint64_t) timeout.tv_sec * 1000 + (uint64_t) timeout.tv_usec / 1000;
  call->deadline = ms > 0 ? now_ms () + ms : 0;
  *slot = *call;
}

/* begin: a call that is for us. */
static void
begin (Server *server, const struct seccomp_notif *asked, int theirs, const Address *to)
{
  Call call = { .id = asked->id, .thread = (pid_t) asked->pid, .number = (int) asked->data.args[0], .theirs = theirs, .ours = -1 };
  int error = 0, flags = fcntl (theirs, F_GETFL);
  call.ours = open_ours (&server->accel->network, theirs, to, &error);
  if (call.ours < 0)
    {
      go_on (server, call.id);
      drop (&call);
    }
  else if (error == EINPROGRESS && flags >= 0 && (flags & O_NONBLOCK) == 0)
    wait_for (server, &call);
  else
    finish (server, &call, error);
}

/* take_call: its socket and its address, each looked at once. */
static int
take_call (const struct seccomp_notif *asked, Address *ret_to)
{
  cleanup_fd int process = open_process ((pid_t) asked->pid);
  int fd = process < 0 ? -1 : (int) syscall (SYS_pidfd_getfd, process, (int) asked->data.args[0], 0);
  struct iovec local = { .iov_base = ret_to, .iov_len = sizeof *ret_to }, remote = { .iov_base = (void *) (uintptr_t) asked->data.args[1], .iov_len = sizeof *ret_to };
  const uint32_t length = (uint32_t) asked->data.args[2];
  memset (ret_to, 0, sizeof *ret_to);
  local.iov_len = remote.iov_len = length < sizeof *ret_to ? length : sizeof *ret_to;
  if (fd >= 0 && length >= sizeof ret_to->v4 && length <= 128 && syscall (SYS_process_vm_readv, asked->pid, &local, 1, &remote, 1, 0) == (long) local.iov_len
      && (ret_to->any.sa_family == AF_INET || (ret_to->any.sa_family == AF_INET6 && length >= sizeof ret_to->v6)))
    return fd;
  fd_close (fd);
  return -1;
}

static int
serve_listener (Server *server)
{
  struct seccomp_notif asked;
  Address to;
  memset (&asked, 0, sizeof asked);
  if (ioctl (server->accel->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
    return errno == ENOENT || errno == EINTR || errno == EAGAIN ? 0 : -errno;
  int theirs = take_call (&asked, &to);
  /* it may have gone, and another process have its number: then nobody waits for the answer */
  if (theirs >= 0 && still_waits (server, asked.id) && is_for_us (server->accel, theirs, &to))
    {
      begin (server, &asked, theirs, &to);
      return 0;
    }
  fd_close (theirs);
  go_on (server, asked.id);
  return 0;
}

static void
serve_waiting (Server *server, const struct pollfd *polls)
{
  uint64_t now = now_ms ();
  for (size_t i = 0; i < server->n_waiting; i++)
    {
      Call *call = &server->waiting[i];
      if (call->id == 0)
        continue;
      if (polls[i].revents != 0)
        finish (server, call, option_int (call->ours, SOL_SOCKET, SO_ERROR));
      else if (!still_waits (server, call->id))
        drop (call);
      else if (call->deadline > 0 && call->deadline <= now)
        finish (server, call, EINPROGRESS);
    }
  while (server->n_waiting > 0 && server->waiting[server->n_waiting - 1].id == 0)
    server->n_waiting--;
}

static int
wait_ms (const Server *server)
{
  uint64_t now = now_ms (), wait = LOOK_MS;
  for (size_t i = 0; i < server->n_waiting; i++)
    {
      uint64_t deadline = server->waiting[i].deadline;
      if (server->waiting[i].id != 0 && deadline > 0)
        wait = deadline <= now ? 0 : deadline - now < wait ? deadline - now : wait;
    }
  return server->n_waiting == 0 ? -1 : (int) wait;
}

int
accel_serve_child (const Accel *accel)
{
  static Server server;
  static struct pollfd polls[WAITING_MOST + 1];
  server.accel = accel;
  for (;;)
    {
      polls[0] = (struct pollfd) { .fd = accel->listener, .events = POLLIN };
      for (size_t i = 0; i < server.n_waiting; i++)
        polls[i + 1] = (struct pollfd) { .fd = server.waiting[i].id != 0 ? server.waiting[i].ours : -1, .events = POLLOUT };
      size_t n = server.n_waiting;
      if (poll (polls, n + 1, wait_ms (&server)) < 0 && errno != EINTR)
        return -errno;
      if (n > 0)
        serve_waiting (&server, polls + 1);
      if (polls[0].revents & POLLIN)
        {
          int r = serve_listener (&server);
          if (r < 0)
            return r;
        }
      else if (polls[0].revents != 0)
        return 0;   /* nobody is left who could ask */
    }
}
