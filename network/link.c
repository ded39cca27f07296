#include "network/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

enum { MESSAGE_MAX = 4096 };
/* Since Linux 6.3, not in older headers: linux/if_link.h IFLA_MACVLAN_BC_CUTOFF */
enum { MACVLAN_BC_CUTOFF = 9 };

struct LinkSocket {
  struct mnl_socket *mnl;
  unsigned sequence;
};

LinkSocket *
link_open (void)
{
  struct mnl_socket *mnl = mnl_socket_open2 (NETLINK_ROUTE, SOCK_CLOEXEC);
  if (mnl == NULL)
    return NULL;
  if (mnl_socket_bind (mnl, 0, MNL_SOCKET_AUTOPID) < 0)
    {
      (void) mnl_socket_close (mnl);
      return NULL;
    }
  LinkSocket *socket = g_new0 (LinkSocket, 1);
  socket->mnl = mnl;
  return socket;
}

void
link_close (LinkSocket *socket)
{
  if (socket == NULL)
    return;
  (void) mnl_socket_close (socket->mnl);
  g_free (socket);
}

/* ask: send @message and wait for its answer, which @read, if not NULL, is called with. 0 or -errno. */
static int
ask (LinkSocket *socket, struct nlmsghdr *message, mnl_cb_t read, void *data)
{
  char buffer[16384] __attribute__ ((aligned (8)));
  unsigned port = mnl_socket_get_portid (socket->mnl);
  message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
  message->nlmsg_seq = ++socket->sequence;
  if (mnl_socket_sendto (socket->mnl, message, message->nlmsg_len) < 0)
    return -errno;
  for (;;)
    {
      ssize_t n = mnl_socket_recvfrom (socket->mnl, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -errno;
      int r = mnl_cb_run (buffer, (size_t) n, socket->sequence, port, read, data);
      if (r < 0)
        return -errno;
      if (r == MNL_CB_STOP)
        return 0;
    }
}

static struct nlmsghdr *
begin_link (void *buffer, uint16_t type, uint16_t flags, int index, unsigned up)
{
  struct nlmsghdr *message = mnl_nlmsg_put_header (buffer);
  message->nlmsg_type = type;
  message->nlmsg_flags = flags;
  struct ifinfomsg *link = mnl_nlmsg_put_extra_header (message, sizeof *link);
  link->ifi_family = AF_UNSPEC;
  link->ifi_index = index;
  link->ifi_flags = link->ifi_change = up;
  return message;
}

static int
read_index (const struct nlmsghdr *message, void *data)
{
  const struct ifinfomsg *link = mnl_nlmsg_get_payload (message);
  if (message->nlmsg_type == RTM_NEWLINK)
    *(int *) data = link->ifi_index;
  return MNL_CB_OK;
}

int
link_index (LinkSocket *socket, const char *name)
{
  char buffer[MESSAGE_MAX] __attribute__ ((aligned (8)));
  int index = 0;
  struct nlmsghdr *message = begin_link (buffer, RTM_GETLINK, 0, 0, 0);
  mnl_attr_put_strz (message, IFLA_IFNAME, name);
  int r = ask (socket, message, read_index, &index);
  return r < 0 ? r : index;
}

int
link_set_up (LinkSocket *socket, int index)
{
  char buffer[MESSAGE_MAX] __attribute__ ((aligned (8)));
  return ask (socket, begin_link (buffer, RTM_NEWLINK, 0, index, IFF_UP), NULL, NULL);
}

int
link_delete (LinkSocket *socket, int index)
{
  char buffer[MESSAGE_MAX] __attribute__ ((aligned (8)));
  return ask (socket, begin_link (buffer, RTM_DELLINK, 0, index, 0), NULL, NULL);
}

int
link_bridge (LinkSocket *socket, const char *name, const uint8_t mac[6], uint32_t mtu, bool vlan_filtering)
{
  char buffer[MESSAGE_MAX] __attribute__ ((aligned (8)));
  struct nlmsghdr *message = begin_link (buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, IFF_UP);
  mnl_attr_put_strz (message, IFLA_IFNAME, name);
  mnl_attr_put (message, IFLA_ADDRESS, 6, mac);
  if (mtu > 0)
    mnl_attr_put_u32 (message, IFLA_MTU, mtu);
  struct nlattr *info = mnl_attr_nest_start (message, IFLA_LINKINFO);
  mnl_attr_put_strz (message, IFLA_INFO_KIND, "bridge");
  struct nlattr *data = mnl_attr_nest_start (message, IFLA_INFO_DATA);
  if (vlan_filtering)
    mnl_attr_put_u8 (message, IFLA_BR_VLAN_FILTERING, 1);
  mnl_attr_nest_end (message, data);
  mnl_attr_nest_end (message, info);
  return ask (socket, message, NULL, NULL);
}

static struct nlmsghdr *
veth_message (const LinkVeth *veth, void *buffer)
{
  struct nlmsghdr *message = begin_link (buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, IFF_UP);
  mnl_attr_put_strz (message, IFLA_IFNAME, veth->name);
  if (veth->mtu > 0)
    mnl_attr_put_u32 (message, IFLA_MTU, veth->mtu);
  if (veth->master > 0)
    mnl_attr_put_u32 (message, IFLA_MASTER, (uint32_t) veth->master);
  struct nlattr *info = mnl_attr_nest_start (message, IFLA_LINKINFO);
  mnl_attr_put_strz (message, IFLA_INFO_KIND, "veth");
  struct nlattr *data = mnl_attr_nest_start (message, IFLA_INFO_DATA);
  struct nlattr *peer = mnl_attr_nest_start (message, VETH_INFO_PEER);
  struct ifinfomsg *link = mnl_nlmsg_put_extra_header (message, sizeof *link);
  link->ifi_family = AF_UNSPEC;
  mnl_attr_put_strz (message, IFLA_IFNAME, veth->peer_name);
  mnl_attr_put (message, IFLA_ADDRESS, 6, veth->peer_mac);
  mnl_attr_put_u32 (message, IFLA_NET_NS_FD, (uint32_t) veth->peer_ns);
  if (veth->mtu > 0)
    mnl_attr_put_u32 (message, IFLA_MTU, veth->mtu);
  mnl_attr_nest_end (message, peer);
  mnl_attr_nest_end (message, data);
  mnl_attr_nest_end (message, info);
  return message;
}

size_t
link_veth_message (const LinkVeth *veth, void *buffer, size_t size)
{
  char own[MESSAGE_MAX] __attribute__ ((aligned (8)));
  const struct nlmsghdr *message = veth_message (veth, own);
  if (message->nlmsg_len <= size)
    memcpy (buffer, own, message->nlmsg_len);
  return message->nlmsg_len;
}

int
link_veth (LinkSocket *socket, const LinkVeth *veth)
{
  char buffer[MESSAGE_MAX] __attribute__ ((aligned (8)));
  return ask (socket, veth_message (veth, buffer), NULL, NULL);
}

int
link_upper (LinkSocket *socket, const LinkUpper *upper)
{
  char buffer[MESSAGE_MAX] __attribute__ ((aligned (8)));
  gboolean mac = strcmp (upper->kind, "macvlan") == 0;
  struct nlmsghdr *message = begin_link (buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, 0);
  mnl_attr_put_strz (message, IFLA_IFNAME, upper->name);
  mnl_attr_put_u32 (message, IFLA_LINK, (uint32_t) upper->parent);
  mnl_attr_put_u32 (message, IFLA_NET_NS_FD, (uint32_t) upper->ns);
  if (mac)
    mnl_attr_put (message, IFLA_ADDRESS, 6, upper->mac);
  if (upper->mtu > 0)
    mnl_attr_put_u32 (message, IFLA_MTU, upper->mtu);
  struct nlattr *info = mnl_attr_nest_start (message, IFLA_LINKINFO);
  mnl_attr_put_strz (message, IFLA_INFO_KIND, upper->kind);
  struct nlattr *data = mnl_attr_nest_start (message, IFLA_INFO_DATA);
  if (mac)
    mnl_attr_put_u32 (message, IFLA_MACVLAN_MODE, upper->mode);
  else
    mnl_attr_put_u16 (message, IFLA_IPVLAN_MODE, (uint16_t) upper->mode);
  if (mac && upper->bclim != INT32_MIN)
    mnl_attr_put_u32 (message, MACVLAN_BC_CUTOFF, (uint32_t) (int32_t) upper->bclim);
  mnl_attr_nest_end (message, data);
  mnl_attr_nest_end (message, info);
  return ask (socket, message, NULL, NULL);
}

/* read_default: of a dump of routes: the device of the first one to everywhere. */
static int
read_default (const struct nlmsghdr *message, void *data)
{
  const struct rtmsg *route = mnl_nlmsg_get_payload (message);
  const struct nlattr *attribute;
  int *index = data;
  if (message->nlmsg_type != RTM_NEWROUTE || route->rtm_dst_len != 0 || route->rtm_table != RT_TABLE_MAIN || *index != 0)
    return MNL_CB_OK;
  mnl_attr_for_each (attribute, message, sizeof *route)
    if (mnl_attr_get_type (attribute) == RTA_OIF)
      *index = (int) mnl_attr_get_u32 (attribute);
  return MNL_CB_OK;
}

int
link_default (LinkSocket *socket)
{
  char buffer[MESSAGE_MAX] __attribute__ ((aligned (8)));
  int index = 0;
  struct nlmsghdr *message = mnl_nlmsg_put_header (buffer);
  message->nlmsg_type = RTM_GETROUTE;
  message->nlmsg_flags = NLM_F_DUMP;
  struct rtmsg *route = mnl_nlmsg_put_extra_header (message, sizeof *route);
  route->rtm_family = AF_INET;
  int r = ask (socket, message, read_default, &index);
  return r < 0 ? r : index > 0 ? index : -ENODEV;
}

int
link_vlan (LinkSocket *socket, int index, uint16_t id)
{
  char buffer[MESSAGE_MAX] __attribute__ ((aligned (8)));
  struct nlmsghdr *message = begin_link (buffer, RTM_SETLINK, 0, index, 0);
  ((struct ifinfomsg *) mnl_nlmsg_get_payload (message))->ifi_family = AF_BRIDGE;
  struct nlattr *spec = mnl_attr_nest_start (message, IFLA_AF_SPEC);
  const struct bridge_vlan_info info = { .flags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED, .vid = id };
  mnl_attr_put (message, IFLA_BRIDGE_VLAN_INFO, sizeof info, &info);
  mnl_attr_nest_end (message, spec);
  return ask (socket, message, NULL, NULL);
}

int
link_add_address (LinkSocket *socket, int index, const NetAddress *address, unsigned prefix)
{
  char buffer[MESSAGE_MAX] __attribute__ ((aligned (8)));
  struct nlmsghdr *message = mnl_nlmsg_put_header (buffer);
  message->nlmsg_type = RTM_NEWADDR;
  message->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
  struct ifaddrmsg *entry = mnl_nlmsg_put_extra_header (message, sizeof *entry);
  entry->ifa_family = address->size == 4 ? AF_INET : AF_INET6;
  entry->ifa_prefixlen = (uint8_t) prefix;
  /* it was given to one alone: nobody else need be asked */
  entry->ifa_flags = address->size == 16 ? IFA_F_NODAD : 0;
  entry->ifa_index = (uint32_t) index;
  mnl_attr_put (message, IFA_LOCAL, address->size, address->bytes);
  mnl_attr_put (message, IFA_ADDRESS, address->size, address->bytes);
  if (address->size == 4 && prefix < 31)
    {
      NetSubnet subnet = { *address, (uint8_t) prefix };
      NetAddress last;
      net_subnet_last (&subnet, &last);
      mnl_attr_put (message, IFA_BROADCAST, 4, last.bytes);
    }
  return ask (socket, message, NULL, NULL);
}

int
link_add_route (LinkSocket *socket, const NetSubnet *destination, const NetAddress *gateway, int index, uint32_t metric)
{
  char buffer[MESSAGE_MAX] __attribute__ ((aligned (8)));
  struct nlmsghdr *message = mnl_nlmsg_put_header (buffer);
  message->nlmsg_type = RTM_NEWROUTE;
  message->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
  struct rtmsg *route = mnl_nlmsg_put_extra_header (message, sizeof *route);
  route->rtm_family = gateway->size == 4 ? AF_INET : AF_INET6;
  route->rtm_dst_len = destination != NULL ? destination->prefix : 0;
  route->rtm_table = RT_TABLE_MAIN;
  route->rtm_protocol = RTPROT_STATIC;
  route->rtm_scope = RT_SCOPE_UNIVERSE;
  route->rtm_type = RTN_UNICAST;
  if (destination != NULL)
    mnl_attr_put (message, RTA_DST, destination->base.size, destination->base.bytes);
  mnl_attr_put (message, RTA_GATEWAY, gateway->size, gateway->bytes);
  if (index > 0)
    mnl_attr_put_u32 (message, RTA_OIF, (uint32_t) index);
  if (metric > 0)
    mnl_attr_put_u32 (message, RTA_PRIORITY, metric);
  return ask (socket, message, NULL, NULL);
}
