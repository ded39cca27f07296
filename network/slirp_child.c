#include "network/slirp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "network/pace.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"

/* ---- the waiting process */

/* keep_only: these two, moved out of the way of what coracle-slirp is given; standard ones become /dev/null: a pipe of the caller must not be kept from its end. */
static void
keep_only (int *socket, int *program)
{
  int null = open ("/dev/null", O_RDWR);
  /* above everything that is about to be overwritten */
  int s = fcntl (*socket, F_DUPFD_CLOEXEC, 16), p = fcntl (*program, F_DUPFD_CLOEXEC, 16);
  for (int fd = 0; fd <= 2; fd++)
    if (null < 0 || dup2 (null, fd) < 0)
      (void) close (fd);
  *socket = dup3 (s, 5, O_CLOEXEC);
  *program = dup3 (p, 6, O_CLOEXEC);
  (void) close (SLIRP_TAP_FD);
  (void) close (SLIRP_NETWORK_FD);
  proc_close_from (7);
}

/* give: @fd under the number that coracle-slirp looks for it at. */
static int
give (int fd, int number)
{
  if (fd < 0)
    return -1;
  return fd == number ? fcntl (fd, F_SETFD, 0) : dup2 (fd, number);
}

/* give_network: as a pipe: what it says fits into its buffer. */
static int
give_network (const SlirpNetwork *network)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) < 0 || fd_write_all (ends[1], network, sizeof *network) < 0)
    return -1;
  return give (ends[0], SLIRP_NETWORK_FD);
}

