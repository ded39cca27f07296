#include "network/port_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network/port_relay.h"

/* Connections taken before others have their turn */
#define BURST 64

/* ---- who is who */

static bool
is_set (const void *address, size_t size)
{
  static const unsigned char none[16];
  return memcmp (address, none, size) != 0;
}

/* client4: its IPv4 address, also of one that came to an IPv6 socket. */
static bool
client4 (const struct sockaddr_storage *from, struct in_addr *ret, uint16_t *ret_port)
{
  if (from->ss_family == AF_INET)
    {
      const struct sockaddr_in *in = (const struct sockaddr_in *) from;
      *ret = in->sin_addr;
      *ret_port = in->sin_port;
      return true;
    }
  const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) from;
  *ret_port = in6->sin6_port;
  if (!IN6_IS_ADDR_V4MAPPED (&in6->sin6_addr))
    return false;
  memcpy (ret, in6->sin6_addr.s6_addr + 12, sizeof *ret);
  return true;
}

static void
fill4 (Place *place, struct in_addr address, uint16_t port)
{
  struct sockaddr_in *in = (struct sockaddr_in *) &place->address;
  memset (in, 0, sizeof *in);
  in->sin_family = AF_INET;
  in->sin_addr = address;
  in->sin_port = port;
  place->size = sizeof *in;
}

static void
fill6 (Place *place, const struct in6_addr *address, uint16_t port)
{
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &place->address;
  memset (in6, 0, sizeof *in6);
  in6->sin6_family = AF_INET6;
  in6->sin6_addr = *address;
  in6->sin6_port = port;
  place->size = sizeof *in6;
}

bool
port_place_of (const Server *server, const struct sockaddr_storage *from, int family, uint16_t port, Place *ret_source, Place *ret_target)
{
  const PortTarget *target = &server->target;
  struct in_addr address4;
  uint16_t client_port;
  bool is4 = client4 (from, &address4, &client_port), has4 = is_set (&target->address4, 4), has6 = is_set (&target->address6, 16);
  if (family == 0)
    family = (is4 && has4) || !has6 ? AF_INET : AF_INET6;
  ret_source->size = 0;
  if (family == AF_INET ? !has4 : !has6)
    return false;
  if (family == AF_INET)
    {
      fill4 (ret_target, target->address4, htons (port));
      /* the host's loopback is the gateway inside; one of the other family can be nobody else */
      if (!is4 || target->plain || (ntohl (address4.s_addr) >> 24) == 127 || address4.s_addr == target->address4.s_addr)
        address4 = target->gateway4;
      if (is_set (&address4, 4))
        fill4 (ret_source, address4, client_port);
      return true;
    }
  fill6 (ret_target, &target->address6, htons (port));
  const struct in6_addr *address6 = is4 ? &target->gateway6 : &((const struct sockaddr_in6 *) from)->sin6_addr;
  /* an address of one of the host's links means nothing on ours */
  if (target->plain || IN6_IS_ADDR_LOOPBACK (address6) || IN6_IS_ADDR_LINKLOCAL (address6) || IN6_ARE_ADDR_EQUAL (address6, &target->address6))
    address6 = &target->gateway6;
  if (is_set (address6, 16))
    fill6 (ret_source, address6, client_port);
  return true;
}

static void
place_any_port (Place *place)
{
  if (place->address.ss_family == AF_INET)
    ((struct sockaddr_in *) &place->address)->sin_port = 0;
  else
    ((struct sockaddr_in6 *) &place->address)->sin6_port = 0;
}

