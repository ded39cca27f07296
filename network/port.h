/* port: published ports of one container.
 *
 *   the command      parses and settles the mappings, makes the listeners (port_listen), in the host's network namespace, before anything of the container runs
 *   the monitor       port_spawn_child: forks the keeper, which has the listeners for as long as the monitor lives, however often the container is restarted
 *    ├─ keeper        waits for the container's network namespace (port_attach_child sends it), and then for the first client of any port
 *    │   └─ coracle-port   started by that client, inside that network namespace; the listeners stay sockets of the host. Started anew if it dies
 *    └─ init          port_attach_child, in its new network namespace
 *
 * A container that nobody connects to pays for no program. It does not matter what the namespace is connected by, a tap or the veth of a named network: what is asked of it is
 * that it has the address PortTarget.address4 or address6 itself (or another, should it leave that network: network/port_follow.h), and that the user namespace which owns it is ours or below: coracle-port connects inside of it, over its lo.
 *
 * This half is for the command (GLib); what the processes share is network/port_table.h. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "network/port_table.h"

typedef struct {
  char *host_ip;            /* as inet_ntop writes it; "" = all addresses of the host, IPv4 and IPv6 */
  guint16 host_port;        /* the first; 0 = to be chosen (port_listen) */
  guint16 container_port;   /* the first */
  guint16 range;            /* how many, at least 1 */
  gboolean udp;
} PortMapping;
void port_mapping_free (PortMapping *mapping);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PortMapping, port_mapping_free)

/* port_mapping_parse: a word of --publish: [[ADDRESS:][HOSTPORT]:]PORT[/PROTOCOL], ports or ranges of equal length, an IPv6 address in brackets.
 * Errors: INVALID with the words of podman-run(1) --publish; UNSUPPORTED sctp. Source: podman-run(1). */
PortMapping *port_mapping_parse (const char *word, GError **error);
/* port_expose_parse: a word of --expose: PORT[-PORT][/PROTOCOL], added to @exposed as the keys "80/tcp" that an image's config has. Errors: INVALID. */
gboolean port_expose_parse (const char *word, json_t *exposed, GError **error);

/* port_mappings_new: an empty list of PortMapping, which it owns. */
GPtrArray *port_mappings_new (void);
/* port_mappings_publish_all: what @exposed (keys "80/tcp") has and @mappings does not publish yet is added, on host ports to be chosen. Errors: INVALID, UNSUPPORTED sctp. */
gboolean port_mappings_publish_all (GPtrArray *mappings, json_t *exposed, GError **error);
/* port_mappings_settle: sort; drop what is said twice, and join neighbours to ranges. Errors: INVALID when a host port is to lead to two ports. */
gboolean port_mappings_settle (GPtrArray *mappings, GError **error);
/* to and from what the state database holds: Podman's form: [{"host_ip", "container_port", "host_port", "range", "protocol"}] */
json_t *port_mappings_to_json (const GPtrArray *mappings);
GPtrArray *port_mappings_from_json (json_t *array);
/* port_mappings_text: "0.0.0.0:8080->80/tcp, 0.0.0.0:90-91->90-91/udp". Appended to @text. */
void port_mappings_text (const GPtrArray *mappings, GString *text);
/* port_mapping_host: the address as people read it: "0.0.0.0" for all. Borrowed. */
const char *port_mapping_host (const PortMapping *mapping);
const char *port_mapping_protocol (const PortMapping *mapping);   /* "tcp" */

/* ---- listeners */

typedef struct PortListeners PortListeners;
void port_listeners_free (PortListeners *listeners);   /* closes them, unless they were left to others (port_listeners_table) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PortListeners, port_listeners_free)

/* What could not be had, for whoever can say more of it. */
typedef struct {
  int error;                /* errno of bind */
  const PortMapping *mapping;
  guint16 port;
} PortRefusal;

/* port_listen: bind and listen on all of @mappings; those without a host port get one, written into the mapping. Nothing is answered yet: clients wait.
 * Runs in: the host's network namespace. @ret_refusal: may be NULL; set when bind failed.
 * Errors: IN_USE "HOST:PORT: bind: address already in use"; DENIED below the first port that is free to all, with the name of the sysctl; SYSTEM. */
PortListeners *port_listen (GPtrArray *mappings, PortRefusal *ret_refusal, GError **error);

/* port_listeners_table: the sealed memfd that port_spawn_child takes; @target: where connections go. Returns a descriptor or -errno. */
int port_listeners_table (const PortListeners *listeners, const PortTarget *target);
/* port_listeners_fds: the sockets, ascending, for whoever execs the monitor; borrowed. */
const int *port_listeners_fds (const PortListeners *listeners, guint *ret_n);

/* port_probe: what this kernel can do for the client's address, of PORT_TRANSPARENT_…, tried in a network namespace of a child's; PORT_PROBE_UNKNOWN: none could be made. */
enum { PORT_PROBE_UNKNOWN = 64 };
int port_probe (void);

/* port_holder: who has a host port that could not be had: "process 123 (nginx)", of processes that we may look at; NULL: not known. Reads /proc. Free with g_free. */
char *port_holder (const PortRefusal *refusal);
