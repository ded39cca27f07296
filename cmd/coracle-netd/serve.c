#include "netd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network/firewall.h"
#include "network/netd.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"

/* ---- networks */

static void
live_free (Live *live)
{
  for (guint i = 0; i < live->dns->len; i++)
    loop_drop (live->dns->pdata[i]);
  for (guint i = 0; i < live->sockets->len; i++)
    fd_close (g_array_index (live->sockets, int, i));
  g_array_unref (live->sockets);
  g_ptr_array_unref (live->dns);
  net_config_free (live->config);
  g_free (live);
}

Live *
live_new (const NetConfig *config)
{
  Live *live = g_new0 (Live, 1);
  json_auto_t *copy = net_config_to_json (config);
  live->config = net_config_from_json (copy, NULL);
  live->dns = g_ptr_array_new ();
  live->sockets = g_array_new (FALSE, FALSE, sizeof (int));
  return live;
}

gboolean
net_is_bridge (const NetConfig *config)
{
  return strcmp (config->driver, "bridge") == 0;
}

/* firewall_of: rules for all networks that are up. */
static char *
firewall_of (Netd *netd)
{
  g_autoptr (GArray) networks = g_array_new (FALSE, FALSE, sizeof (FirewallNetwork));
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, netd->networks);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Live *live = value;
      const FirewallNetwork network = { live->config, live->dns_port };
      if (net_is_bridge (live->config) && !live->bare)
        g_array_append_val (networks, network);
    }
  return firewall_text (networks);
}

/* take_sockets: those that the job has made for @bridges, in its order. */
static void
take_sockets (Netd *netd, const GPtrArray *bridges, const int *fds, guint n)
{
  guint at = 0;
  for (guint i = 0; i < bridges->len; i++)
    {
      Live *live = bridges->pdata[i];
      const NetConfig *config = live->config;
      for (guint k = 0; config->dns && net_is_bridge (config) && k < config->subnets->len; k++)
        for (int tcp = 0; tcp < 2 && g_array_index (config->subnets, NetConfigSubnet, k).gateway.size > 0 && at < n; tcp++)
          g_array_append_val (live->sockets, fds[at++]);
      names_network (netd, live, 0);
    }
}

/* drop_network: it is down, or never came up. */
static void
drop_network (Netd *netd, const char *name)
{
  names_drop (netd, name);
  g_hash_table_remove (netd->networks, name);
}

static void
drop_networks (Netd *netd, const GPtrArray *bridges)
{
  for (guint i = 0; i < bridges->len; i++)
    drop_network (netd, ((const Live *) bridges->pdata[i])->config->name);
}

static void
count_users (Netd *netd, const GPtrArray *attachments)
{
  for (guint i = 0; i < attachments->len; i++)
    {
      Live *live = g_hash_table_lookup (netd->networks, ((const Attachment *) attachments->pdata[i])->config->name);
      live->users++;
    }
}

/* take_back: what a job that failed has made. */
static void
take_back (Netd *netd, const GPtrArray *attachments, const GPtrArray *bridges, int ns)
{
  g_autoptr (GPtrArray) dead = g_ptr_array_new (), inside = g_ptr_array_new ();
  int fds[JOB_FDS_MAX];
  guint n;
  for (guint i = 0; i < attachments->len; i++)
    {
      const Attachment *attachment = attachments->pdata[i];
      gboolean bridge = net_is_bridge (attachment->config);
      g_ptr_array_add (bridge ? dead : inside, bridge ? attachment->link : attachment->interface);
    }
  for (guint i = 0; i < bridges->len; i++)
    if (net_is_bridge (((const Live *) bridges->pdata[i])->config))
      g_ptr_array_add (dead, ((const Live *) bridges->pdata[i])->config->interface);
  const Job job = { .ns = ns, .user_ns = -1, .dead = dead, .dead_inside = inside };
  (void) job_run (netd, &job, fds, &n, NULL);
  drop_networks (netd, bridges);
}

