/* Datagrams: for each client a socket inside, which has its address and is connected to the container's port: what comes back on it is for that client. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network/port_route.h"
#include "network/port_serve.h"

/* At one time, over all ports: the one that has been silent longest goes. A flood of made-up addresses gets no further */
#define CLIENTS_MAX 4096
#define BUCKETS 1024
/* Silence after which a client is forgotten; once it was answered it is a conversation. As the kernel's own connection tracking has it: nf_conntrack_udp_timeout(_stream) */
#define ALONE_MS 30000
#define TALKING_MS 120000
#define BURST 64
#define DATAGRAM 65536

typedef struct Client Client;
struct Client {
  Grave grave; /* first */
  Watch watch;
  Listener *listener;
  Client *next;          /* of the bucket */
  Client *older, *newer; /* by the last datagram */
  struct sockaddr_storage from;
  socklen_t from_size;
  union {
    struct in_pktinfo v4;
    struct in6_pktinfo v6;
  } to;         /* the host's address that the client knows */
  Place source; /* who it is inside; size 0: nobody in particular */
  uint64_t last;
  int fd;
  bool answered, routed, moved;
};

typedef struct Clients {
  Client *buckets[BUCKETS];
  Client *oldest, *newest;
  unsigned n;
} Clients;

static char datagram[DATAGRAM];

/* ---- the table */

static size_t
address_of (const struct sockaddr_storage *from, const void **ret)
{
  if (from->ss_family == AF_INET)
    return *ret = &((const struct sockaddr_in *) from)->sin_addr, 4;
  return *ret = &((const struct sockaddr_in6 *) from)->sin6_addr, 16;
}

static uint16_t
port_of (const struct sockaddr_storage *from)
{
  return from->ss_family == AF_INET ? ((const struct sockaddr_in *) from)->sin_port : ((const struct sockaddr_in6 *) from)->sin6_port;
}

static unsigned
bucket_of (const Listener *listener, const struct sockaddr_storage *from)
{
  const void *address;
  size_t size = address_of (from, &address);
  uint32_t hash = 2166136261u ^ (uint32_t) listener->fd;
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ ((const unsigned char *) address)[i]) * 16777619u;
  hash = (hash ^ port_of (from)) * 16777619u;
  return (hash ^ hash >> 16) % BUCKETS;
}

static bool
same (const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
  const void *one, *other;
  size_t size = address_of (a, &one);
  return a->ss_family == b->ss_family && port_of (a) == port_of (b) && address_of (b, &other) == size && memcmp (one, other, size) == 0;
}

static void
unlink_age (Clients *clients, Client *client)
{
  *(client->older != NULL ? &client->older->newer : &clients->oldest) = client->newer;
  *(client->newer != NULL ? &client->newer->older : &clients->newest) = client->older;
}

static void
link_newest (Clients *clients, Client *client)
{
  client->older = clients->newest;
  client->newer = NULL;
  *(clients->newest != NULL ? &clients->newest->newer : &clients->oldest) = client;
  clients->newest = client;
}

static void
touch (Client *client)
{
  Server *server = client->listener->server;
  client->last = server->loop.now_ms;
  if (server->clients->newest == client)
    return;
  unlink_age (server->clients, client);
  link_newest (server->clients, client);
}

/* shares_route: does another client have this address? */
static bool
shares_route (const Clients *clients, const Client *client)
{
  const void *one, *other;
  size_t size = address_of (&client->source.address, &one);
  for (const Client *at = clients->oldest; at != NULL; at = at->newer)
    if (at != client && at->routed && address_of (&at->source.address, &other) == size && memcmp (one, other, size) == 0)
      return true;
  return false;
}

static void
client_end (Client *client)
{
  Server *server = client->listener->server;
  Clients *clients = server->clients;
  const void *address;
  for (Client **at = &clients->buckets[bucket_of (client->listener, &client->from)]; *at != NULL; at = &(*at)->next)
    if (*at == client)
      {
        *at = client->next;
        break;
      }
  unlink_age (clients, client);
  clients->n--;
  port_loop_tick_end (&server->loop);
  if (client->routed && !shares_route (clients, client))
    {
      (void) address_of (&client->source.address, &address);
      (void) port_route_client (server->netlink, false, client->source.address.ss_family, address, NULL);
    }
  (void) close (client->fd);
  client->fd = -1;
  port_loop_bury (&server->loop, &client->grave, NULL);
  port_serve_resume (server);
}