static void G_GNUC_NORETURN
wait_and_exec (int socket, int program, char *const *envp, const SlirpNetwork *network, uint32_t pause_ms)
{
  char *const argv[] = { (char *) "coracle-slirp", NULL };
  sigset_t none;
  sigemptyset (&none);
  (void) sigprocmask (SIG_SETMASK, &none, NULL);
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  (void) prctl (PR_SET_NAME, "coracle-slirp");
  keep_only (&socket, &program);
  int tap = fd_recv (socket);
  if (give (tap, SLIRP_TAP_FD) < 0)
    _exit (1);
  (void) poll (NULL, 0, (int) pause_ms);
  struct pollfd packet = { .fd = SLIRP_TAP_FD, .events = POLLIN };
  while (poll (&packet, 1, -1) < 0 && errno == EINTR)
    continue;
  if (give_network (network) < 0)
    _exit (1);
  (void) syscall (SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
  _exit (127);
}

int
slirp_spawn_child (const char *program, char *const *envp, const SlirpNetwork *network, uint32_t pause_ms, SlirpProcess *ret_slirp)
{
  int sockets[2];
  cleanup_fd int program_fd = open (program, O_PATH | O_CLOEXEC);
  if (program_fd < 0 || access (program, X_OK) < 0)
    return -errno;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
    return -errno;
  /* fork(3) runs handlers that are not async-signal-safe */
  pid_t pid = _Fork ();
  if (pid == 0)
    wait_and_exec (sockets[1], program_fd, envp, network, pause_ms);
  int r = pid < 0 ? -errno : 0;
  fd_close (sockets[1]);
  if (r < 0)
    {
      fd_close (sockets[0]);
      return r;
    }
  *ret_slirp = (SlirpProcess) { .socket = sockets[0], .pid = pid };
  return 0;
}

/* ---- the container's side */

/* A few requests sent as one: rtnetlink performs them in order before sendmsg returns, and answers each that fails */
typedef struct {
  size_t size;
  char data[640] __attribute__ ((aligned (NLMSG_ALIGNTO)));
} Batch;

static void *
put (Batch *batch, size_t size)
{
  void *at = batch->data + batch->size;
  memset (at, 0, NLMSG_ALIGN (size));
  batch->size += NLMSG_ALIGN (size);
  return at;
}

/* begin: a request of @type, numbered, so that answers can be told apart. */
static struct nlmsghdr *
begin (Batch *batch, uint16_t type, uint16_t flags, uint32_t sequence)
{
  struct nlmsghdr *message = put (batch, sizeof *message);
  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST | flags;
  message->nlmsg_seq = sequence;
  return message;
}

static void
attribute (Batch *batch, uint16_t type, const void *data, size_t size)
{
  struct rtattr *header = put (batch, RTA_LENGTH (size));
  header->rta_type = type;
  header->rta_len = (uint16_t) RTA_LENGTH (size);
  memcpy (RTA_DATA (header), data, size);
}

static void
finish (Batch *batch, struct nlmsghdr *message)
{
  message->nlmsg_len = (uint32_t) (batch->data + batch->size - (char *) message);
}

static void
put_link_up (Batch *batch, int index, uint32_t mtu, uint32_t sequence)
{
  struct nlmsghdr *message = begin (batch, RTM_NEWLINK, 0, sequence);
  struct ifinfomsg *link = put (batch, sizeof *link);
  link->ifi_family = AF_UNSPEC;
  link->ifi_index = index;
  link->ifi_flags = link->ifi_change = IFF_UP;
  if (mtu > 0)
    attribute (batch, IFLA_MTU, &mtu, sizeof mtu);
  finish (batch, message);
}

static void
put_address (Batch *batch, int index, unsigned char family, unsigned char prefix, const void *address, uint32_t sequence)
{
  size_t size = family == AF_INET ? 4 : 16;
  struct nlmsghdr *message = begin (batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sequence);
  struct ifaddrmsg *entry = put (batch, sizeof *entry);
  entry->ifa_family = family;
  entry->ifa_prefixlen = prefix;
  /* nobody else is on this link: without it the address could not be used for a second */
  entry->ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0;
  entry->ifa_index = (uint32_t) index;
  attribute (batch, IFA_LOCAL, address, size);
  attribute (batch, IFA_ADDRESS, address, size);
  finish (batch, message);
}

static void
put_default_route (Batch *batch, int index, unsigned char family, const void *gateway, uint32_t sequence)
{
  struct nlmsghdr *message = begin (batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sequence);
  struct rtmsg *route = put (batch, sizeof *route);
  route->rtm_family = family;
  route->rtm_table = RT_TABLE_MAIN;
  route->rtm_protocol = RTPROT_BOOT;
  route->rtm_scope = RT_SCOPE_UNIVERSE;
  route->rtm_type = RTN_UNICAST;
  attribute (batch, RTA_GATEWAY, gateway, family == AF_INET ? 4 : 16);
  attribute (batch, RTA_OIF, &index, sizeof index);
  finish (batch, message);
}

enum { LOOPBACK = 1, LINK, ADDRESS, ROUTE, ADDRESS6, ROUTE6 };

/* perform: send the batch and look for refusals. Those of IPv6 are no error: a kernel may be without it. */
static int
perform (int netlink, const Batch *batch)
{
  struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
  if (sendto (netlink, batch->data, batch->size, 0, (struct sockaddr *) &kernel, sizeof kernel) < 0)
    return -errno;
  for (;;)
    {
      char answer[4096] __attribute__ ((aligned (NLMSG_ALIGNTO)));
      ssize_t n = recv (netlink, answer, sizeof answer, MSG_DONTWAIT);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
      int left = (int) n;
      for (struct nlmsghdr *message = (struct nlmsghdr *) answer; NLMSG_OK (message, left); message = NLMSG_NEXT (message, left))
        {
          const struct nlmsgerr *refusal = NLMSG_DATA (message);
          if (message->nlmsg_type == NLMSG_ERROR && refusal->error != 0 && message->nlmsg_seq < ADDRESS6)
            return refusal->error;
        }
    }
}

/* mute_housekeeping: what the kernel says by itself as soon as an interface with IPv6 is up is not for anybody here: reports of multicast groups (RFC 2710, 3810), router solicitations and
 * probes for duplicate addresses (RFC 4861, 4862). Dropped, they do not begin coracle-slirp for a container that does not talk. Source: tun(4), TUNATTACHFILTER. */
static void
mute_housekeeping (int tap)
{
  enum { TYPE = 12, NEXT = 20, SOURCE = 22, ICMP = 54, BEHIND_OPTIONS = 62, KEEP = 0x40000 };
  static struct sock_filter code[] = {
    BPF_STMT (BPF_LD | BPF_H | BPF_ABS, TYPE),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0x86dd, 0, 21),
    BPF_STMT (BPF_LD | BPF_B | BPF_ABS, NEXT),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 7, 0),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_HOPOPTS, 0, 18),
    BPF_STMT (BPF_LD | BPF_B | BPF_ABS, ICMP),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 16),
    BPF_STMT (BPF_LD | BPF_B | BPF_ABS, BEHIND_OPTIONS),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 143, 13, 0), /* multicast listener report, version 2 */
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 131, 12, 0), /* and 1 */
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 132, 11, 12),
    BPF_STMT (BPF_LD | BPF_B | BPF_ABS, ICMP),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 133, 9, 0), /* router solicitation */
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 135, 0, 9), /* neighbour solicitation, from no address */
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, SOURCE),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 7),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, SOURCE + 4),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 5),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, SOURCE + 8),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, SOURCE + 12),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, 0),
    BPF_STMT (BPF_RET | BPF_K, KEEP),
  };
  const struct sock_fprog filter = { .len = G_N_ELEMENTS (code), .filter = code };
  /* it only costs time when it is not there */
  (void) ioctl (tap, TUNATTACHFILTER, &filter);
}

