/* The process that serves DNS. Everything that containers and foreign name servers send is read there: it has no capability, no file, and a filter of its own; what it knows is told to it.
 *
 *   { "member": MEMBER }      as in network.json: it is there, or has changed
 *   { "gone": ID }
 *   { "network": CONFIG }     it is there, or has changed; with its sockets, UDP and TCP in turn, where these are new
 *   { "drop": NAME }
 *   { "servers": [ADDRESS] }  the host's
 * What the first process tells before it answers a command is known here before any question that comes after the answer: each question is read first, then what has been told. */
#include "netd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network/netd.h"
#include "network/sandbox.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"

#define RESOLVER "/etc/resolv.conf"
/* How long, in milliseconds, the one that serves may take to make room for one more message: then it is killed and begun anew */
#define PATIENCE_MS 1000
/* One that lived for less than this, in microseconds, is begun again only after a pause */
#define SHORT_LIFE (G_USEC_PER_SEC)
#define PAUSE_MS 200

/* ---- the first process: telling */

typedef union {
  char bytes[CMSG_SPACE (sizeof (int) * JOB_FDS_MAX)];
  struct cmsghdr align;
} Control;

static void
tell_with (Netd *netd, json_t *object, const int *fds, guint n)
{
  g_autofree char *text = json_dumps (object, JSON_COMPACT);
  Control control;
  memset (&control, 0, sizeof control);
  struct iovec data = { .iov_base = text, .iov_len = strlen (text) };
  struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
  struct pollfd room = { .fd = netd->names_socket, .events = POLLOUT };
  if (n > 0)
    {
      message.msg_control = control.bytes;
      message.msg_controllen = CMSG_SPACE (sizeof (int) * n);
      struct cmsghdr *header = CMSG_FIRSTHDR (&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN (sizeof (int) * n);
      memcpy (CMSG_DATA (header), fds, sizeof (int) * n);
    }
  while (netd->names > 0 && sendmsg (netd->names_socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    if (errno != EINTR && (errno != EAGAIN || poll (&room, 1, PATIENCE_MS) != 1))
      {
        /* its end is heard of, and another one is told everything */
        (void) kill (netd->names, SIGKILL);
        return;
      }
}

static void
tell (Netd *netd, json_t *object)
{
  tell_with (netd, object, NULL, 0);
  json_decref (object);
}

void
names_member (Netd *netd, const Member *member)
{
  tell (netd, json_pack ("{s:o}", "member", member_json (member)));
}

void
names_gone (Netd *netd, const char *id)
{
  tell (netd, json_pack ("{s:s}", "gone", id));
}

void
names_network (Netd *netd, const Live *live, guint from)
{
  json_auto_t *object = json_pack ("{s:o}", "network", net_config_to_json (live->config));
  tell_with (netd, object, (const int *) (void *) live->sockets->data + from, MIN (live->sockets->len - from, JOB_FDS_MAX));
}

void
names_drop (Netd *netd, const char *network)
{
  tell (netd, json_pack ("{s:s}", "drop", network));
}

/* ---- the host's name servers */

static json_t *
host_servers (void)
{
  g_autofree char *text = NULL;
  json_t *servers = json_array ();
  (void) path_read_file (AT_FDCWD, RESOLVER, 1 << 20, &text, NULL, NULL);
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      NetAddress address;
      g_auto (GStrv) words = g_strsplit_set (g_strstrip (*line), " \t", 2);
      if (g_strcmp0 (words[0], "nameserver") == 0 && words[1] != NULL && net_address_parse (g_strstrip (words[1]), &address))
        json_array_append_new (servers, json_string (words[1]));
    }
  return servers;
}

/* look_at: the folder of the file, and that of what it leads to: both are written by renaming, some by changing. */
static void
look_at (int inotify)
{
  const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR;
  g_autofree char *target = realpath (RESOLVER, NULL), *folder = target != NULL ? g_path_get_dirname (target) : NULL;
  (void) inotify_add_watch (inotify, "/etc", events);
  if (folder != NULL)
    (void) inotify_add_watch (inotify, folder, events);
}

static void
resolver_changed (Watch *watch, uint32_t events, void *data)
{
  Netd *netd = data;
  char buffer[4096] __attribute__ ((aligned (8)));
  (void) events;
  while (read (loop_fd (watch), buffer, sizeof buffer) > 0)
    continue;
  look_at (loop_fd (watch));
  json_t *servers = host_servers ();
  if (json_equal (servers, netd->servers))
    {
      json_decref (servers);
      return;
    }
  json_decref (netd->servers);
  netd->servers = servers;
  tell (netd, json_pack ("{s:O}", "servers", netd->servers));
}

void
names_watch_resolver (Netd *netd)
{
  int inotify = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  netd->servers = host_servers ();
  if (inotify < 0)
    return;
  look_at (inotify);
  (void) loop_watch (netd->loop, inotify, EPOLLIN, resolver_changed, netd);
}

/* ---- the one that serves */

static void
forget_member (Netd *netd, const char *id)
{
  Member *member = id != NULL ? g_hash_table_lookup (netd->members, id) : NULL;
  if (member == NULL)
    return;
  g_hash_table_steal (netd->members, id);
  member_free (member);
}

static void
learn_member (Netd *netd, json_t *object)
{
  Member *member = member_parse (object);
  if (member == NULL)
    return;
  forget_member (netd, member->id);
  g_hash_table_insert (netd->members, member->id, member);
}

static void
learn_network (Netd *netd, json_t *object, const int *fds, guint n)
{
  NetConfig *config = net_config_from_json (object, NULL);
  Live *live = config != NULL ? g_hash_table_lookup (netd->networks, config->name) : NULL;
  if (config != NULL && live == NULL)
    {
      live = live_new (config);
      g_hash_table_insert (netd->networks, live->config->name, live);
    }
  else if (live != NULL)
    {
      g_strfreev (live->config->dns_servers);
      live->config->dns_servers = g_strdupv (config->dns_servers);
    }
  for (guint i = 0; i < n; i++)
    if (live != NULL)
      g_ptr_array_add (live->dns, dns_serve (netd, live->config->name, fds[i], i % 2 != 0));
    else
      fd_close (fds[i]);
  net_config_free (config);
}

static void
learn (Netd *netd, json_t *message, const int *fds, guint n)
{
  json_t *member = json_object_get (message, "member"), *network = json_object_get (message, "network"), *servers = json_object_get (message, "servers");
  const char *drop = json_string_value (json_object_get (message, "drop"));
  forget_member (netd, json_string_value (json_object_get (message, "gone")));
  if (member != NULL)
    learn_member (netd, member);
  if (network != NULL)
    learn_network (netd, network, fds, n);
  if (drop != NULL)
    g_hash_table_remove (netd->networks, drop);
  if (servers != NULL)
    {
      json_decref (netd->servers);
      netd->servers = json_incref (servers);
    }
}

/* hear_one: FALSE: there is nothing. */
static gboolean
hear_one (Netd *netd, char *text)
{
  Control control;
  int fds[JOB_FDS_MAX];
  guint n_fds = 0;
  struct iovec data = { .iov_base = text, .iov_len = NETD_MESSAGE_MAX };
  struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
  ssize_t n = recvmsg (netd->names_socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
    _exit (0);
  if (n < 0)
    return FALSE;
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
    {
      n_fds = (guint) ((header->cmsg_len - CMSG_LEN (0)) / sizeof (int));
      memcpy (fds, CMSG_DATA (header), sizeof (int) * n_fds);
    }
  json_auto_t *object = json_loadb (text, (size_t) n, 0, NULL);
  learn (netd, object, fds, n_fds);
  return TRUE;
}

void
names_hear (Netd *netd)
{
  static char text[NETD_MESSAGE_MAX];
  while (hear_one (netd, text))
    continue;
}

static void
told (Watch *watch, uint32_t events, void *data)
{
  (void) watch;
  (void) events;
  names_hear (data);
}

static void G_GNUC_NORETURN
serve (int socket, gboolean soon)
{
  Netd netd = { .run_fd = -1, .folder_fd = -1, .ns = -1, .spare_socket = -1, .names_socket = socket };
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  (void) prctl (PR_SET_NAME, "coracle-names");
  (void) close (NETD_LOCK_FD);
  sandbox_no_core ();
  (void) sandbox_leave_files (false);
  if (!sandbox_keep_capabilities (0) || !filter_names ())
    _exit (1);
  if (soon)
    (void) poll (NULL, 0, PAUSE_MS);
  netd.loop = loop_new ();
  netd_tables (&netd);
  (void) loop_watch (netd.loop, socket, EPOLLIN, told, &netd);
  for (;;)
    loop_turn (netd.loop, dns_tick ());
}

/* ---- begin and end of it */

static void
tell_all (Netd *netd)
{
  GHashTableIter iter;
  gpointer value;
  tell (netd, json_pack ("{s:O}", "servers", netd->servers));
  g_hash_table_iter_init (&iter, netd->members);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    names_member (netd, value);
  /* from here on it answers */
  g_hash_table_iter_init (&iter, netd->networks);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    names_network (netd, value, 0);
}

void
names_begin (Netd *netd)
{
  const int size = 4 * NETD_MESSAGE_MAX;
  gboolean soon = netd->names_begun > 0 && g_get_monotonic_time () - netd->names_begun < SHORT_LIFE;
  int ends[2];
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return;
  (void) setsockopt (ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  pid_t pid = fork ();
  if (pid == 0)
    {
      int *const kept[] = { &ends[1] };
      netd_keep_only (kept, G_N_ELEMENTS (kept));
      serve (ends[1], soon);
    }
  fd_close (ends[1]);
  netd->names = pid > 0 ? pid : 0;
  netd->names_socket = ends[0];
  netd->names_begun = g_get_monotonic_time ();
  tell_all (netd);
}

void
names_ended (Netd *netd)
{
  fd_close (fd_steal (&netd->names_socket));
  netd->names = 0;
  names_begin (netd);
}
