/* port_serve: what coracle-port does: accept on the host's sockets, connect inside the network namespace we are in. Plain C, libc only; one thread. */
#pragma once

#include "network/port_loop.h"
#include "network/port_table.h"

typedef struct Server Server;

/* server_new: @table: borrowed, its sockets too. @flags: PORT_TRANSPARENT_…: what to try; what this process may not do after all is left out. @netlink: port_route_open, for
 * datagrams' clients; -1 = none; borrowed. NULL: no memory. */
Server *server_new (const PortTable *table, uint32_t flags, int netlink);
uint32_t server_flags (const Server *server);
/* server_once: as loop_once. */
bool server_once (Server *server, int timeout_ms);

/* ---- between the files of the server */
typedef struct {
  struct sockaddr_storage address;
  socklen_t size;
} Place;

struct Server {
  Loop loop;
  const PortTable *table;
  uint32_t flags;
  int netlink;
  struct Listener *listeners;
  unsigned paused;            /* listeners that wait for descriptors */
  struct Clients *clients;    /* port_udp.c */
};

typedef struct Listener Listener;
struct Listener {
  Watch watch;
  Server *server;
  int fd;
  uint16_t port;              /* of the container */
  bool paused;
};

/* place_of_client: who a client is inside, and where it goes: @from as accept or recvfrom gave it. @family: AF_INET or AF_INET6 to have that one, 0: as the client's own.
 * FALSE: the container has no such address. *@ret_source's size 0: it comes from the container's own address. */
bool place_of_client (const Server *server, const struct sockaddr_storage *from, int family, uint16_t port, Place *ret_source, Place *ret_target);
/* place_bind: give the new socket @fd the client's address, by port 0 where the port is taken. @flag: PORT_TRANSPARENT_… that allows it. */
void place_bind (const Server *server, int fd, const Place *source, bool udp);

/* udp_listen: port_udp.c. */
bool udp_listen (Server *server, Listener *listener);
/* udp_expire: clients that have been silent for long. */
void udp_expire (Server *server);
/* serve_resume: descriptors were given back. */
void serve_resume (Server *server);
