/* slirp: the default network of one container: a tap in its network namespace, served by a coracle-slirp process outside. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  int socket;     /* the container's end: slirp_child_attach sends the tap's descriptor over it; close-on-exec */
  pid_t pid;      /* the coracle-slirp process, a child of the caller */
} SlirpProcess;

/* slirp_spawn_child: start coracle-slirp. Runs in: the helper (pid 1 of the monitor's pid namespace, host network namespace, user namespace), after fork:
 * async-signal-safe. @program: absolute path, @envp: prepared by the parent. The process sandboxes itself and ends with its socket's peer's namespace (killed with its pid 1).
 * Returns 0 or -errno. */
int slirp_spawn_child (const char *program, char *const *envp, SlirpProcess *ret_slirp);

/* slirp_attach_child: in the container's new network namespace, with CAP_NET_ADMIN over it: bring up lo, make tap0 (mtu 65520), give it
 * 10.0.2.100/24 and fd00::100/64, default routes by 10.0.2.2 and fd00::2, and send its descriptor over @socket. Async-signal-safe. Returns 0 or -errno;
 * -ENOENT or -EACCES mean /dev/net/tun. */
int slirp_attach_child (int socket);

/* slirp_loopback_child: only bring up lo (--net none). 0 or -errno. */
int slirp_loopback_child (void);

/* slirp_resolv_conf: the text of the container's /etc/resolv.conf for a network of this kind. @host: the host's resolv.conf text. @slirp: put 10.0.2.3 first and
 * leave out the host's loopback name servers. @dns, @search, @options: the user's, replacing the host's where given (dns "none" → NULL returned: leave the image's file alone). */
char *slirp_resolv_conf (const char *host, gboolean slirp, const char *const *dns, const char *const *search, const char *const *options);