/* open_tap: made, or the one of that name. It stays when its descriptor is closed, for the next server, and goes with its namespace. */
static int
open_tap (int socket, const SlirpNetwork *network, int *ret_tap, int *ret_index)
{
  struct ifreq request;
  int tap = open ("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (tap < 0)
    return -errno;
  memset (&request, 0, sizeof request);
  memcpy (request.ifr_name, network->name, sizeof network->name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  int r = ioctl (tap, TUNSETIFF, &request);
  if (r == 0)
    {
      mute_housekeeping (tap);
      r = ioctl (tap, TUNSETPERSIST, 1);
    }
  if (r == 0)
    r = ioctl (socket, SIOCGIFINDEX, &request);
  if (r < 0)
    {
      r = -errno;
      fd_close (tap);
      return r;
    }
  *ret_tap = tap;
  *ret_index = request.ifr_ifindex;
  return 0;
}

/* attach: @fresh: it has no addresses yet. */
static int
attach (int socket_fd, const SlirpNetwork *network, int fresh)
{
  int index = 0;
  cleanup_fd int tap = -1;
  cleanup_fd int netlink = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (netlink < 0)
    return -errno;
  int r = open_tap (netlink, network, &tap, &index);
  if (r < 0)
    return r;
  Batch batch = { .size = 0 };
  if (fresh)
    put_link_up (&batch, 1, 0, LOOPBACK);
  if (fresh)
    put_link_up (&batch, index, network->mtu, LINK);
  if (fresh && network->ipv4)
    {
      put_address (&batch, index, AF_INET, network->prefix, &network->address, ADDRESS);
      put_default_route (&batch, index, AF_INET, &network->gateway, ROUTE);
    }
  if (fresh && network->ipv6)
    {
      put_address (&batch, index, AF_INET6, network->prefix6, &network->address6, ADDRESS6);
      put_default_route (&batch, index, AF_INET6, &network->gateway6, ROUTE6);
    }
  r = fresh ? perform (netlink, &batch) : 0;
  return r < 0 ? r : fd_send (socket_fd, tap);
}

int
slirp_attach_child (int socket, const SlirpNetwork *network)
{
  pace_drop_child ();
  return attach (socket, network, 1);
}

int
slirp_attach_again_child (int socket, const SlirpNetwork *network)
{
  return attach (socket, network, 0);
}

int
slirp_loopback_child (void)
{
  struct ifreq request;
  memset (&request, 0, sizeof request);
  memcpy (request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  cleanup_fd int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -errno;
  return ioctl (fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}
