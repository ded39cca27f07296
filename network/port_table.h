/* port_table: what the processes that serve published ports hand to each other. Plain C, no GLib: coracle-monitor and coracle-port are static, libc only. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PORT_TABLE_MAGIC 0x31505443u /* "CTP1"; changed whenever a struct here is */

/* Where connections go, and who those of the host's own loopback come from: a service that trusts 127.0.0.1 must not be fooled. All zero = none of that family. */
typedef struct {
  struct in_addr address4, gateway4;
  struct in6_addr address6, gateway6;
  uint8_t plain;             /* every client comes from the gateway */
} PortTarget;

typedef struct {
  int32_t fd;                /* a listening TCP socket or a bound UDP one, non-blocking, of the host's network namespace */
  uint16_t container_port;
  uint8_t udp;
} PortEntry;

/* One sealed memfd. */
typedef struct {
  uint32_t magic;
  uint32_t n;
  PortTarget target;
  PortEntry entries[];       /* by ascending fd */
} PortTable;

/* What the kernel could be brought to do in the container's network namespace: without it the client's address is lost, and all else is the same. */
enum {
  PORT_TRANSPARENT4 = 1,
  PORT_TRANSPARENT6 = 2,
  PORT_TRANSPARENT_UDP4 = 4,
  PORT_TRANSPARENT_UDP6 = 8,
};

/* Replies go by this mark and these tables: connections by PORT_MARK, datagrams by the address of each client that is known. "co" */
#define PORT_MARK 0x636f
#define PORT_ROUTES 0x636f
#define PORT_ROUTES_UDP 0x6370

/* port_table_map: the table behind @fd, read-only; NULL: it is none. */
const PortTable *port_table_map (int fd);

/* port_spawn_child: fork the keeper. @program: absolute path of coracle-port, looked at once, now. @table: of port_listeners_table; its sockets are open in the caller, and closed in it on
 * return. Runs in: the helper (pid 1 of the monitor's pid namespace, host network namespace, user namespace), after fork: async-signal-safe. The keeper has no other descriptor,
 * and ends with the caller (SIGKILL) or when every copy of *@ret_socket is closed; it shows as coracle-port. Returns 0 or -errno; -ENOENT and -EACCES mean @program. */
int port_spawn_child (const char *program, int table, int *ret_socket, pid_t *ret_pid);

/* port_attach_child: in the container's new network namespace, when its addresses are there, with CAP_NET_ADMIN over it and /proc the host's or its own: make the rules and routes by which
 * replies to a client's address find back, and hand the namespace to the keeper over @socket. @table: as above; only read. A later call, by another start of the
 * container, ends the connections of the one before. Async-signal-safe. Returns 0 or -errno; rules that the kernel does not know are no error. */
int port_attach_child (int socket, int table);

/* port_rules_child: only the rules; returns PORT_TRANSPARENT_…. Calls pace_drop_child. */
int port_rules_child (const PortTable *table);