gboolean
net_join (Netd *netd, Member *member, GPtrArray *attachments, gboolean again, GError **error)
{
  g_autoptr (GPtrArray) bridges = g_ptr_array_new ();
  int fds[JOB_FDS_MAX];
  guint n = 0;
  for (guint i = 0; i < attachments->len; i++)
    {
      const Attachment *attachment = attachments->pdata[i];
      if (g_hash_table_lookup (netd->networks, attachment->config->name) != NULL)
        continue;
      Live *live = live_new (attachment->config);
      live->bare = json_is_false (json_object_get (attachment->wanted, "firewall"));
      live->dns_port = (guint) json_integer_value (json_object_get (attachment->wanted, "dns_port"));
      g_hash_table_insert (netd->networks, live->config->name, live);
      g_ptr_array_add (bridges, live);
    }
  g_autofree char *firewall = bridges->len > 0 || again ? firewall_of (netd) : NULL;
  gboolean make = member->ns < 0;
  const Job job = { .ns = member->ns, .user_ns = member->user_ns, .attachments = attachments, .bridges = bridges, .firewall = firewall, .again = again };
  if (!job_run (netd, &job, fds, &n, error))
    {
      take_back (netd, attachments, bridges, member->ns);
      return FALSE;
    }
  if (make && n > 0)
    member->ns = fds[0];
  take_sockets (netd, bridges, fds + (make ? 1 : 0), n - (make ? 1 : 0));
  count_users (netd, attachments);
  return TRUE;
}

void
net_leave (Netd *netd, const GPtrArray *attachments, int ns)
{
  g_autoptr (GPtrArray) dead = g_ptr_array_new_with_free_func (g_free), inside = g_ptr_array_new ();
  int fds[JOB_FDS_MAX];
  guint n, before = g_hash_table_size (netd->networks);
  for (guint i = 0; i < attachments->len; i++)
    {
      const Attachment *attachment = attachments->pdata[i];
      Live *live = g_hash_table_lookup (netd->networks, attachment->config->name);
      if (net_is_bridge (attachment->config))
        g_ptr_array_add (dead, g_strdup (attachment->link));
      else if (ns >= 0)
        g_ptr_array_add (inside, attachment->interface);
      if (live == NULL || (live->users > 0 && --live->users > 0))
        continue;
      if (net_is_bridge (live->config))
        g_ptr_array_add (dead, g_strdup (live->config->interface));
      drop_network (netd, live->config->name);
    }
  g_autofree char *firewall = g_hash_table_size (netd->networks) != before ? firewall_of (netd) : NULL;
  const Job job = { .ns = ns, .user_ns = -1, .dead = dead, .dead_inside = inside, .firewall = firewall };
  if (dead->len > 0 || inside->len > 0)
    (void) job_run (netd, &job, fds, &n, NULL);
}

/* ---- members */

/* member_gone: its monitor has ended. */
static void
member_gone (Watch *watch, uint32_t events, void *data)
{
  (void) events;
  Netd *netd = data;
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, netd->members);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Member *member = value;
      if (member->life != watch)
        continue;
      g_hash_table_iter_steal (&iter);
      names_gone (netd, member->id);
      net_leave (netd, member->attachments, -1);
      member_free (member);
      return;
    }
  loop_drop (watch);
}

/* forget: it is on no network any more. */
static void
forget (Netd *netd, Member *member)
{
  g_hash_table_steal (netd->members, member->id);
  names_gone (netd, member->id);
  if (!member->awaited)
    net_leave (netd, member->attachments, -1);
  member_free (member);
}

/* adopt: one that was set up before our time, as soon as it lives. */
static gboolean
adopt (Netd *netd, Member *member)
{
  cleanup_fd int monitor = member_open_monitor (netd, member->id), ns = monitor >= 0 ? member_open_ns (netd, member->id) : -1;
  if (ns < 0)
    return FALSE;
  member->awaited = FALSE;
  member->ns = fd_steal (&ns);
  member->life = loop_watch (netd->loop, fd_steal (&monitor), EPOLLIN, member_gone, netd);
  (void) net_join (netd, member, member->attachments, TRUE, NULL);
  names_member (netd, member);
  return TRUE;
}

