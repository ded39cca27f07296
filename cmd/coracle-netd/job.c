#include "netd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network/firewall.h"
#include "network/link.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"

/* Source: netavark's, so that routes of several networks do not collide */
enum { ROUTE_METRIC = 100, ROUTE_TRIES = 256, DNS_PORT = 53, TEXT_MAX = 2048, BIND_TRIES = 200, BIND_PAUSE_US = 5000 };

/* What a job has made, to be handed back. */
typedef struct {
  int fds[JOB_FDS_MAX];
  guint n;
} Made;

/* rtnetlink of three namespaces: the machine's, the shared one, the container's */
typedef struct {
  LinkSocket *host, *outside, *inside;
} Sockets;

static gboolean
add_fd (Made *made, int fd)
{
  if (made->n == JOB_FDS_MAX)
    {
      fd_close (fd);
      return FALSE;
    }
  made->fds[made->n++] = fd;
  return TRUE;
}

/* ---- inside */

/* set_sysctl: of the current network namespace. */
static gboolean
set_sysctl (const char *name, const char *value, gboolean needed, GError **error)
{
  g_autofree char *path = g_strconcat ("/proc/sys/net/", name, NULL);
  cleanup_fd int fd = open (path, O_WRONLY | O_CLOEXEC);
  int r = fd < 0 ? -errno : fd_write_all (fd, value, strlen (value));
  return r == 0 || !needed || coracle_throw_errno (error, -r, "setting net.%s", name);
}

static guint
number_option (const NetConfig *config, const char *name)
{
  const char *text = net_config_option (config, name);
  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 10) : 0;
}

static int
make_socket (const NetAddress *address, int type, guint port, GError **error)
{
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } at = { .any.sa_family = address->size == 4 ? AF_INET : AF_INET6 };
  const int one = 1;
  if (address->size == 4)
    memcpy (&at.v4.sin_addr, address->bytes, 4);
  else
    memcpy (&at.v6.sin6_addr, address->bytes, 16);
  at.v4.sin_port = htons ((uint16_t) port);
  cleanup_fd int fd = socket (at.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0)
    (void) setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  int r = fd < 0 ? -1 : bind (fd, &at.any, address->size == 4 ? sizeof at.v4 : sizeof at.v6);
  /* one that was killed may be about to let go of it */
  for (int tries = 0; fd >= 0 && r < 0 && errno == EADDRINUSE && tries < BIND_TRIES; tries++)
    {
      g_usleep (BIND_PAUSE_US);
      r = bind (fd, &at.any, address->size == 4 ? sizeof at.v4 : sizeof at.v6);
    }
  if (r < 0 || (type == SOCK_STREAM && listen (fd, 64) < 0))
    {
      int errsv = errno;
      char text[NET_ADDRESS_TEXT];
      coracle_throw_errno (error, errsv, "listening for DNS on %s", net_address_text (address, text));
      return -1;
    }
  return fd_steal (&fd);
}

/* bridge_mac: the same each time for one network, so that those who know it go on after the namespace was made anew. */
static void
bridge_mac (const NetConfig *config, uint8_t ret_mac[6])
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize size = sizeof digest;
  g_checksum_update (sum, (const guchar *) config->name, -1);
  g_checksum_get_digest (sum, digest, &size);
  memcpy (ret_mac, digest, 6);
  ret_mac[0] = (uint8_t) ((ret_mac[0] & 0xfc) | 0x02);   /* local, and of one station */
}

static gboolean
make_bridge (LinkSocket *socket, const Live *network, const Job *job, Made *made, GError **error)
{
  const NetConfig *config = network->config;
  guint port = network->dns_port > 0 ? network->dns_port : DNS_PORT;
  if (!net_is_bridge (config))
    return TRUE;
  gboolean vlan = number_option (config, "vlan") > 0;
  uint8_t mac[6];
  bridge_mac (config, mac);
  int r = link_bridge (socket, config->interface, mac, number_option (config, "mtu"), vlan);
  if (r < 0 && !(r == -EEXIST && job->again))
    return coracle_throw_errno (error, -r, "making bridge %s%s", config->interface, r == -EOPNOTSUPP ? vlan ? " (has the kernel bridges with VLANs?)" : " (has the kernel bridges?)" : "");
  int index = link_index (socket, config->interface);
  if (index <= 0)
    return coracle_throw_errno (error, -index, "bridge %s", config->interface);
  for (guint i = 0; i < config->subnets->len; i++)
    {
      const NetConfigSubnet *subnet = &g_array_index (config->subnets, NetConfigSubnet, i);
      r = subnet->gateway.size > 0 ? link_add_address (socket, index, &subnet->gateway, subnet->subnet.prefix) : 0;
      if (r < 0 && !(r == -EEXIST && job->again))
        return coracle_throw_errno (error, -r, "giving bridge %s its address", config->interface);
      if (!config->dns || subnet->gateway.size == 0)
        continue;
      int udp = make_socket (&subnet->gateway, SOCK_DGRAM, port, error);
      int tcp = udp >= 0 ? make_socket (&subnet->gateway, SOCK_STREAM, port, error) : -1;
      if (udp < 0 || tcp < 0 || !add_fd (made, udp) || !add_fd (made, tcp))
        return FALSE;
    }
  return TRUE;
}

