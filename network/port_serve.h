/* port_serve: what coracle-port does: accept on the host's sockets, connect inside the network namespace we are in. Plain C, libc only; one thread. */
#pragma once

#include "network/port_loop.h"
#include "network/port_table.h"

typedef struct Server Server;

/* port_server_new: @table: borrowed, its sockets too. @flags: PORT_TRANSPARENT_…: what to try; what this process may not do after all is left out. @netlink: port_route_open, for
 * datagrams' clients; -1 = none; borrowed. NULL: no memory. */
Server *port_server_new (const PortTable *table, uint32_t flags, int netlink);
uint32_t port_server_flags (const Server *server);
/* port_server_follow: go where the container's own addresses are, should they change. @netlink: port_follow_open. @asks: port_route_open, for this
 * alone. Both stay the caller's. Without this connections always lead to where @table says. FALSE: no memory. */
bool port_server_follow (Server *server, int netlink, int asks);
/* port_server_once: as port_loop_once. */
bool port_server_once (Server *server, int timeout_ms);

/* ---- between the files of the server */
typedef struct {
  struct sockaddr_storage address;
  socklen_t size;
} Place;

struct Server {
  Loop loop;
  const PortTable *table;
  PortTarget target;     /* table's, or where the container has moved to since */
  struct Follow *follow; /* port_follow.c; NULL: it does not */
  uint32_t flags;
  int netlink;
  struct Listener *listeners;
  int spare;               /* a descriptor for the other side of a client that was just accepted */
  unsigned paused;         /* listeners that wait for descriptors */
  struct Clients *clients; /* port_udp.c */
};

typedef struct Listener Listener;
struct Listener {
  Watch watch;
  Server *server;
  int fd;
  uint16_t port; /* of the container */
  bool paused;
};

/* port_place_of: who a client is inside, and where it goes: @from as accept or recvfrom gave it. @family: AF_INET or AF_INET6 to have that one, 0: as the client's own.
 * FALSE: the container has no such address. *@ret_source's size 0: it comes from the container's own address. */
bool port_place_of (const Server *server, const struct sockaddr_storage *from, int family, uint16_t port, Place *ret_source, Place *ret_target);
/* port_place_bind: give the new socket @fd the client's address, by port 0 where the port is taken. @flag: PORT_TRANSPARENT_… that allows it. */
void port_place_bind (const Server *server, int fd, const Place *source, bool udp);

/* port_udp_listen: port_udp.c. */
bool port_udp_listen (Server *server, Listener *listener);
/* port_udp_end: all clients: the address they were led to has gone. */
void port_udp_end (Server *server);
/* port_udp_expire: clients that have been silent for long. */
void port_udp_expire (Server *server);
/* port_follow_look: before server->target is used: what has changed since. */
void port_follow_look (Server *server);
/* port_serve_resume: descriptors were given back. */
void port_serve_resume (Server *server);