gboolean
serve_await (Netd *netd)
{
  g_autoptr (GPtrArray) awaited = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;
  if (!netd->awaits)
    return FALSE;
  g_hash_table_iter_init (&iter, netd->members);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Member *) value)->awaited)
      g_ptr_array_add (awaited, value);
  netd->awaits = FALSE;
  for (guint i = 0; i < awaited->len; i++)
    {
      Member *member = awaited->pdata[i];
      if (adopt (netd, member))
        continue;
      if (member_is_alive (netd, member->id))
        netd->awaits = TRUE;
      else
        forget (netd, member);
    }
  return netd->awaits;
}

/* settle: whoever set it up has gone: is the container alive, it is watched from now on; if not, all is taken back. */
static void
settle (Netd *netd, Member *member)
{
  int monitor = member_is_alive (netd, member->id) ? member_open_monitor (netd, member->id) : -1;
  member->client = NULL;
  if (monitor >= 0)
    {
      member->life = loop_watch (netd->loop, monitor, EPOLLIN, member_gone, netd);
      return;
    }
  forget (netd, member);
}

/* known: one that is awaited is connected now, if it lives. */
static Member *
known (Netd *netd, json_t *request, GError **error)
{
  const char *id = json_string_value (json_object_get (request, "id"));
  Member *member = id != NULL ? g_hash_table_lookup (netd->members, id) : NULL;
  if (member == NULL || (member->awaited && !adopt (netd, member)))
    {
      coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "container %s is on no network", id != NULL ? id : "");
      return NULL;
    }
  return member;
}

/* ---- requests */

typedef struct {
  Netd *netd;
  Watch *watch;
  int handed;   /* a descriptor that came with the request; -1 */
} Client;

static gboolean
attach_all (Netd *netd, Member *member, json_t *networks, GError **error)
{
  size_t i;
  json_t *network;
  json_array_foreach (networks, i, network)
    {
      Attachment *attachment = member_attach (netd, member, network, error);
      if (attachment == NULL)
        return FALSE;
      g_ptr_array_add (member->attachments, attachment);
    }
  return TRUE;
}

static gboolean
op_setup (Client *client, json_t *request, json_t **ret_answer, int *ret_fd, GError **error)
{
  Netd *netd = client->netd;
  Member *member = member_new (request, error);
  if (member == NULL)
    return FALSE;
  Member *old = g_hash_table_lookup (netd->members, member->id);
  if (old != NULL)
    {
      /* it is started again by whoever has its lock now: so the one before has ended */
      forget (netd, old);
    }
  gboolean joined = FALSE;
  member->user_ns = client->handed;
  gboolean done = attach_all (netd, member, json_object_get (request, "networks"), error) && (joined = net_join (netd, member, member->attachments, FALSE, error))
                  && member_record (netd, member, error);
  member->user_ns = -1;
  if (!done)
    {
      if (joined)
        net_leave (netd, member->attachments, -1);
      member_free (member);
      return FALSE;
    }
  member->client = client;
  g_hash_table_insert (netd->members, member->id, member);
  names_member (netd, member);
  *ret_answer = member_json (member);
  *ret_fd = member->ns;
  return TRUE;
}

static gboolean
op_connect (Client *client, json_t *request, json_t **ret_answer, int *ret_fd, GError **error)
{
  (void) ret_fd;
  Netd *netd = client->netd;
  Member *member = known (netd, request, error);
  json_t *network = json_object_get (request, "network");
  if (member == NULL)
    return FALSE;
  Attachment *attachment = member_attach (netd, member, network, error);
  if (attachment == NULL)
    return FALSE;
  g_autoptr (GPtrArray) one = g_ptr_array_new ();
  g_ptr_array_add (one, attachment);
  if (member->ns < 0)
    member->ns = member_open_ns (netd, member->id);
  if (member->ns < 0 || !net_join (netd, member, one, FALSE, error))
    {
      if (member->ns < 0)
        coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "container %s does not run", member->id);
      attachment_free (attachment);
      return FALSE;
    }
  g_ptr_array_add (member->attachments, attachment);
  names_member (netd, member);
  *ret_answer = member_json (member);
  return member_record (netd, member, error);
}