/* add_default: the networks before it lead out first. One that came and went left a number free, which another may have by now. */
static int
add_default (LinkSocket *inside, const NetAddress *gateway, int index, uint32_t metric)
{
  int r = -EEXIST;
  for (uint32_t i = 0; r == -EEXIST && i < ROUTE_TRIES; i++)
    r = link_add_route (inside, NULL, gateway, index, metric + i);
  return r;
}

/* configure: the container's end, through a socket of its namespace. */
static gboolean
configure (LinkSocket *inside, const Attachment *attachment, guint number, GError **error)
{
  const NetConfig *config = attachment->config;
  int index = link_index (inside, attachment->interface);
  int r = index > 0 ? 0 : index;
  for (guint i = 0; r == 0 && i < attachment->leases->len; i++)
    {
      const Lease *lease = &g_array_index (attachment->leases, Lease, i);
      r = link_add_address (inside, index, &lease->address, lease->prefix);
    }
  if (r == 0)
    r = link_set_up (inside, index);
  if (r < 0)
    return coracle_throw_errno (error, -r, "network %s: giving %s its addresses", config->name, attachment->interface);
  const char *bare = net_config_option (config, "no_default_route");
  gboolean leads_out = !config->internal && (bare == NULL || strchr ("1tT", bare[0]) == NULL);
  guint metric = number_option (config, "metric"), families = 0;
  for (guint i = 0; leads_out && i < attachment->leases->len; i++)
    {
      const Lease *lease = &g_array_index (attachment->leases, Lease, i);
      if (lease->gateway.size == 0 || (families & lease->gateway.size))
        continue;
      families |= lease->gateway.size;
      r = add_default (inside, &lease->gateway, index, metric > 0 ? metric : ROUTE_METRIC + number);
      if (r < 0)
        return coracle_throw_errno (error, -r, "network %s: adding the default route", config->name);
    }
  for (guint i = 0; i < config->routes->len; i++)
    {
      const NetConfigRoute *route = &g_array_index (config->routes, NetConfigRoute, i);
      r = link_add_route (inside, &route->destination, &route->gateway, 0, route->metric >= 0 ? (uint32_t) route->metric : ROUTE_METRIC);
      if (r < 0 && r != -EEXIST)
        return coracle_throw_errno (error, -r, "network %s: adding a route", config->name);
    }
  return TRUE;
}

static uint32_t
upper_mode (const NetConfig *config)
{
  static const struct { const char *name; uint32_t mode; } modes[] = {
    { "bridge", MACVLAN_MODE_BRIDGE }, { "private", MACVLAN_MODE_PRIVATE }, { "vepa", MACVLAN_MODE_VEPA }, { "passthru", MACVLAN_MODE_PASSTHRU },
    { "l2", IPVLAN_MODE_L2 }, { "l3", IPVLAN_MODE_L3 }, { "l3s", IPVLAN_MODE_L3S },
  };
  const char *name = net_config_option (config, "mode");
  for (size_t i = 0; name != NULL && i < G_N_ELEMENTS (modes); i++)
    if (strcmp (name, modes[i].name) == 0)
      return modes[i].mode;
  return strcmp (config->driver, "macvlan") == 0 ? MACVLAN_MODE_BRIDGE : IPVLAN_MODE_L2;
}

/* make_upper: on top of an interface that @where has. -ENODEV: it has none of that name. */
static int
make_upper (LinkSocket *where, const Attachment *attachment, int ns)
{
  const NetConfig *config = attachment->config;
  const char *bclim = net_config_option (config, "bclim");
  gboolean named = config->interface != NULL && config->interface[0] != '\0';
  int parent = named ? link_index (where, config->interface) : link_default (where);
  const LinkUpper upper = { .kind = config->driver, .name = attachment->interface, .parent = parent, .ns = ns, .mode = upper_mode (config), .mac = attachment->mac, .mtu = number_option (config, "mtu"), .bclim = bclim != NULL ? g_ascii_strtoll (bclim, NULL, 10) : INT32_MIN };
  return parent > 0 ? link_upper (where, &upper) : parent < 0 ? parent
                                                              : -ENODEV;
}

