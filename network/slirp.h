/* slirp: the default network of one container: a tap in its network namespace, served by a coracle-slirp process outside. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  int socket;     /* the container's end: slirp_attach_child sends the tap's descriptor over it; close-on-exec */
  pid_t pid;      /* the coracle-slirp process, a child of the caller */
} SlirpProcess;

/* coracle-slirp finds the tap at this number */
#define SLIRP_TAP_FD 3

/* slirp_spawn_child: fork the process that serves the network. It waits for the tap and then for its first packet, and only then becomes coracle-slirp: a container that
 * sends nothing does not pay for it, and packets queue in the tap meanwhile. Runs in: the helper (pid 1 of the monitor's pid namespace, host network
 * namespace, user namespace), after fork: async-signal-safe. @program: absolute path, looked at once, now; @envp: prepared by the parent. The process keeps no other
 * descriptor, sandboxes itself, and ends with the caller (SIGKILL), with the tap, or when the other end of the socket closes without having sent one.
 * Returns 0 or -errno; -ENOENT and -EACCES mean @program. */
int slirp_spawn_child (const char *program, char *const *envp, SlirpProcess *ret_slirp);

/* slirp_attach_child: in the container's new network namespace, with CAP_NET_ADMIN over it: bring up lo, make tap0 (mtu 65520), give it
 * 10.0.2.100/24 and fd00::100/64 (not where the kernel has no IPv6), default routes by 10.0.2.2 and fd00::2, and send its descriptor over @socket.
 * Async-signal-safe. Returns 0 or -errno; -ENOENT or -EACCES mean /dev/net/tun. */
int slirp_attach_child (int socket);

/* slirp_loopback_child: only bring up lo (--net none). 0 or -errno. */
int slirp_loopback_child (void);

/* slirp_host_address: the address by which a container on this network reaches the host, whose loopback it is kept from: that of the host's way out. NULL if the host has
 * none. Free with g_free. Source: podman-run(1) --add-host host-gateway. */
char *slirp_host_address (void);

/* slirp_resolv_conf: the text of the container's /etc/resolv.conf for a network of this kind. @host: the host's resolv.conf text, NULL if there is none. @slirp: put 10.0.2.3
 * first and leave out the host's loopback name servers. @dns, @search, @options: the user's, NULL-terminated or NULL, replacing the host's where given
 * (dns "none" → NULL returned: leave the image's file alone; search "." → none). Free with g_free. */
char *slirp_resolv_conf (const char *host, gboolean slirp, const char *const *dns, const char *const *search, const char *const *options);
