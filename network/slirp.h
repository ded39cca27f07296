/* slirp: a way out for one network namespace: a tap inside, served by a coracle-slirp process outside. The default network of a container, and the uplink of the namespace
 * that coracle-netd owns.
 *
 *   the caller     host network namespace; slirp_spawn_child: forks what will be coracle-slirp
 *   a process of the caller's that is in the new network namespace, with CAP_NET_ADMIN over it: slirp_attach_child: makes the tap, sends its descriptor
 *   coracle-slirp  received the tap; is exec'd at the first packet, sandboxes itself, serves until it is killed or the caller ends
 *
 * When coracle-slirp dies (it is the caller's child: SIGCHLD) the tap stays, with its addresses and routes: slirp_spawn_child again, and slirp_attach_again_child in the namespace,
 * give it a new server. Connections made by the old one are gone, and the namespace is told so: the new one answers their segments with a reset. */
#pragma once

#include <glib.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/types.h>

/* One network: plain data, the same for coracle (which parses it), the monitor (which hands it on) and coracle-slirp. slirp_network_init fills it. Addresses in network order; all
 * bits zero = none. */
typedef struct {
  uint32_t size;              /* of this struct: both ends are of one build */
  uint32_t mtu;
  char name[16];              /* of the tap */
  uint8_t ipv4, ipv6;         /* whether it has that family */
  uint8_t prefix, prefix6;
  uint8_t host_loopback;      /* the gateway's address leads to the host's loopback */
  uint8_t plain_ports;        /* published ports: the container sees the gateway and not the client as the peer (port_handler=rootlesskit). For coracle-port */
  uint8_t accel;              /* connections to hosts outside are made by host sockets: network/accel.h */
  uint8_t reserved;
  struct in_addr network, address, gateway, name_server;
  struct in_addr outbound;    /* the host's address that connections come from */
  struct in6_addr network6, address6, gateway6, name_server6, outbound6;
} SlirpNetwork;

typedef struct {
  int socket;     /* the namespace's end: slirp_attach_child sends the tap's descriptor over it; close-on-exec */
  pid_t pid;      /* the coracle-slirp process, a child of the caller */
} SlirpProcess;

/* coracle-slirp finds the tap at this number, and a pipe with one SlirpNetwork at the next */
#define SLIRP_TAP_FD 3
#define SLIRP_NETWORK_FD 4

/* slirp_network_init: 10.0.2.0/24 (the container .100, the gateway .2, the name server .3) and the same in fd00::/64, MTU 65520, tap0, no way to the host's loopback. */
void slirp_network_init (SlirpNetwork *network);

/* slirp_network_parse: slirp_network_init, then @words, each "key=value" (NULL = none): cidr= mtu= enable_ipv6= allow_host_loopback= outbound_addr= outbound_addr6= port_handler=
 * as slirp4netns:… has them, and accel=. slirp_network_parse_pasta: those of pasta(1) that mean something here, as in "--mtu", "1500", "-4".
 * Errors: INVALID with the word; UNSUPPORTED for an option of pasta's that this network does not have. Runs in: the host's network namespace, which outbound_addr is looked up in.
 * Source: podman-run(1) --network, slirp4netns(1), pasta(1). */
gboolean slirp_network_parse (const char *const *words, SlirpNetwork *ret_network, GError **error);
gboolean slirp_network_parse_pasta (const char *const *words, SlirpNetwork *ret_network, GError **error);

/* slirp_network_address: what the namespace has on it, IPv4 where it has that. Free with g_free. */
char *slirp_network_address (const SlirpNetwork *network);

/* slirp_spawn_child: fork the process that serves @network. It waits for the tap and then for its first packet, and only then becomes coracle-slirp: a container that
 * sends nothing does not pay for it, and packets queue in the tap meanwhile. Runs in: the helper (pid 1 of the monitor's pid namespace, host network
 * namespace, user namespace), after fork: async-signal-safe. @program: absolute path, looked at once, now; @envp: prepared by the parent. @pause_ms: how long it lets the first
 * packet wait: one that dies at once is not begun again without end. The process keeps no other
 * descriptor, sandboxes itself, and ends with the caller (SIGKILL), with the tap, or when the other end of the socket closes without having sent one.
 * Returns 0 or -errno; -ENOENT and -EACCES mean @program. */
int slirp_spawn_child (const char *program, char *const *envp, const SlirpNetwork *network, uint32_t pause_ms, SlirpProcess *ret_slirp);

/* slirp_attach_child: in the new network namespace, with CAP_NET_ADMIN over it: bring up lo, make the tap, give it its addresses (no IPv6
 * where the kernel has none) and default routes by the gateway, and send its descriptor over @socket. The tap outlives its server, not its namespace.
 * Async-signal-safe. Returns 0 or -errno; -ENOENT or -EACCES mean /dev/net/tun. */
int slirp_attach_child (int socket, const SlirpNetwork *network);

/* slirp_attach_again_child: the same for a tap that is there already, and has lost its server. */
int slirp_attach_again_child (int socket, const SlirpNetwork *network);

/* slirp_loopback_child: only bring up lo (--net none). 0 or -errno. */
int slirp_loopback_child (void);

/* slirp_host_address: the address by which a container on @network (NULL: on none, or the host's) reaches the host: that of the host's way out; where it has none, the gateway's, if
 * that leads to the host's loopback. NULL: there is none. Free with g_free. Source: podman-run(1) --add-host host-gateway. */
char *slirp_host_address (const SlirpNetwork *network);

/* slirp_resolv_conf: the text of the container's /etc/resolv.conf for a network of this kind. @host: the host's resolv.conf text, NULL if there is none. @network: put its
 * name server first (the IPv6 one too, where the host has a server of that kind), and leave out the host's loopback name servers; NULL = not slirp: they all mean the same inside.
 * @dns, @search, @options: the user's, NULL-terminated or NULL, replacing the host's where given
 * (dns "none" → NULL returned: leave the image's file alone; search "." → none). Free with g_free. */
char *slirp_resolv_conf (const char *host, const SlirpNetwork *network, const char *const *dns, const char *const *search, const char *const *options);
