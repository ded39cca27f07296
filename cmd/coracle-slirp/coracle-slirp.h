/* coracle-slirp: user-mode network for one network namespace. It parses packets from a container that may be hostile, so what it can do shrinks to
 * reading and writing the tap and internet sockets before it reads the first one.
 *
 * What it is: the host's network namespace; the user namespace of the container's owner; a child of the container's monitor, in its pid namespace. */
#pragma once

#include <libslirp.h>
#include <stdbool.h>

#include "network/slirp.h"
#include "network/slirp_guard.h"

/* Connections, and flows of datagrams, at a time. More are refused: the guest gets a reset, or ICMP "unreachable" */
#define CONNECTIONS 16384

/* loop_new: the stack (needs /dev/urandom, so before sandbox_enter). NULL if it cannot be made. */
typedef struct Loop Loop;
Loop *loop_new (int tap, const SlirpNetwork *network);
/* loop_run: serve until the tap is gone. */
void loop_run (Loop *loop);

/* sandbox_enter. Should: leave a file system of one read-only file, /etc/resolv.conf (where the kernel or an outer container forbids mounting, the host's stays,
 * and the filter allows only reading it); no capability, none to be had; only the system calls in filter.c.
 * Mustn't: be left half done: false means a step that must succeed did not, and the caller exits. */
bool sandbox_enter (void);

/* filter_load: the seccomp filter. false where it cannot be loaded. */
bool filter_load (void);
