#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network/port.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"

/* net.core.somaxconn bounds it */
#define BACKLOG 4096
/* How often a run of free ports is looked for */
#define TRIES 32

struct PortListeners {
  GArray *entries;   /* of PortEntry */
  GArray *fds;       /* of int, ascending */
};

void
port_listeners_free (PortListeners *listeners)
{
  if (listeners == NULL)
    return;
  for (guint i = 0; i < listeners->entries->len; i++)
    fd_close (g_array_index (listeners->entries, PortEntry, i).fd);
  g_array_unref (listeners->entries);
  g_array_unref (listeners->fds);
  g_free (listeners);
}

typedef struct {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address;
  socklen_t size;
  gboolean both;    /* families */
} HostAddress;

static void
host_address (const PortMapping *mapping, gboolean v6, guint16 port, HostAddress *ret)
{
  memset (ret, 0, sizeof *ret);
  ret->both = mapping->host_ip[0] == '\0' && v6;
  if (v6)
    {
      ret->address.v6.sin6_family = AF_INET6;
      ret->address.v6.sin6_port = htons (port);
      ret->size = sizeof ret->address.v6;
      (void) inet_pton (AF_INET6, mapping->host_ip, &ret->address.v6.sin6_addr);
    }
  else
    {
      ret->address.v4.sin_family = AF_INET;
      ret->address.v4.sin_port = htons (port);
      ret->size = sizeof ret->address.v4;
      (void) inet_pton (AF_INET, mapping->host_ip, &ret->address.v4.sin_addr);
    }
}