void
port_udp_expire (Server *server)
{
  Clients *clients = server->clients;
  Client *next;
  for (Client *client = clients != NULL ? clients->oldest : NULL; client != NULL; client = next)
    {
      uint64_t silent = server->loop.now_ms - client->last;
      next = client->newer;
      if (silent < ALONE_MS)
        break;
      if (silent >= (client->answered ? TALKING_MS : ALONE_MS))
        client_end (client);
    }
}

void
port_udp_end (Server *server)
{
  while (server->clients != NULL && server->clients->oldest != NULL)
    client_end (server->clients->oldest);
}

/* ---- answers */

/* send_back: from the very address that the client sent to. */
static void
send_back (Client *client, size_t size)
{
  bool v4 = client->from.ss_family == AF_INET;
  union {
    char bytes[CMSG_SPACE (sizeof (struct in6_pktinfo))];
    struct cmsghdr align;
  } control;
  struct iovec data = { .iov_base = datagram, .iov_len = size };
  struct msghdr message = { .msg_name = &client->from, .msg_namelen = client->from_size, .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = v4 ? CMSG_SPACE (sizeof client->to.v4) : CMSG_SPACE (sizeof client->to.v6) };
  memset (&control, 0, sizeof control);
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  header->cmsg_level = v4 ? SOL_IP : SOL_IPV6;
  header->cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO;
  header->cmsg_len = v4 ? CMSG_LEN (sizeof client->to.v4) : CMSG_LEN (sizeof client->to.v6);
  memcpy (CMSG_DATA (header), &client->to, v4 ? sizeof client->to.v4 : sizeof client->to.v6);
  (void) sendmsg (client->listener->fd, &message, MSG_DONTWAIT);
}

static bool move_family (Client *client);

static void
read_answers (Watch *watch, uint32_t events)
{
  Client *client = (Client *) ((char *) watch - offsetof (Client, watch));
  (void) events;
  for (int i = 0; i < BURST && client->fd >= 0; i++)
    {
      ssize_t n = recv (client->fd, datagram, sizeof datagram, 0);
      if (n < 0 && errno == ECONNREFUSED && !client->answered && !client->moved && move_family (client))
        continue;
      if (n < 0)
        break;
      client->answered = true;
      touch (client);
      send_back (client, (size_t) n);
    }
}

/* ---- clients */

