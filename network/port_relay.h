/* port_relay: the two sockets of one published connection, and what goes between them. Bulk data is spliced through a pipe and never copied; short messages are copied, which is
 * cheaper. A side that does not read stops the other from being read: nothing piles up. The end of one direction is passed on and leaves the other alone.
 * Plain C, libc only; one thread. */
#pragma once

#include <sys/types.h>

#include "network/port_loop.h"

typedef struct Relay Relay;

/* port_relay_hear: what the client has said already, as far as it can be kept; port_relay_start is to be called next, and passes it on. Returns its size; 0: the client has said its last;
 * -EAGAIN: nothing was said, or nothing taken; otherwise -errno: the client is gone. */
ssize_t port_relay_hear (int client);

/* port_relay_start: take over both sockets, non-blocking; @inner may still be connecting. @heard: of port_relay_hear. @failed: @inner could not be connected: it may give another socket in its
 * place (*@ret_inner, with TRUE), or the client is sent away as if nobody had listened. Called at once for the first other try (@tries 1), then again and again for a quarter of a
 * second: a service that has just been started may not listen yet. @data: its own. @ended: called at the end. Either may be NULL.
 * Without memory both are reset. */
typedef struct {
  bool (*failed) (void *data, int client, unsigned tries, int *ret_inner);
  void (*ended) (void *data);
  void *data;
} RelayHooks;
void port_relay_start (Loop *loop, int client, int inner, ssize_t heard, const RelayHooks *hooks);

/* port_relay_reset: close @fd so that its other end knows that it was not in order. */
void port_relay_reset (int fd);

/* port_relay_end_all: where they lead to has gone: all are reset. */
void port_relay_end_all (void);

/* port_relay_pipes: how many pipes there are, in use or kept for the next; for tests. */
unsigned port_relay_pipes (void);
