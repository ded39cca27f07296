/* control: a word to a container's monitor, on the socket it listens on. */
#pragma once

#include <glib.h>

#include "pkg/monitor/protocol.h"

/* monitor_control: send one of the messages that MONITOR_DONE answers (MONITOR_STOPPING, MONITOR_RESTART, MONITOR_HEALTH), and wait for the answer, 5 s at most.
 * @run_root: descriptor of RUN_ROOT. @data: what the message carries, @size bytes; may be NULL.
 * Returns 0, or -errno: the monitor's own; -ENOENT and -ECONNREFUSED: none listens; -ETIMEDOUT; -EPIPE: it left. Runs in: any namespace; one thread or many. */
int monitor_control (int run_root, const char *id, guint32 type, const void *data, gsize size);

/* monitor_connect: a connection to the monitor of RUN_ROOT/@id: SOCK_SEQPACKET, close-on-exec; or -errno. */
int monitor_connect (int run_root, const char *id);