/* open_inner: the client's socket inside. */
static int
open_inner (Client *client, int family)
{
  Server *server = client->listener->server;
  const PortTarget *own = &server->target;
  const void *address;
  Place target;
  if (!port_place_of (server, &client->from, family, client->listener->port, &client->source, &target))
    return -1;
  bool v4 = target.address.ss_family == AF_INET;
  int fd = socket (target.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  client->routed = false;
  if (client->source.size > 0 && server->flags & (v4 ? PORT_TRANSPARENT_UDP4 : PORT_TRANSPARENT_UDP6))
    {
      (void) address_of (&client->source.address, &address);
      client->routed = port_route_client (server->netlink, true, target.address.ss_family, address, v4 ? (const void *) &own->address4 : &own->address6) == 0;
      if (client->routed)
        port_place_bind (server, fd, &client->source, true);
    }
  if (connect (fd, (const struct sockaddr *) &target.address, target.size) == 0)
    return fd;
  (void) close (fd);
  return -1;
}

/* move_family: nobody listens on the container's address of the client's family: the other one, from the next datagram on. */
static bool
move_family (Client *client)
{
  int family = client->source.address.ss_family == AF_INET6 ? AF_INET : AF_INET6;
  client->moved = true;
  int fd = open_inner (client, family);
  if (fd < 0)
    return false;
  (void) close (client->fd);
  client->fd = fd;
  return port_loop_add (&client->listener->server->loop, fd, EPOLLIN, &client->watch) == 0;
}

static Client *
client_new (Listener *listener, const struct sockaddr_storage *from, socklen_t from_size)
{
  Server *server = listener->server;
  Clients *clients = server->clients;
  if (clients->n >= CLIENTS_MAX)
    client_end (clients->oldest);
  Client *client = calloc (1, sizeof *client);
  if (client == NULL)
    return NULL;
  port_loop_tick_begin (&server->loop);
  *client = (Client) { .watch.call = read_answers, .listener = listener, .from = *from, .from_size = from_size, .last = server->loop.now_ms };
  client->fd = open_inner (client, 0);
  if (client->fd < 0 && errno == EMFILE && clients->oldest != NULL)
    {
      client_end (clients->oldest);
      client->fd = open_inner (client, 0);
    }
  if (client->fd < 0 || port_loop_add (&server->loop, client->fd, EPOLLIN, &client->watch) < 0)
    {
      if (client->fd >= 0)
        (void) close (client->fd);
      free (client);
      port_loop_tick_end (&server->loop);
      return NULL;
    }
  Client **bucket = &clients->buckets[bucket_of (listener, from)];
  client->next = *bucket;
  *bucket = client;
  link_newest (clients, client);
  clients->n++;
  return client;
}

static Client *
client_of (Listener *listener, const struct sockaddr_storage *from, socklen_t size)
{
  for (Client *client = listener->server->clients->buckets[bucket_of (listener, from)]; client != NULL; client = client->next)
    if (client->listener == listener && same (&client->from, from))
      return client;
  return client_new (listener, from, size);
}

/* note_destination: the address that the client knows us by. */
static void
note_destination (Client *client, struct msghdr *message)
{
  for (struct cmsghdr *header = CMSG_FIRSTHDR (message); header != NULL; header = CMSG_NXTHDR (message, header))
    if (header->cmsg_level == SOL_IP && header->cmsg_type == IP_PKTINFO)
      {
        memcpy (&client->to.v4, CMSG_DATA (header), sizeof client->to.v4);
        client->to.v4.ipi_spec_dst = client->to.v4.ipi_addr;
        client->to.v4.ipi_ifindex = 0;
      }
    else if (header->cmsg_level == SOL_IPV6 && header->cmsg_type == IPV6_PKTINFO)
      {
        memcpy (&client->to.v6, CMSG_DATA (header), sizeof client->to.v6);
        if (!IN6_IS_ADDR_LINKLOCAL (&client->to.v6.ipi6_addr))
          client->to.v6.ipi6_ifindex = 0;
      }
}

/* give: one datagram to the container. A refusal of the one before is told by the next call, once. */
static void
give (Client *client, size_t size)
{
  int problem = 0;
  socklen_t length = sizeof problem;
  if (send (client->fd, datagram, size, 0) < 0 && errno == ECONNREFUSED)
    (void) send (client->fd, datagram, size, 0);
  if (client->answered || client->moved)
    return;
  /* over lo it is there at once: a client that is new may be at the wrong one of the container's addresses */
  if (getsockopt (client->fd, SOL_SOCKET, SO_ERROR, &problem, &length) == 0 && problem == ECONNREFUSED && move_family (client))
    (void) send (client->fd, datagram, size, 0);
}

static void
take_datagrams (Watch *watch, uint32_t events)
{
  Listener *listener = (Listener *) ((char *) watch - offsetof (Listener, watch));
  (void) events;
  for (int i = 0; i < BURST; i++)
    {
      struct sockaddr_storage from;
      union {
        char bytes[CMSG_SPACE (sizeof (struct in6_pktinfo)) + CMSG_SPACE (sizeof (struct in_pktinfo))];
        struct cmsghdr align;
      } control;
      struct iovec data = { .iov_base = datagram, .iov_len = sizeof datagram };
      struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
      ssize_t n = recvmsg (listener->fd, &message, 0);
      if (n < 0)
        break;
      port_follow_look (listener->server);
      Client *client = client_of (listener, &from, message.msg_namelen);
      if (client == NULL)
        continue;
      note_destination (client, &message);
      touch (client);
      give (client, (size_t) n);
    }
}

bool
port_udp_listen (Server *server, Listener *listener)
{
  if (server->clients == NULL)
    server->clients = calloc (1, sizeof *server->clients);
  listener->watch.call = take_datagrams;
  return server->clients != NULL && port_loop_add (&server->loop, listener->fd, EPOLLIN, &listener->watch) == 0;
}