/* connect_upper: macvlan or ipvlan: on top of an interface of the shared namespace, of which there are: its way out, bridges of other networks, and what the user makes in it with
 * `unshare --rootless-netns`; or, for real root alone, of the host. Without a name: that of the default route, as Podman, the host's first. */
static gboolean
connect_upper (const Sockets *sockets, const Attachment *attachment, guint number, const Job *job, int ns, GError **error)
{
  const NetConfig *config = attachment->config;
  gboolean named = config->interface != NULL && config->interface[0] != '\0';
  if (job->again && link_index (sockets->inside, attachment->interface) > 0)
    return TRUE;
  int r = make_upper (named ? sockets->outside : sockets->host, attachment, ns), first = r;
  if (r == -ENODEV || (!named && r == -EPERM))
    r = make_upper (named ? sockets->host : sockets->outside, attachment, ns);
  if (r == 0)
    return configure (sockets->inside, attachment, number, error);
  const char *parent = named ? config->interface : "with a default route";
  if (r == -ENODEV)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "network %s: there is no interface %s, neither here nor in the network namespace of named networks (unshare --rootless-netns)", config->name, parent);
  if (named && first == -ENODEV && r == -EPERM)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "network %s: interface %s is this machine's, which containers of a user cannot reach: only real root can; one of the network namespace of named networks will do "
                          "(unshare --rootless-netns)", config->name, parent);
  return coracle_throw_errno (error, -r, "network %s: making interface %s%s%s%s", config->name, attachment->interface, r == -EOPNOTSUPP ? " (has the kernel " : "",
                              r == -EOPNOTSUPP ? config->driver : "", r == -EOPNOTSUPP ? "?)" : "");
}

static gboolean
connect_one (const Sockets *sockets, const Attachment *attachment, guint number, const Job *job, int ns, GError **error)
{
  const NetConfig *config = attachment->config;
  LinkSocket *outside = sockets->outside, *inside = sockets->inside;
  if (!net_is_bridge (config))
    return connect_upper (sockets, attachment, number, job, ns, error);
  if (job->again && link_index (outside, attachment->link) > 0)
    return TRUE;
  /* its other end was in a namespace that the kernel is still taking apart */
  int old = job->again ? link_index (inside, attachment->interface) : 0;
  if (old > 0)
    (void) link_delete (inside, old);
  int bridge = link_index (outside, config->interface);
  if (bridge <= 0)
    return coracle_throw_errno (error, -bridge, "network %s: bridge %s", config->name, config->interface);
  const LinkVeth veth = { .name = attachment->link, .peer_name = attachment->interface, .master = bridge, .peer_ns = ns, .peer_mac = attachment->mac, .mtu = number_option (config, "mtu") };
  int r = link_veth (outside, &veth);
  if (r < 0)
    return coracle_throw_errno (error, -r, "network %s: making interface %s", config->name, attachment->interface);
  guint vlan = number_option (config, "vlan");
  r = vlan > 0 ? link_vlan (outside, link_index (outside, attachment->link), (uint16_t) vlan) : 0;
  if (r < 0)
    return coracle_throw_errno (error, -r, "network %s: setting the VLAN %u", config->name, vlan);
  return configure (inside, attachment, number, error);
}

static gboolean
enter (int ns, GError **error)
{
  if (setns (ns, CLONE_NEWNET) == 0)
    return TRUE;
  int errsv = errno;
  return coracle_throw_errno (error, errsv, "entering a network namespace");
}

/* make_apart: in a process of its own: the user namespace that is entered cannot be left. */
static void G_GNUC_NORETURN
make_apart (int user_ns, int socket)
{
  int ns = -1;
  if (setns (user_ns, CLONE_NEWUSER) == 0 && unshare (CLONE_NEWNET) == 0)
    ns = open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  _exit (ns >= 0 ? -fd_send (socket, ns) : errno);
}

