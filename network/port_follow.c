#include "network/port_follow.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network/port_relay.h"
#include "network/port_route.h"
#include "network/port_serve.h"

#define LOOPBACK_INDEX 1

/* ---- messages */

/* A walk through the answers to one question, or through what is told unasked */
typedef void (*Told) (const struct nlmsghdr *message, void *data);

/* walk: all messages in @bytes. Returns 0, 1 when an answer has come to its end, or -errno. */
static int
walk (const char *bytes, ssize_t size, Told told, void *data)
{
  unsigned left = (unsigned) size;
  for (const struct nlmsghdr *message = (const struct nlmsghdr *) (const void *) bytes; NLMSG_OK (message, left); message = NLMSG_NEXT (message, left))
    {
      if (message->nlmsg_type == NLMSG_DONE)
        return 1;
      if (message->nlmsg_type == NLMSG_ERROR)
        return message->nlmsg_len >= NLMSG_LENGTH (sizeof (struct nlmsgerr)) ? ((const struct nlmsgerr *) NLMSG_DATA (message))->error : -EBADMSG;
      told (message, data);
    }
  return 0;
}

/* ask_all: everything of one kind that the namespace has. 0 or -errno. */
static int
ask_all (int netlink, uint16_t type, Told told, void *data)
{
  struct {
    struct nlmsghdr header;
    struct rtmsg body; /* struct ifaddrmsg begins with the family as well */
  } request = { .header = { .nlmsg_len = sizeof request, .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP }, .body.rtm_family = AF_UNSPEC };
  char bytes[16384] __attribute__ ((aligned (8)));
  if (send (netlink, &request, sizeof request, 0) < 0)
    return -errno;
  for (;;)
    {
      ssize_t n = recv (netlink, bytes, sizeof bytes, 0);
      if (n < 0 && errno == EINTR)
        continue;
      int r = n < 0 ? -errno : walk (bytes, n, told, data);
      if (r != 0)
        return r < 0 ? r : 0;
    }
}

/* attributes: those up to @most, by number. */
static void
attributes (const struct nlmsghdr *message, size_t body, unsigned most, const struct rtattr **ret)
{
  memset (ret, 0, (most + 1) * sizeof *ret);
  if (message->nlmsg_len < NLMSG_LENGTH (body))
    return;
  int left = (int) (message->nlmsg_len - NLMSG_LENGTH (body));
  for (const struct rtattr *at = (const struct rtattr *) (const void *) ((const char *) NLMSG_DATA (message) + NLMSG_ALIGN (body)); RTA_OK (at, left); at = RTA_NEXT (at, left))
    if (at->rta_type <= most)
      ret[at->rta_type] = at;
}

static uint32_t
number_of (const struct rtattr *attribute)
{
  uint32_t number = 0;
  if (attribute != NULL && RTA_PAYLOAD (attribute) == sizeof number)
    memcpy (&number, RTA_DATA (attribute), sizeof number);
  return number;
}

/* ---- what changes */

int
port_follow_open (void)
{
  const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE };
  int netlink = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (netlink < 0)
    return -errno;
  if (bind (netlink, (const struct sockaddr *) &address, sizeof address) == 0)
    return netlink;
  int r = -errno;
  (void) close (netlink);
  return r;
}

/* route_table: of a message about a route. */
static uint32_t
route_table (const struct nlmsghdr *message, const struct rtattr **all)
{
  return all[RTA_TABLE] != NULL ? number_of (all[RTA_TABLE]) : ((const struct rtmsg *) NLMSG_DATA (message))->rtm_table;
}

static void
note_change (const struct nlmsghdr *message, void *data)
{
  bool *changed = data;
  const struct rtattr *all[RTA_TABLE + 1];
  if (message->nlmsg_type != RTM_NEWROUTE && message->nlmsg_type != RTM_DELROUTE)
    {
      *changed = true;
      return;
    }
  attributes (message, sizeof (struct rtmsg), RTA_TABLE, all);
  *changed = *changed || route_table (message, all) != PORT_ROUTES_UDP;
}

bool
port_follow_drain (int netlink)
{
  char bytes[16384] __attribute__ ((aligned (8)));
  bool changed = false;
  for (;;)
    {
      ssize_t n = recv (netlink, bytes, sizeof bytes, 0);
      if (n >= 0)
        (void) walk (bytes, n, note_change, &changed);
      else if (errno == EAGAIN)
        return changed;
      else if (errno != EINTR)
        changed = true; /* ENOBUFS: it was more than the socket holds */
    }
}

/* ---- what there is */

/* The first address of a family, or @wanted's, once it was seen */
typedef struct {
  int family;
  size_t size;
  unsigned char wanted[16], found[16];
  unsigned prefix;
  int index; /* of found's interface; 0: none yet */
  bool kept; /* @wanted is there */
  unsigned char gateway[16];
} Search;

