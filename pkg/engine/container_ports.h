/* container_ports: what a container publishes and exposes. In its row: "ports", as network/port.h has it, with host ports chosen once and for all; "exposed", the image's and --expose's
 * as an image's config has them ({"80/tcp": {}}). */
#pragma once

#include "network/port.h"
#include "pkg/engine/container_make.h"

/* ports_check: --publish and --expose read once. Errors: INVALID, UNSUPPORTED. */
gboolean ports_check (const ContainerOptions *options, GError **error);

/* ports_prepare: make->ports and make->exposed, of a new container from its words and its image, of one that is there from its row. A network that is not its own publishes nothing. */
gboolean ports_prepare (Make *make, GError **error);

/* ports_open: the listeners, into make->listeners; of a container that is only made, no more than the choice of host ports. Runs in: the host's network namespace.
 * Errors: CANNOT_INVOKE (126, as Podman has it) a port is in use, with its holder where that can be known, or is root's. */
gboolean ports_open (Make *make, GError **error);

/* ports_table: for RuntimeOptions.port_table: a descriptor, -1 where there is nothing to publish. */
gboolean ports_table (const Make *make, int *ret_table, GError **error);

/* container_ports: what is published, of PortMapping; row's config must have been read. */
GPtrArray *container_ports (const StateContainer *row);

/* inspect's forms: {"80/tcp": [{"HostIp", "HostPort"}]}. @exposed: also those that are not published, as null. */
json_t *container_ports_map (const StateContainer *row, gboolean exposed);
/* {"80/tcp": {}}: all, published or not; null when there are none. */
json_t *container_ports_exposed (const StateContainer *row);