static gboolean
op_disconnect (Client *client, json_t *request, json_t **ret_answer, int *ret_fd, GError **error)
{
  (void) ret_fd;
  Netd *netd = client->netd;
  const char *name = json_string_value (json_object_get (request, "network"));
  Member *member = known (netd, request, error);
  Attachment *attachment = member != NULL && name != NULL ? member_find (member, name) : NULL;
  if (member != NULL && attachment == NULL)
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "container %s is not connected to network %s", member->name, name != NULL ? name : "");
  if (attachment == NULL)
    return FALSE;
  g_autoptr (GPtrArray) one = g_ptr_array_new ();
  g_ptr_array_add (one, attachment);
  net_leave (netd, one, member->ns >= 0 ? member->ns : (member->ns = member_open_ns (netd, member->id)));
  (void) g_ptr_array_remove (member->attachments, attachment);
  names_member (netd, member);
  *ret_answer = member_json (member);
  return member_record (netd, member, error);
}

static void
uncount (Netd *netd, const Member *member)
{
  for (guint i = 0; i < member->attachments->len; i++)
    {
      Live *live = g_hash_table_lookup (netd->networks, ((const Attachment *) member->attachments->pdata[i])->config->name);
      if (live != NULL)
        live->users--;
    }
}

static gboolean
op_reload (Client *client, json_t *request, json_t **ret_answer, int *ret_fd, GError **error)
{
  (void) ret_fd;
  Netd *netd = client->netd;
  Member *member = known (netd, request, error);
  if (member == NULL)
    return FALSE;
  uncount (netd, member);
  if (!net_join (netd, member, member->attachments, TRUE, error))
    return FALSE;
  *ret_answer = member_json (member);
  return TRUE;
}

static gboolean
op_left (Client *client, json_t *request, json_t **ret_answer, int *ret_fd, GError **error)
{
  (void) ret_fd;
  Netd *netd = client->netd;
  Member *member = known (netd, request, NULL);
  (void) error;
  *ret_answer = json_object ();
  if (member == NULL || member->client != NULL)
    return TRUE;
  forget (netd, member);
  return TRUE;
}

static gboolean
op_rename (Client *client, json_t *request, json_t **ret_answer, int *ret_fd, GError **error)
{
  (void) ret_fd;
  Member *member = known (client->netd, request, error);
  const char *name = json_string_value (json_object_get (request, "name"));
  if (member == NULL || name == NULL)
    return FALSE;
  g_free (member->name);
  member->name = g_strdup (name);
  names_member (client->netd, member);
  *ret_answer = json_object ();
  return member_record (client->netd, member, error);
}

static gboolean
op_config (Client *client, json_t *request, json_t **ret_answer, int *ret_fd, GError **error)
{
  (void) ret_fd;
  NetConfig *config = net_config_from_json (json_object_get (request, "config"), error);
  if (config == NULL)
    return FALSE;
  Live *live = g_hash_table_lookup (client->netd->networks, config->name);
  if (live != NULL)
    {
      g_strfreev (live->config->dns_servers);
      live->config->dns_servers = g_strdupv (config->dns_servers);
      names_network (client->netd, live, live->sockets->len);
    }
  net_config_free (config);
  *ret_answer = json_object ();
  return TRUE;
}

/* op_namespace: it stays while the connection does: serve_idle. */
static gboolean
op_namespace (Client *client, json_t *request, json_t **ret_answer, int *ret_fd, GError **error)
{
  (void) request;
  (void) error;
  *ret_answer = json_object ();
  *ret_fd = client->netd->ns;
  return TRUE;
}

static const struct {
  const char *name;
  gboolean (*perform) (Client *client, json_t *request, json_t **ret_answer, int *ret_fd, GError **error);
} operations[] = { { "setup", op_setup }, { "connect", op_connect }, { "disconnect", op_disconnect }, { "reload", op_reload }, { "left", op_left }, { "rename", op_rename }, { "config", op_config }, { "namespace", op_namespace } };

static gboolean
perform (Client *client, json_t *request, json_t **ret_answer, int *ret_fd, GError **error)
{
  const char *name = json_string_value (json_object_get (request, "op"));
  for (size_t i = 0; name != NULL && i < G_N_ELEMENTS (operations); i++)
    if (strcmp (operations[i].name, name) == 0)
      return operations[i].perform (client, request, ret_answer, ret_fd, error);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "coracle-netd: unknown request");
}

/* ---- clients */

