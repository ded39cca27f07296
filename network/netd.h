/* netd: the process that owns the network namespace which all named networks of a user share: coracle-netd, and how commands speak with it.
 *
 *   coracle-netd   host network namespace, the user namespace that the containers share; outside of any monitor's pid namespace. Holds the shared network namespace, its way out
 *                  (coracle-slirp), the sockets of its DNS, who has which address; five capabilities, and no file of the user's but the run folder. Started by the first who needs it, gone when the last container on a named network has ended
 *    ├─ coracle-slirp
 *    ├─ coracle-names  the same program: the DNS of its networks. What containers and foreign name servers send is read there: no capability, no file, a filter of its own
 *    ├─ coracle-netd   a second one that only waits: when the first is killed it goes on in its place, with the namespace
 *    └─ short-lived children that work inside the shared namespace: bridges, veths, nftables
 *
 * All that must outlive it is in files: RUN_ROOT/ID/network.json, written when a container gets its addresses, counts while RUN_ROOT/ID is locked (storage.h): so an address is free
 * when its container has ended, however that came about, and a netd that begins anew finds what there is and connects it again.
 *
 *   RUN_ROOT/netd/lock     held while one lives (RUN_ROOT/netd.single: of containers with one id alone, whose user namespace is another)
 *   RUN_ROOT/netd/socket   SOCK_SEQPACKET: each message one JSON object, each answered by one: { "error": TEXT, "code": CoracleErrorCode } or what is asked for
 *
 *   { "op": "setup", "id", "name", "hostname", "dns": [], "networks": [NETWORK…] }   make a network namespace that is on these; the answer is network.json's object, and comes with the
 *                             namespace's descriptor. It belongs to the user namespace whose descriptor comes with the request, or to netd's. When the connection closes, the container must be alive, or all is taken back
 *   { "op": "connect", "id", "network": NETWORK }     of one that is set up; the answer as above, without a descriptor
 *   { "op": "disconnect", "id", "network": NAME }
 *   { "op": "reload", "id" }                          make anew what of its connections is missing
 *   { "op": "left", "id" }                            it has ended: its names and addresses are free now
 *   { "op": "rename", "id", "name" }
 *   { "op": "config", "config": CONFIG }              a network's file was changed: its name servers
 *   { "op": "namespace" }                             the descriptor of the shared one, which stays while the connection does
 * NETWORK: as in container_network.h, with "config": the network's file, "firewall": false where no rules are to be made for it, and "dns_port" where names are not to be served at 53. */
#pragma once

#include <glib.h>
#include <jansson.h>

#define NETD_FILE "network.json"   /* in RUN_ROOT/ID */
#define NETD_LOCK_FD 3             /* coracle-netd finds its lock here, */
#define NETD_READY_FD 4            /* and a pipe to which it writes an empty text when it can be spoken to, or what is wrong */
enum { NETD_MESSAGE_MAX = 128 * 1024 };

/* netd_folder: where it has its files. */
char *netd_folder (const char *run_root, gboolean single);
/* netd_connect: speak with it, started if need be. @single: of containers that have one id alone. Returns a descriptor or -1.
 * Runs in: the user namespace; best before anything is mounted: it keeps a copy of the mount namespace it is started in. */
int netd_connect (const char *run_root, const char *libexec, gboolean single, GError **error);
/* netd_connect_running: only if it runs; -1 without @error otherwise. */
int netd_connect_running (const char *run_root, gboolean single);
/* netd_ask: @fd: goes with it, borrowed; -1 = none. @ret_fd: may be NULL. Returns the answer, a new reference, or NULL. @ret_gone: it went before it had answered; may be NULL. Errors: as told. */
json_t *netd_ask (int socket, const json_t *request, int fd, int *ret_fd, gboolean *ret_gone, GError **error);
/* netd_call: netd_connect and netd_ask; one that goes away meanwhile (was killed, was leaving) is asked anew. @ret_socket: the connection; may be NULL: it is closed. */
typedef struct {
  const char *run_root, *libexec;
  gboolean single;
} NetdPlace;
json_t *netd_call (const NetdPlace *place, const json_t *request, int fd, int *ret_socket, int *ret_fd, GError **error);

/* netd_spawn_child: start the program, as nobody's child. Async-signal-safe. 0 or -errno. */
int netd_spawn_child (const char *program, char *const *argv, char *const *envp, int lock, int ready);
