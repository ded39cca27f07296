/* accel: --network slirp:accel=on: TCP connections of a container to hosts outside are made by sockets of the host, at the host's speed. All else is slirp's, as without it.
 *
 *   init           before its command runs, in the container's network namespace: a seccomp filter that asks a supervisor about each connect(2) (accel_attach_child); inherited by all
 *                  that the command starts, not by `exec`, whose processes slirp serves
 *   coracle-accel  host network namespace, pid namespace and user namespace of the monitor; no file system but the proc of that pid namespace; of that user namespace, CAP_SYS_PTRACE,
 *                  CAP_DAC_READ_SEARCH (the descriptors of a process are listed for its own user alone),
 *                  and CAP_NET_ADMIN for where the kernel lets only root attach a socket filter; its own filter. Two processes: one serves, the other begins it again should it die
 *
 * A connect is made here when its socket is TCP, unconnected, of the container's own network namespace, without an option that only means something there (a device, a mark, a
 * filter, O_ASYNC), and the namespace's own routes would send it out by slirp's tap to an address that slirp would reach beside its own: never the host's loopback. Everything
 * else goes on as if nobody had been asked: into the container's own network, to slirp and its rules; that gives a container nothing that it would not have without accel.
 *
 * The address is read once; the supervisor connects a socket of its own, and puts it in the place of the caller's by ADDFD. The call itself never goes on with it: that would read the address again.
 * A socket of the host in a container could otherwise be used to go elsewhere (connect it to nothing, then to the host's loopback, from a process without the filter): so before it is
 * connected it is given a filter, locked, that lets in only what comes from the address and port that it was made for. Whatever is done with it, it hears nobody else.
 *
 * Where the kernel wants CAP_NET_ADMIN of the network namespace for a filter (that of the host's, here), only real root has accel. What else was looked at, and why it is not done:
 *   SO_BINDTODEVICE   a user may set it once and not take it back, and a socket bound to a device does not reach the loopback; but in the container's hands it could be disconnected
 *                     and made to listen, on the host's network: that wants no privilege, and nothing but a filter keeps it from it (listen(2) by a supervisor is no help: `exec` has none)
 *   a relay           the container gets a socket of its own namespace, made transparent as coracle-port makes them, and its bytes are spliced to one of the host's that it never sees.
 *                     What port says of its speed holds (tests/bench/ports: "out"); but a connect that does not block would have to be answered before the host's has come about:
 *                     a program that asks whether a port is open would hear "yes" of every one
 *
 * Carried over: the descriptor's number, close-on-exec and O_NONBLOCK; its duplicates in the same process; registrations with epoll; the options in accel_options. Not carried over, and
 * so a reason to know about it: duplicates in other processes (they keep the old, unconnected socket); a port that was bound (slirp does not keep it either); getsockname(2) gives the host's
 * address, and interface ioctls of that socket the host's interfaces. */
#pragma once

#include "network/slirp.h"

/* accel_check: can this kernel, and this user? In the host's network namespace. Errors: UNSUPPORTED. */
gboolean accel_check (GError **error);

/* accel_spawn_child: fork the supervisor. Runs where slirp_spawn_child does. @ret_socket: where accel_attach_child sends what it needs. 0 or -errno. */
int accel_spawn_child (const SlirpNetwork *network, int *ret_socket, pid_t *ret_pid);

/* accel_attach_child: in init, with CAP_SYS_ADMIN: from here on connect(2) asks. 0 or -errno: EINVAL, ENOSYS: this kernel cannot; EBUSY: an outer filter asks somebody already; EPIPE:
 * the supervisor could not shut itself in (no proc of its pid namespace: --pid=host). */
int accel_attach_child (int socket);

/* ---- between the two files */

typedef struct {
  SlirpNetwork network;
  int listener;            /* of the seccomp filter */
  int probe4, probe6;      /* datagram sockets of the container's network namespace, which its routes are asked with */
  uint64_t inside, outside;   /* cookies of the two network namespaces */
} Accel;

/* accel_serve_child: until the last process of the filter has ended (returns 0) or the listener fails (-errno). */
int accel_serve_child (const Accel *accel);
/* accel_cookie_child: of the network namespace that a socket belongs to; 0: the kernel (before 5.14) does not tell. */
uint64_t accel_cookie_child (int socket);