/* make_namespace: it belongs to the user namespace in which it is made: @user_ns, or, with -1, ours. Returns a descriptor or -errno. */
static int
make_namespace (int user_ns)
{
  int ends[2], status = 0;
  if (user_ns < 0)
    {
      int ns = unshare (CLONE_NEWNET) == 0 ? open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) : -1;
      return ns >= 0 ? ns : -errno;
    }
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return -errno;
  pid_t pid = fork ();
  int r = pid < 0 ? -errno : 0;
  if (pid == 0)
    make_apart (user_ns, ends[1]);
  fd_close (ends[1]);
  if (r == 0)
    r = fd_recv (ends[0]);
  fd_close (ends[0]);
  if (pid > 0 && proc_wait (pid, &status) == 0 && r < 0 && WIFEXITED (status) && WEXITSTATUS (status) > 0)
    r = -WEXITSTATUS (status);
  return r;
}

/* open_inside: a socket of the container's namespace, which is made if need be; we are back in the shared one then. */
static LinkSocket *
open_inside (const Netd *netd, const Job *job, int *ns, Made *made, GError **error)
{
  gboolean make = *ns < 0;
  if (make)
    {
      *ns = make_namespace (job->user_ns);
      if (*ns < 0)
        {
          coracle_throw_errno (error, -*ns, "making a network namespace");
          return NULL;
        }
      (void) add_fd (made, *ns);
    }
  if (!enter (*ns, error))
    return NULL;
  g_autoptr (LinkSocket) inside = link_open ();
  int errsv = errno;
  if (inside == NULL)
    {
      coracle_throw_errno (error, errsv, "opening rtnetlink");
      return NULL;
    }
  if (make)
    (void) link_set_up (inside, 1);
  return enter (netd->ns, error) ? g_steal_pointer (&inside) : NULL;
}

static void
remove_links (LinkSocket *outside, const GPtrArray *names)
{
  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      int index = link_index (outside, names->pdata[i]);
      if (index > 0)
        (void) link_delete (outside, index);
    }
}

/* remove_inside: what has no end outside. */
static void
remove_inside (const Netd *netd, const Job *job)
{
  Made none = { .n = 0 };
  int ns = job->ns;
  g_autoptr (LinkSocket) inside = job->dead_inside != NULL && job->dead_inside->len > 0 && ns >= 0 ? open_inside (netd, job, &ns, &none, NULL) : NULL;
  if (inside != NULL)
    remove_links (inside, job->dead_inside);
}

static gboolean
connect_all (const Netd *netd, LinkSocket *host, LinkSocket *outside, const Job *job, Made *made, GError **error)
{
  int ns = job->ns;
  g_autoptr (LinkSocket) inside = open_inside (netd, job, &ns, made, error);
  const Sockets sockets = { host, outside, inside };
  for (guint i = 0; inside != NULL && i < job->attachments->len; i++)
    if (!connect_one (&sockets, job->attachments->pdata[i], i, job, ns, error))
      return FALSE;
  return inside != NULL;
}

static gboolean
work (const Netd *netd, const Job *job, Made *made, GError **error)
{
  g_autoptr (LinkSocket) host = link_open ();
  if (!enter (netd->ns, error))
    return FALSE;
  g_autoptr (LinkSocket) outside = link_open ();
  int errsv = errno;
  if (host == NULL || outside == NULL)
    return coracle_throw_errno (error, errsv, "opening rtnetlink");
  remove_links (outside, job->dead);
  remove_inside (netd, job);
  if (job->firewall != NULL && !firewall_apply (job->firewall, error))
    return FALSE;
  Made sockets = { .n = 0 };
  for (guint i = 0; job->bridges != NULL && i < job->bridges->len; i++)
    if (!make_bridge (outside, job->bridges->pdata[i], job, &sockets, error))
      return FALSE;
  /* the namespace's descriptor, where one is made, is the first to be handed back */
  if (job->attachments != NULL && !connect_all (netd, host, outside, job, made, error))
    return FALSE;
  for (guint i = 0; i < sockets.n; i++)
    if (!add_fd (made, sockets.fds[i]))
      return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "too many networks at once");
  return TRUE;
}

/* ---- the child and its answer */