static void
note_address (const struct nlmsghdr *message, void *data)
{
  Search *search = data;
  const struct ifaddrmsg *body = NLMSG_DATA (message);
  const struct rtattr *all[IFA_FLAGS + 1];
  if (message->nlmsg_type != RTM_NEWADDR || message->nlmsg_len < NLMSG_LENGTH (sizeof *body))
    return;
  attributes (message, sizeof *body, IFA_FLAGS, all);
  const struct rtattr *own = all[IFA_LOCAL] != NULL ? all[IFA_LOCAL] : all[IFA_ADDRESS];
  uint32_t flags = all[IFA_FLAGS] != NULL ? number_of (all[IFA_FLAGS]) : body->ifa_flags;
  for (int i = 0; i < 2; i++)
    {
      Search *of = &search[i];
      if (body->ifa_family != of->family || own == NULL || RTA_PAYLOAD (own) != of->size)
        continue;
      if (memcmp (RTA_DATA (own), of->wanted, of->size) == 0)
        of->kept = true;
      if (body->ifa_index == LOOPBACK_INDEX || body->ifa_scope != RT_SCOPE_UNIVERSE || flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_SECONDARY)
          || (of->index != 0 && of->index <= (int) body->ifa_index))
        continue;
      of->index = (int) body->ifa_index;
      of->prefix = body->ifa_prefixlen;
      memcpy (of->found, RTA_DATA (own), of->size);
    }
}

static void
note_gateway (const struct nlmsghdr *message, void *data)
{
  Search *search = data;
  const struct rtmsg *body = NLMSG_DATA (message);
  const struct rtattr *all[RTA_TABLE + 1];
  if (message->nlmsg_type != RTM_NEWROUTE || message->nlmsg_len < NLMSG_LENGTH (sizeof *body) || body->rtm_dst_len != 0)
    return;
  attributes (message, sizeof *body, RTA_TABLE, all);
  for (int i = 0; i < 2; i++)
    if (body->rtm_family == search[i].family && all[RTA_GATEWAY] != NULL && RTA_PAYLOAD (all[RTA_GATEWAY]) == search[i].size && route_table (message, all) == RT_TABLE_MAIN
        && search[i].index != 0 && (int) number_of (all[RTA_OIF]) == search[i].index)
      memcpy (search[i].gateway, RTA_DATA (all[RTA_GATEWAY]), search[i].size);
}

/* usual_gateway: where no route tells of one: the first address of the network, which is nobody else's. */
static void
usual_gateway (Search *search)
{
  static const unsigned char none[16];
  unsigned char address[16];
  if (search->index == 0 || search->prefix > 8 * search->size - 2 || memcmp (search->gateway, none, search->size) != 0)
    return;
  for (unsigned i = 0; i < search->size; i++)
    address[i] = search->prefix >= 8 * i + 8 ? search->found[i] : search->prefix <= 8 * i ? 0
                                                                                          : search->found[i] & (unsigned char) (0xff << (8 * i + 8 - search->prefix));
  address[search->size - 1] |= 1;
  if (memcmp (address, search->found, search->size) != 0)
    memcpy (search->gateway, address, search->size);
}

bool
port_follow_find (int netlink, const PortTarget *first, PortTarget *ret_target)
{
  Search search[2] = { { .family = AF_INET, .size = 4 }, { .family = AF_INET6, .size = 16 } };
  memcpy (search[0].wanted, &first->address4, 4);
  memcpy (search[1].wanted, &first->address6, 16);
  if (ask_all (netlink, RTM_GETADDR, note_address, search) < 0 || ((!search[0].kept || !search[1].kept) && ask_all (netlink, RTM_GETROUTE, note_gateway, search) < 0))
    return false;
  PortTarget target = *first;
  usual_gateway (&search[0]);
  usual_gateway (&search[1]);
  if (!search[0].kept)
    {
      memcpy (&target.address4, search[0].found, 4);
      memcpy (&target.gateway4, search[0].gateway, 4);
    }
  if (!search[1].kept)
    {
      memcpy (&target.address6, search[1].found, 16);
      memcpy (&target.gateway6, search[1].gateway, 16);
    }
  *ret_target = target;
  return true;
}

/* ---- the server's part */

typedef struct Follow Follow;
struct Follow {
  Watch watch;
  Server *server;
  int netlink, asks;
  bool stale;
};

static void
follow_event (Watch *watch, uint32_t events)
{
  Follow *follow = (Follow *) (void *) watch;
  (void) events;
  if (!port_follow_drain (follow->netlink))
    return;
  follow->stale = true;
  port_follow_look (follow->server);
}

/* has_gone: there was an address, and there is another now, or none. */
static bool
has_gone (const void *before, const void *now, size_t size)
{
  static const unsigned char none[16];
  return memcmp (before, none, size) != 0 && memcmp (before, now, size) != 0;
}

void
port_follow_look (Server *server)
{
  PortTarget now;
  Follow *follow = server->follow;
  if (follow == NULL || !follow->stale || !port_follow_find (follow->asks, &server->table->target, &now))
    return;
  follow->stale = false;
  if (memcmp (&now, &server->target, sizeof now) == 0)
    return;
  bool moved = has_gone (&server->target.address4, &now.address4, 4) || has_gone (&server->target.address6, &now.address6, 16);
  server->target = now;
  if (!moved)
    return;
  port_udp_end (server);
  port_relay_end_all ();
}

bool
port_server_follow (Server *server, int netlink, int asks)
{
  Follow *follow = calloc (1, sizeof *follow);
  if (follow == NULL)
    return false;
  *follow = (Follow) { .watch.call = follow_event, .server = server, .netlink = netlink, .asks = asks, .stale = true };
  server->follow = follow;
  port_follow_look (server);
  return port_loop_add (&server->loop, netlink, EPOLLIN, &follow->watch) == 0;
}
