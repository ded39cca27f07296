#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network/pace.h"
#include "network/port_route.h"
#include "network/port_table.h"
#include "pkg/base/fd.h"

/* Before all of the container's own rules but "local" */
#define PRIORITY 100
#define LOOPBACK_INDEX 1

/* One request and its answer at a time */
typedef struct {
  struct nlmsghdr header;
  char data[256];
} Request;

static void
attribute (Request *request, uint16_t type, const void *data, size_t size)
{
  struct rtattr *header = (struct rtattr *) ((char *) request + NLMSG_ALIGN (request->header.nlmsg_len));
  header->rta_type = type;
  header->rta_len = (uint16_t) RTA_LENGTH (size);
  memcpy (RTA_DATA (header), data, size);
  request->header.nlmsg_len = NLMSG_ALIGN (request->header.nlmsg_len) + RTA_ALIGN (header->rta_len);
}

static void
attribute_number (Request *request, uint16_t type, uint32_t number)
{
  attribute (request, type, &number, sizeof number);
}

static void *
begin (Request *request, uint16_t type, uint16_t flags, size_t size)
{
  memset (request, 0, sizeof *request);
  request->header.nlmsg_len = (uint32_t) NLMSG_LENGTH (size);
  request->header.nlmsg_type = type;
  request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
  return NLMSG_DATA (&request->header);
}

/* ask: 0 or the kernel's -errno. */
static int
ask (int netlink, const Request *request)
{
  struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
  union {
    struct nlmsghdr header;
    char bytes[1024];
  } answer;
  if (sendto (netlink, request, request->header.nlmsg_len, 0, (struct sockaddr *) &kernel, sizeof kernel) < 0)
    return -errno;
  ssize_t n;
  do
    n = recv (netlink, &answer, sizeof answer, 0);
  while (n < 0 && errno == EINTR);
  if (n < (ssize_t) NLMSG_LENGTH (sizeof (struct nlmsgerr)))
    return n < 0 ? -errno : -EBADMSG;
  return answer.header.nlmsg_type == NLMSG_ERROR ? ((struct nlmsgerr *) NLMSG_DATA (&answer.header))->error : -EBADMSG;
}

int
port_route_open (void)
{
  int netlink = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  return netlink < 0 ? -errno : netlink;
}

/* put_local_route: all of, or one address of, a family is here: what goes there is delivered to whoever has a socket of that address. */
static int
put_local_route (int netlink, uint16_t type, int family, uint32_t table, const void *address, const void *source)
{
  Request request;
  unsigned char size = family == AF_INET ? 4 : 16;
  struct rtmsg *route = begin (&request, type, type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof *route);
  route->rtm_family = (unsigned char) family;
  route->rtm_dst_len = address != NULL ? size * 8 : 0;
  route->rtm_table = RT_TABLE_UNSPEC;
  route->rtm_protocol = RTPROT_STATIC;
  route->rtm_scope = family == AF_INET ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
  route->rtm_type = RTN_LOCAL;
  attribute_number (&request, RTA_TABLE, table);
  attribute_number (&request, RTA_OIF, LOOPBACK_INDEX);
  if (address != NULL)
    attribute (&request, RTA_DST, address, size);
  if (source != NULL)
    attribute (&request, RTA_PREFSRC, source, size);
  return ask (netlink, &request);
}

int
port_route_client (int netlink, bool add, int family, const void *client, const void *own)
{
  return put_local_route (netlink, add ? RTM_NEWROUTE : RTM_DELROUTE, family, PORT_ROUTES_UDP, client, add ? own : NULL);
}

static struct fib_rule_hdr *
begin_rule (Request *request, int family, uint32_t priority, uint32_t table)
{
  struct fib_rule_hdr *rule = begin (request, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sizeof *rule);
  rule->family = (uint8_t) family;
  rule->action = FR_ACT_TO_TBL;
  attribute_number (request, FRA_TABLE, table);
  attribute_number (request, FRA_PRIORITY, priority);
  return rule;
}

/* put_mark_rule: replies of connections carry the mark that their SYN had (tcp_fwmark_accept). */
static int
put_mark_rule (int netlink, int family)
{
  Request request;
  (void) begin_rule (&request, family, PRIORITY, PORT_ROUTES);
  attribute_number (&request, FRA_FWMARK, PORT_MARK);
  int r = ask (netlink, &request);
  if (r < 0 && r != -EEXIST)
    return r;
  return put_local_route (netlink, RTM_NEWROUTE, family, PORT_ROUTES, NULL, NULL);
}

/* put_udp_rule: datagrams have no mark: what comes from the published port, and goes to a client we know of, is a reply; all else from that port goes its way. */
static int
put_udp_rule (int netlink, int family, uint16_t port)
{
  Request request;
  const struct fib_rule_port_range range = { port, port };
  const uint8_t protocol = IPPROTO_UDP;
  (void) begin_rule (&request, family, PRIORITY + 1, PORT_ROUTES_UDP);
  attribute (&request, FRA_IP_PROTO, &protocol, sizeof protocol);
  attribute (&request, FRA_SPORT_RANGE, &range, sizeof range);
  int r = ask (netlink, &request);
  return r == -EEXIST ? 0 : r;
}

static bool
write_word (const char *path, const char *word)
{
  const size_t size = strlen (word);
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  bool done = fd >= 0 && write (fd, word, size) == (ssize_t) size;
  fd_close (fd);
  return done;
}

static int
put_family (int netlink, const PortTable *table, int family, bool marks)
{
  int found = 0;
  bool udp = false, refused = false;
  for (uint32_t i = 0; i < table->n; i++)
    if (table->entries[i].udp)
      {
        udp = true;
        refused = refused || put_udp_rule (netlink, family, table->entries[i].container_port) < 0;
      }
  bool marked = marks && put_mark_rule (netlink, family) == 0;
  if (marked)
    found |= family == AF_INET ? PORT_TRANSPARENT4 : PORT_TRANSPARENT6;
  if (marked && udp && !refused)
    found |= family == AF_INET ? PORT_TRANSPARENT_UDP4 : PORT_TRANSPARENT_UDP6;
  return found;
}

int
port_rules_child (const PortTable *table)
{
  cleanup_fd int netlink = port_route_open ();
  if (netlink < 0)
    return 0;
  pace_drop_child ();
  /* what is refused (nobody listens) must find back as well, or the client would wait: fwmark_reflect */
  bool marks = write_word ("/proc/sys/net/ipv4/tcp_fwmark_accept", "1");
  bool marks4 = marks && write_word ("/proc/sys/net/ipv4/fwmark_reflect", "1"), marks6 = marks && write_word ("/proc/sys/net/ipv6/fwmark_reflect", "1");
  return put_family (netlink, table, AF_INET, marks4) | put_family (netlink, table, AF_INET6, marks6);
}