static gboolean
send_made (int socket, const char *text, const Made *made)
{
  union {
    char bytes[CMSG_SPACE (sizeof (int) * JOB_FDS_MAX)];
    struct cmsghdr align;
  } control;
  memset (&control, 0, sizeof control);
  struct iovec data = { .iov_base = (char *) (uintptr_t) text, .iov_len = strlen (text) + 1 };
  struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
  if (made->n > 0)
    {
      message.msg_control = control.bytes;
      message.msg_controllen = CMSG_SPACE (sizeof (int) * made->n);
      struct cmsghdr *header = CMSG_FIRSTHDR (&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN (sizeof (int) * made->n);
      memcpy (CMSG_DATA (header), made->fds, sizeof (int) * made->n);
    }
  return sendmsg (socket, &message, MSG_NOSIGNAL) >= 0;
}

static gboolean
receive_made (int socket, Made *made, GError **error)
{
  union {
    char bytes[CMSG_SPACE (sizeof (int) * JOB_FDS_MAX)];
    struct cmsghdr align;
  } control;
  char text[TEXT_MAX];
  struct iovec data = { .iov_base = text, .iov_len = sizeof text };
  struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
  ssize_t n;
  do
    n = recvmsg (socket, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n <= 0 || text[n - 1] != '\0')
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "coracle-netd: a child of it died");
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
    {
      made->n = (guint) ((header->cmsg_len - CMSG_LEN (0)) / sizeof (int));
      memcpy (made->fds, CMSG_DATA (header), sizeof (int) * made->n);
    }
  return text[0] == '\0' || coracle_throw (error, (CoracleErrorCode) (text[0] - 'A'), "%s", text + 1);
}

typedef gboolean (*Task) (const Netd *netd, const void *data, Made *made, GError **error);

static void G_GNUC_NORETURN
perform (const Netd *netd, Task task, const void *data, int socket)
{
  Made made = { .n = 0 };
  g_autoptr (GError) problem = NULL;
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  gboolean done = task (netd, data, &made, &problem);
  g_autofree char *text = done ? g_strdup ("") : g_strdup_printf ("%c%.2000s", 'A' + (problem != NULL ? problem->code : 0), problem != NULL ? problem->message : "it failed");
  if (!done)
    made.n = 0;
  (void) send_made (socket, text, &made);
  _exit (0);
}

static gboolean
run_task (const Netd *netd, Task task, const void *data, Made *ret_made, GError **error)
{
  int ends[2], status;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "socketpair");
    }
  pid_t pid = fork ();
  int errsv = errno;
  if (pid == 0)
    perform (netd, task, data, ends[1]);
  fd_close (ends[1]);
  gboolean done = pid > 0 ? receive_made (ends[0], ret_made, error) : coracle_throw_errno (error, errsv, "fork");
  fd_close (ends[0]);
  if (pid > 0)
    (void) proc_wait (pid, &status);
  return done;
}

static gboolean
task_job (const Netd *netd, const void *data, Made *made, GError **error)
{
  return work (netd, data, made, error);
}

gboolean
job_run (const Netd *netd, const Job *job, int ret_fds[JOB_FDS_MAX], guint *ret_n, GError **error)
{
  Made made = { .n = 0 };
  if (!run_task (netd, task_job, job, &made, error))
    return FALSE;
  memcpy (ret_fds, made.fds, sizeof (int) * made.n);
  *ret_n = made.n;
  return TRUE;
}

static gboolean
task_namespace (const Netd *netd, const void *data, Made *made, GError **error)
{
  const int *slirp_socket = data;
  if (unshare (CLONE_NEWNET) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making a network namespace");
    }
  int r = slirp_attach_child (*slirp_socket, &netd->slirp);
  if (r < 0)
    return coracle_throw_errno (error, -r, "making the way out (is /dev/net/tun there and writable to you?)");
  int ns = open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int errsv = errno;
  if (ns < 0)
    return coracle_throw_errno (error, errsv, "opening a network namespace");
  (void) add_fd (made, ns);
  return set_sysctl ("ipv4/ip_forward", "1", TRUE, error) && set_sysctl ("ipv6/conf/all/forwarding", "1", FALSE, error) && set_sysctl ("ipv6/conf/default/accept_dad", "0", FALSE, error);
}

int
job_namespace (const Netd *netd, int slirp_socket, GError **error)
{
  Made made = { .n = 0 };
  return run_task (netd, task_namespace, &slirp_socket, &made, error) && made.n == 1 ? made.fds[0] : -1;
}

static gboolean
task_tap (const Netd *netd, const void *data, Made *made, GError **error)
{
  (void) made;
  if (!enter (netd->ns, error))
    return FALSE;
  int r = slirp_attach_again_child (*(const int *) data, &netd->slirp);
  return r == 0 || coracle_throw_errno (error, -r, "making the way out anew");
}

gboolean
job_tap (const Netd *netd, int slirp_socket, GError **error)
{
  Made made = { .n = 0 };
  return run_task (netd, task_tap, &slirp_socket, &made, error);
}