static void
client_gone (Client *client)
{
  Netd *netd = client->netd;
  g_autoptr (GPtrArray) theirs = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, netd->members);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Member *) value)->client == client)
      g_ptr_array_add (theirs, value);
  for (guint i = 0; i < theirs->len; i++)
    settle (netd, theirs->pdata[i]);
  netd->waiting--;
  loop_drop (client->watch);
  g_free (client);
}

static void
answer (int socket, const json_t *object, int fd)
{
  g_autofree char *text = json_dumps (object, JSON_COMPACT);
  union {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr align;
  } control;
  memset (&control, 0, sizeof control);
  struct iovec data = { .iov_base = text, .iov_len = strlen (text) };
  struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
  if (fd >= 0)
    {
      message.msg_control = control.bytes;
      message.msg_controllen = sizeof control.bytes;
      struct cmsghdr *header = CMSG_FIRSTHDR (&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN (sizeof (int));
      memcpy (CMSG_DATA (header), &fd, sizeof (int));
    }
  (void) sendmsg (socket, &message, MSG_NOSIGNAL);
}

/* hear: a request, and the descriptor that comes with it, if any. */
static ssize_t
hear (int socket, char *text, int *ret_fd)
{
  union {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr align;
  } control;
  struct iovec data = { .iov_base = text, .iov_len = NETD_MESSAGE_MAX };
  struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
  ssize_t n = recvmsg (socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR (&message) : NULL;
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
    memcpy (ret_fd, CMSG_DATA (header), sizeof *ret_fd);
  return n;
}

static void
serve_client (Watch *watch, uint32_t events, void *data)
{
  Client *client = data;
  g_autofree char *text = g_malloc (NETD_MESSAGE_MAX);
  cleanup_fd int handed = -1;
  ssize_t n = hear (loop_fd (watch), text, &handed);
  (void) events;
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0)
    {
      client_gone (client);
      return;
    }
  json_auto_t *request = json_loadb (text, (size_t) n, 0, NULL);
  json_auto_t *said = NULL;
  GError *problem = NULL;
  int fd = -1;
  client->handed = handed;
  if (!perform (client, request, &said, &fd, &problem))
    {
      json_decref (said);
      said = json_pack ("{s:s, s:i}", "error", problem != NULL ? problem->message : "coracle-netd: it failed", "code", problem != NULL ? problem->code : CORACLE_ERROR_SYSTEM);
      g_clear_error (&problem);
      fd = -1;
    }
  answer (loop_fd (watch), said, fd);
}

static void
accept_client (Watch *watch, uint32_t events, void *data)
{
  Netd *netd = data;
  int fd = accept4 (loop_fd (watch), NULL, NULL, SOCK_CLOEXEC);
  int size = NETD_MESSAGE_MAX;
  struct ucred peer;
  socklen_t length = sizeof peer;
  (void) events;
  if (fd < 0)
    return;
  /* the folder lets nobody else in */
  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || (peer.uid != geteuid () && peer.uid != 0))
    {
      fd_close (fd);
      return;
    }
  (void) setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  Client *client = g_new0 (Client, 1);
  client->netd = netd;
  client->watch = loop_watch (netd->loop, fd, EPOLLIN, serve_client, client);
  netd->waiting++;
}

void
netd_tables (Netd *netd)
{
  netd->members = g_hash_table_new (g_str_hash, g_str_equal);
  netd->networks = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) live_free);
}

gboolean
serve_begin (Netd *netd, int listener, GError **error)
{
  (void) error;
  netd_tables (netd);
  netd->last = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  netd->listener = loop_watch (netd->loop, listener, EPOLLIN, accept_client, netd);
  return TRUE;
}

void
serve_restore (Netd *netd)
{
  g_autoptr (GPtrArray) members = members_read (netd);
  for (guint i = 0; i < members->len; i++)
    {
      Member *member = members->pdata[i];
      member->awaited = TRUE;
      g_hash_table_insert (netd->members, member->id, member);
    }
  netd->awaits = TRUE;
  (void) serve_await (netd);
}

gboolean
serve_idle (const Netd *netd)
{
  return netd->waiting == 0 && g_hash_table_size (netd->members) == 0;
}