void
port_place_bind (const Server *server, int fd, const Place *source, bool udp)
{
  static const int on = 1, mark = PORT_MARK;
  bool v4 = source->address.ss_family == AF_INET;
  uint32_t flag = udp ? (v4 ? PORT_TRANSPARENT_UDP4 : PORT_TRANSPARENT_UDP6) : (v4 ? PORT_TRANSPARENT4 : PORT_TRANSPARENT6);
  if (source->size == 0 || !(server->flags & flag))
    return;
  if (setsockopt (fd, v4 ? SOL_IP : SOL_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on, sizeof on) < 0 || setsockopt (fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0)
    return;
  /* the client may have used the port for another of our ports a moment ago */
  (void) setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind (fd, (const struct sockaddr *) &source->address, source->size) == 0)
    return;
  Place other = *source;
  place_any_port (&other);
  (void) bind (fd, (const struct sockaddr *) &other.address, other.size);
}

/* ---- connections */

/* has_spare: whoever is accepted can be served. */
static bool
has_spare (Server *server)
{
  if (server->spare < 0)
    server->spare = fcntl (server->loop.epoll, F_DUPFD_CLOEXEC, 0);
  return server->spare >= 0;
}

/* open_inner: @speaks: something is to be sent as soon as it is connected: that says as well that the connection has come about. */
static int
open_inner (Server *server, const Place *source, int family, bool speaks)
{
  static const int on = 1, off = 0;
  int fd = socket (family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 && server->spare >= 0)
    {
      (void) close (server->spare);
      server->spare = -1;
      fd = socket (family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
  if (fd < 0)
    return -1;
  (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (speaks)
    (void) setsockopt (fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
  port_place_bind (server, fd, source, false);
  return fd;
}

/* connect_from: a socket on its way to the container's port; -1: it refuses already, or there is nothing to be had. */
static int
connect_from (Server *server, const Place *source, const Place *target, bool speaks)
{
  Place other = *source;
  for (int tries = 0; tries < 2; tries++)
    {
      int fd = open_inner (server, &other, target->address.ss_family, speaks);
      if (fd < 0 || connect (fd, (const struct sockaddr *) &target->address, target->size) == 0 || errno == EINPROGRESS)
        return fd;
      int errsv = errno;
      (void) close (fd);
      if (errsv != EADDRNOTAVAIL && errsv != EADDRINUSE)
        return -1;
      /* the very same client, port and all, is connected to this port already, by another of the host's addresses */
      place_any_port (&other);
    }
  return -1;
}

/* connect_again: nobody listens on the address of the client's family: what listens only on the other one is meant (localhost is ::1 first); then in turn. */
static bool
connect_again (void *data, int client, unsigned tries, int *ret_inner)
{
  const Listener *listener = data;
  struct sockaddr_storage from;
  socklen_t size = sizeof from;
  Place source, target;
  struct in_addr ignored;
  uint16_t port;
  if (getpeername (client, (struct sockaddr *) &from, &size) < 0)
    return false;
  int own = client4 (&from, &ignored, &port) ? AF_INET : AF_INET6, other = own == AF_INET ? AF_INET6 : AF_INET;
  if (!port_place_of (listener->server, &from, tries % 2 == 1 ? other : own, listener->port, &source, &target)
      && !port_place_of (listener->server, &from, tries % 2 == 1 ? own : other, listener->port, &source, &target))
    return false;
  *ret_inner = connect_from (listener->server, &source, &target, false);
  return *ret_inner >= 0;
}

static void
relay_ended (void *data)
{
  port_serve_resume (((Listener *) data)->server);
}

static void
take_client (Listener *listener, int client, const struct sockaddr_storage *from)
{
  const RelayHooks hooks = { .failed = connect_again, .ended = relay_ended, .data = listener };
  Place source, target;
  int inner = -1;
  port_follow_look (listener->server);
  ssize_t heard = port_relay_hear (client);
  if (heard < 0 && heard != -EAGAIN)
    {
      port_relay_reset (client);
      return;
    }
  if (port_place_of (listener->server, from, 0, listener->port, &source, &target))
    inner = connect_from (listener->server, &source, &target, heard > 0);
  if (inner < 0 && !connect_again (listener, client, 1, &inner))
    port_relay_reset (client);
  else
    port_relay_start (&listener->server->loop, client, inner, heard, &hooks);
}

/* pause: no descriptors are left: clients wait in the queue until a connection ends. */
static void
pause_listener (Listener *listener)
{
  if (port_loop_change (&listener->server->loop, listener->fd, 0, &listener->watch) < 0)
    return;
  listener->paused = true;
  listener->server->paused++;
  port_loop_tick_begin (&listener->server->loop);
}

void
port_serve_resume (Server *server)
{
  if (server->paused == 0)
    return;
  for (; server->paused > 0; server->paused--)
    port_loop_tick_end (&server->loop);
  for (uint32_t i = 0; i < server->table->n; i++)
    if (server->listeners[i].paused)
      {
        server->listeners[i].paused = false;
        (void) port_loop_change (&server->loop, server->listeners[i].fd, EPOLLIN, &server->listeners[i].watch);
      }
}

static void
accept_clients (Watch *watch, uint32_t events)
{
  Listener *listener = (Listener *) ((char *) watch - offsetof (Listener, watch));
  (void) events;
  for (int i = 0; i < BURST && !listener->paused; i++)
    {
      struct sockaddr_storage from;
      socklen_t size = sizeof from;
      if (!has_spare (listener->server))
        {
          pause_listener (listener);
          break;
        }
      int client = accept4 (listener->fd, (struct sockaddr *) &from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (client >= 0)
        take_client (listener, client, &from);
      else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        pause_listener (listener);
      else if (errno == EAGAIN)
        break;
    }
}

static void
tick (Loop *loop)
{
  Server *server = (Server *) ((char *) loop - offsetof (Server, loop));
  port_serve_resume (server);
  port_udp_expire (server);
}

/* ---- all together */

/* try_flags: those of @flags that this process may use. */
static uint32_t
try_flags (uint32_t flags)
{
  static const struct {
    int family, level, option;
    uint32_t flags;
  } tries[] = { { AF_INET, SOL_IP, IP_TRANSPARENT, PORT_TRANSPARENT4 | PORT_TRANSPARENT_UDP4 }, { AF_INET6, SOL_IPV6, IPV6_TRANSPARENT, PORT_TRANSPARENT6 | PORT_TRANSPARENT_UDP6 } };
  static const int on = 1, mark = PORT_MARK;
  for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
    {
      int fd = flags & tries[i].flags ? socket (tries[i].family, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
      if (fd < 0 || setsockopt (fd, tries[i].level, tries[i].option, &on, sizeof on) < 0 || setsockopt (fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0)
        flags &= ~tries[i].flags;
      if (fd >= 0)
        (void) close (fd);
    }
  return flags;
}

Server *
port_server_new (const PortTable *table, uint32_t flags, int netlink)
{
  Server *server = calloc (1, sizeof *server);
  if (server == NULL || !port_loop_init (&server->loop))
    return NULL;
  server->loop.tick = tick;
  server->table = table;
  server->target = table->target;
  server->netlink = netlink;
  server->spare = -1;
  server->flags = try_flags (netlink >= 0 ? flags : flags & ~(uint32_t) (PORT_TRANSPARENT_UDP4 | PORT_TRANSPARENT_UDP6));
  server->listeners = calloc (table->n > 0 ? table->n : 1, sizeof *server->listeners);
  if (server->listeners == NULL)
    return NULL;
  for (uint32_t i = 0; i < table->n; i++)
    {
      Listener *listener = &server->listeners[i];
      *listener = (Listener) { .watch.call = accept_clients, .server = server, .fd = table->entries[i].fd, .port = table->entries[i].container_port };
      if (table->entries[i].udp ? !port_udp_listen (server, listener) : port_loop_add (&server->loop, listener->fd, EPOLLIN, &listener->watch) < 0)
        return NULL;
    }
  return server;
}

uint32_t
port_server_flags (const Server *server)
{
  return server->flags;
}

bool
port_server_once (Server *server, int timeout_ms)
{
  return port_loop_once (&server->loop, timeout_ms);
}