/* set_options: what accepted connections have from their listener: a client that vanished is noticed, and nothing waits to be sent. */
static void
set_options (int fd, const HostAddress *host, gboolean udp)
{
  static const int on = 1, off = 0;
  if (host->address.any.sa_family == AF_INET6)
    (void) setsockopt (fd, SOL_IPV6, IPV6_V6ONLY, host->both ? &off : &on, sizeof on);
  if (udp)
    {
      if (host->address.any.sa_family == AF_INET6)
        (void) setsockopt (fd, SOL_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
      else
        (void) setsockopt (fd, SOL_IP, IP_PKTINFO, &on, sizeof on);
      return;
    }
  (void) setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  (void) setsockopt (fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  (void) setsockopt (fd, SOL_TCP, TCP_NODELAY, &on, sizeof on);
}

/* listen_on: a socket, or -errno. */
static int
listen_on (const PortMapping *mapping, gboolean v6, guint16 port)
{
  HostAddress host;
  host_address (mapping, v6, port, &host);
  cleanup_fd int fd = socket (host.address.any.sa_family, (mapping->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -errno;
  set_options (fd, &host, mapping->udp);
  if (bind (fd, &host.address.any, host.size) < 0 || (!mapping->udp && listen (fd, BACKLOG) < 0))
    return -errno;
  return fd_steal (&fd);
}

static int
listen_one (const PortMapping *mapping, guint16 port)
{
  if (mapping->host_ip[0] != '\0')
    return listen_on (mapping, strchr (mapping->host_ip, ':') != NULL, port);
  int fd = listen_on (mapping, TRUE, port);
  return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? listen_on (mapping, FALSE, port) : fd;
}

static guint16
port_of (int fd)
{
  HostAddress host;
  socklen_t size = sizeof host.address;
  if (getsockname (fd, &host.address.any, &size) < 0)
    return 0;
  return ntohs (host.address.any.sa_family == AF_INET6 ? host.address.v6.sin6_port : host.address.v4.sin_port);
}

static void
forget_from (GArray *entries, guint first)
{
  for (guint i = first; i < entries->len; i++)
    fd_close (g_array_index (entries, PortEntry, i).fd);
  g_array_set_size (entries, first);
}

/* listen_range: all of a mapping's ports from host port @first on; 0: any. Returns 0, or -errno and the port that was not to be had. */
static int
listen_range (GArray *entries, const PortMapping *mapping, guint16 first, guint16 *ret_port)
{
  guint before = entries->len;
  for (guint i = 0; i < mapping->range; i++)
    {
      guint port = i == 0 ? first : (guint) *ret_port + 1;
      int fd = port > 65535 ? -EADDRINUSE : listen_one (mapping, (guint16) port);
      if (fd < 0)
        {
          *ret_port = (guint16) port;
          forget_from (entries, before);
          return fd;
        }
      *ret_port = port_of (fd);
      PortEntry entry = { .fd = fd, .container_port = (guint16) (mapping->container_port + i), .udp = mapping->udp != FALSE };
      g_array_append_val (entries, entry);
    }
  return 0;
}

/* lowest_free: the first port that is not root's alone: ip-sysctl(5), ip_unprivileged_port_start. */
static guint
lowest_free (void)
{
  g_autofree char *text = NULL;
  if (!path_read_file (-1, "/proc/sys/net/ipv4/ip_unprivileged_port_start", 16, &text, NULL, NULL))
    return 1024;
  return (guint) g_ascii_strtoull (text, NULL, 10);
}

static gboolean
throw_refusal (const PortMapping *mapping, int number, guint16 port, GError **error)
{
  gboolean v6 = strchr (mapping->host_ip, ':') != NULL;
  g_autofree char *place = g_strdup_printf (v6 ? "[%s]:%u" : "%s:%u", port_mapping_host (mapping), port);
  guint lowest = number == EACCES ? lowest_free () : 0;
  if (number == EADDRINUSE)
    return coracle_throw (error, CORACLE_ERROR_IN_USE, "publishing port %s/%s: bind: address already in use", place, port_mapping_protocol (mapping));
  if (number == EACCES && port < lowest)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "publishing port %s/%s: bind: permission denied: ports below %u are root's: choose a higher one, or have root set the sysctl net.ipv4.ip_unprivileged_port_start=%u",
                          place, port_mapping_protocol (mapping), lowest, port);
  return coracle_throw_errno (error, number, "publishing port %s/%s: bind", place, port_mapping_protocol (mapping));
}

static gboolean
listen_mapping (GArray *entries, PortMapping *mapping, PortRefusal *ret_refusal, GError **error)
{
  guint16 port = mapping->host_port;
  int r = -EADDRINUSE;
  guint before = entries->len;
  /* the kernel chooses the first; whether its neighbours are free is a matter of luck */
  for (int i = 0; r == -EADDRINUSE && i < (mapping->host_port == 0 ? TRIES : 1); i++)
    r = listen_range (entries, mapping, mapping->host_port, &port);
  if (r < 0)
    {
      if (ret_refusal != NULL)
        *ret_refusal = (PortRefusal){ .error = -r, .mapping = mapping, .port = port };
      return throw_refusal (mapping, -r, port, error);
    }
  mapping->host_port = port_of (g_array_index (entries, PortEntry, before).fd);
  return TRUE;
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  return ((const PortEntry *) a)->fd - ((const PortEntry *) b)->fd;
}

PortListeners *
port_listen (GPtrArray *mappings, PortRefusal *ret_refusal, GError **error)
{
  g_autoptr (PortListeners) listeners = g_new0 (PortListeners, 1);
  listeners->entries = g_array_new (FALSE, FALSE, sizeof (PortEntry));
  listeners->fds = g_array_new (FALSE, FALSE, sizeof (int));
  if (ret_refusal != NULL)
    *ret_refusal = (PortRefusal){ 0 };
  /* what was asked for by number first: none of it is to be chosen for another */
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();
  for (guint i = 0; i < mappings->len; i++)
    {
      PortMapping *mapping = mappings->pdata[i];
      if (mapping->host_port == 0)
        g_ptr_array_add (chosen, mapping);
      else if (!listen_mapping (listeners->entries, mapping, ret_refusal, error))
        return NULL;
    }
  for (guint i = 0; i < chosen->len; i++)
    if (!listen_mapping (listeners->entries, chosen->pdata[i], ret_refusal, error))
      return NULL;
  g_array_sort (listeners->entries, compare_entries);
  for (guint i = 0; i < listeners->entries->len; i++)
    g_array_append_val (listeners->fds, g_array_index (listeners->entries, PortEntry, i).fd);
  return g_steal_pointer (&listeners);
}

const int *
port_listeners_fds (const PortListeners *listeners, guint *ret_n)
{
  *ret_n = listeners->fds->len;
  return (const int *) (void *) listeners->fds->data;
}

int
port_listeners_table (const PortListeners *listeners, const PortTarget *target)
{
  gsize entries = listeners->entries->len * sizeof (PortEntry), size = sizeof (PortTable) + entries;
  g_autofree PortTable *table = g_malloc0 (size);
  *table = (PortTable){ .magic = PORT_TABLE_MAGIC, .n = listeners->entries->len, .target = *target };
  memcpy (table->entries, listeners->entries->data, entries);
  return fd_memfd ("coracle-ports", table, size);
}
