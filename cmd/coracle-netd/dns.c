#include "netd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network/dns.h"
#include "pkg/base/fd.h"

/* Asked of others at once, connections at once, and how long, in microseconds, each may take; the second server is asked after half of it */
enum { FORWARDS_MAX = 1024, STREAMS_MAX = 256, PORT = 53 };
/* Answers that wait for their asker to take them: beyond, its further questions wait as well */
enum { OUT_MAX = 2 * DNS_MESSAGE_MAX };
#define PATIENCE (5 * G_USEC_PER_SEC)
#define DOMAIN ".dns.podman"

typedef struct {
  Netd *netd;
  char *network;
  gboolean tcp;
} Server;

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} Address;

/* A connection of a container's, with one question after the other. */
typedef struct {
  Server *server;   /* borrowed: freed with the network, and we before it */
  Watch *watch;
  Address peer;
  GByteArray *in, *out;
  gint64 due;
  struct Forward *forward;
} Stream;

/* A question that was handed on. */
typedef struct Forward {
  Netd *netd;
  Watch *upstream;
  int reply;        /* a copy of the server's socket, for UDP */
  Stream *stream;   /* or the connection */
  Address client;
  GByteArray *query;
  uint16_t id;      /* the asker's; ours is random */
  char **servers;
  guint at;         /* of servers */
  gint64 due;
  GByteArray *answer;   /* so far, by TCP */
  gsize sent;
} Forward;

static GPtrArray *forwards, *streams;

static NetAddress
address_of (const Address *address)
{
  NetAddress plain = { 0 };
  plain.size = address->any.sa_family == AF_INET ? 4 : 16;
  memcpy (plain.bytes, plain.size == 4 ? (const void *) &address->v4.sin_addr : (const void *) &address->v6.sin6_addr, plain.size);
  return plain;
}

static socklen_t
length_of (const Address *address)
{
  return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

/* ---- who is who */

static gboolean
has_address (const Attachment *attachment, const NetAddress *address)
{
  for (guint i = 0; i < attachment->leases->len; i++)
    if (net_address_compare (&g_array_index (attachment->leases, Lease, i).address, address) == 0)
      return TRUE;
  return FALSE;
}

/* asker: the member that has @address, on whichever network: it may ask by any gateway. Subnets do not overlap. */
static const Member *
asker (Netd *netd, const NetAddress *address)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, netd->members);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Member *member = value;
      for (guint i = 0; i < member->attachments->len; i++)
        if (has_address (member->attachments->pdata[i], address))
          return member;
    }
  return NULL;
}

/* is_shut_in: on internal networks alone, whichever of them it asks on: so it is not to learn of the world. */
static gboolean
is_shut_in (const Member *member)
{
  for (guint i = 0; i < member->attachments->len; i++)
    if (!((const Attachment *) member->attachments->pdata[i])->config->internal)
      return FALSE;
  return TRUE;
}

/* sees: may @member, who asks, learn of names on @other? Those of all its networks. NULL, who is on none: of none. */
static gboolean
sees (const Member *member, const Attachment *other)
{
  return other->config->dns && member != NULL && member_find (member, other->config->name) != NULL;
}

static gboolean
is_called (const Member *member, const Attachment *attachment, const char *name)
{
  if (g_ascii_strcasecmp (member->name, name) == 0 || strcmp (member->id, name) == 0)
    return TRUE;
  for (char **alias = attachment->aliases; alias != NULL && *alias != NULL; alias++)
    if (g_ascii_strcasecmp (*alias, name) == 0)
      return TRUE;
  return FALSE;
}

/* look_up: what those who are called @name have. FALSE: nobody is. */
static gboolean
look_up (Netd *netd, const Member *member, const char *name, GArray *addresses)
{
  GHashTableIter iter;
  gpointer value;
  gboolean found = FALSE;
  g_hash_table_iter_init (&iter, netd->members);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Member *other = value;
      for (guint i = 0; i < other->attachments->len; i++)
        {
          const Attachment *attachment = other->attachments->pdata[i];
          if (!sees (member, attachment) || !is_called (other, attachment, name))
            continue;
          found = TRUE;
          for (guint k = 0; k < attachment->leases->len; k++)
            g_array_append_val (addresses, g_array_index (attachment->leases, Lease, k).address);
        }
    }
  return found;
}

static gboolean
look_up_names (Netd *netd, const Member *member, const NetAddress *address, GPtrArray *names)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, netd->members);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Member *other = value;
      for (guint i = 0; i < other->attachments->len; i++)
        {
          const Attachment *attachment = other->attachments->pdata[i];
          if (!sees (member, attachment) || !has_address (attachment, address))
            continue;
          g_ptr_array_add (names, g_strdup (other->name));
          for (char **alias = attachment->aliases; alias != NULL && *alias != NULL; alias++)
            g_ptr_array_add (names, g_strdup (*alias));
        }
    }
  return names->len > 0;
}

/* ---- other servers */

/* host_servers: as they were told. */
static char **
host_servers (const Netd *netd)
{
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();
  size_t i;
  json_t *server;
  json_array_foreach (netd->servers, i, server)
    g_strv_builder_add (found, json_string_value (server));
  return g_strv_builder_end (found);
}

/* servers_for: new. */
static char **
servers_for (Netd *netd, const Member *member, const char *network)
{
  if (member != NULL && member->dns != NULL)
    return g_strdupv (member->dns);
  const Live *live = g_hash_table_lookup (netd->networks, network);
  return live != NULL && live->config->dns_servers != NULL ? g_strdupv (live->config->dns_servers) : host_servers (netd);
}

static gboolean
server_address (const char *text, Address *ret)
{
  memset (ret, 0, sizeof *ret);
  if (inet_pton (AF_INET, text, &ret->v4.sin_addr) == 1)
    {
      ret->v4.sin_family = AF_INET;
      ret->v4.sin_port = htons (PORT);
      return TRUE;
    }
  ret->v6.sin6_family = AF_INET6;
  ret->v6.sin6_port = htons (PORT);
  return inet_pton (AF_INET6, text, &ret->v6.sin6_addr) == 1;
}

/* ---- streams */

static void stream_answer (Stream *stream, const GByteArray *message);

static void
stream_free (Stream *stream)
{
  (void) g_ptr_array_remove_fast (streams, stream);
  loop_drop (stream->watch);
  if (stream->forward != NULL)
    stream->forward->stream = NULL;
  g_byte_array_unref (stream->in);
  g_byte_array_unref (stream->out);
  g_free (stream);
}

/* ---- forwarding */

static void
forward_free (Forward *forward)
{
  (void) g_ptr_array_remove_fast (forwards, forward);
  loop_drop (forward->upstream);
  fd_close (forward->reply);
  if (forward->stream != NULL)
    forward->stream->forward = NULL;
  g_byte_array_unref (forward->query);
  if (forward->answer != NULL)
    g_byte_array_unref (forward->answer);
  g_strfreev (forward->servers);
  g_free (forward);
}

static void
reply (Forward *forward, GByteArray *message)
{
  Stream *stream = forward->stream;
  if (message->len < 2)
    return;
  message->data[0] = (uint8_t) (forward->id >> 8);
  message->data[1] = (uint8_t) forward->id;
  if (stream != NULL)
    stream_answer (stream, message);
  else if (forward->reply >= 0)
    (void) sendto (forward->reply, message->data, message->len, MSG_DONTWAIT | MSG_NOSIGNAL, &forward->client.any, length_of (&forward->client));
}

static void
forward_fail (Forward *forward)
{
  DnsQuestion question;
  int code;
  if (dns_read (forward->query->data, forward->query->len, &question, &code))
    {
      g_autoptr (GByteArray) message = dns_answer (forward->query->data, forward->query->len, &question, DNS_SERVFAIL, NULL, NULL, DNS_MESSAGE_MAX);
      reply (forward, message);
    }
  forward_free (forward);
}

static gboolean forward_try (Forward *forward);

static void
forward_next (Forward *forward)
{
  loop_drop (forward->upstream);
  forward->upstream = NULL;
  forward->at++;
  if (!forward_try (forward))
    forward_fail (forward);
}

/* is_ours: an answer to what was asked: the same number and the same question. */
static gboolean
is_ours (const Forward *forward, const uint8_t *message, gsize size)
{
  DnsQuestion question;
  int code;
  if (size < 12 || message[0] != forward->query->data[0] || message[1] != forward->query->data[1] || !(message[2] & 0x80))
    return FALSE;
  (void) dns_read (forward->query->data, forward->query->len, &question, &code);
  gsize n = question.question_end;
  return n > 12 && size >= n && g_ascii_strncasecmp ((const char *) message + 12, (const char *) forward->query->data + 12, n - 16) == 0 && memcmp (message + n - 4, forward->query->data + n - 4, 4) == 0;
}

static void
answered_udp (Watch *watch, uint32_t events, void *data)
{
  Forward *forward = data;
  uint8_t buffer[DNS_MESSAGE_MAX];
  ssize_t n = recv (loop_fd (watch), buffer, sizeof buffer, MSG_DONTWAIT);
  (void) events;
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n < 0)
    {
      forward_next (forward);   /* nobody listens there */
      return;
    }
  if (!is_ours (forward, buffer, (gsize) n))
    return;
  g_autoptr (GByteArray) message = g_byte_array_new ();
  g_byte_array_append (message, buffer, (guint) n);
  reply (forward, message);
  forward_free (forward);
}

/* answered_tcp: connect, send all, read the length and then that much. */
static void
answered_tcp (Watch *watch, uint32_t events, void *data)
{
  Forward *forward = data;
  uint8_t buffer[16384];
  gsize whole = forward->query->len + 2;
  if (forward->sent < whole && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
    {
      g_autoptr (GByteArray) framed = g_byte_array_new ();
      const uint8_t length[] = { (uint8_t) (forward->query->len >> 8), (uint8_t) forward->query->len };
      g_byte_array_append (framed, length, 2);
      g_byte_array_append (framed, forward->query->data, forward->query->len);
      ssize_t n = send (loop_fd (watch), framed->data + forward->sent, whole - forward->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN && errno != EINTR)
        {
          forward_next (forward);
          return;
        }
      forward->sent += n > 0 ? (gsize) n : 0;
      if (forward->sent == whole)
        loop_change (watch, EPOLLIN);
      return;
    }
  ssize_t n = recv (loop_fd (watch), buffer, sizeof buffer, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0)
    {
      forward_next (forward);
      return;
    }
  g_byte_array_append (forward->answer, buffer, (guint) n);
  gsize wanted = forward->answer->len >= 2 ? 2 + ((gsize) forward->answer->data[0] << 8 | forward->answer->data[1]) : G_MAXSIZE;
  if (forward->answer->len < wanted)
    return;
  g_autoptr (GByteArray) message = g_byte_array_new ();
  g_byte_array_append (message, forward->answer->data + 2, (guint) (wanted - 2));
  if (is_ours (forward, message->data, message->len))
    reply (forward, message);
  forward_free (forward);
}

/* forward_try: the server it is at, or the first after it that can be asked. */
static gboolean
forward_try (Forward *forward)
{
  gboolean tcp = forward->stream != NULL;
  for (; forward->servers[forward->at] != NULL; forward->at++)
    {
      Address address;
      if (!server_address (forward->servers[forward->at], &address))
        continue;
      int fd = socket (address.any.sa_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (fd < 0)
        continue;
      if (connect (fd, &address.any, length_of (&address)) < 0 && errno != EINPROGRESS)
        {
          fd_close (fd);
          continue;
        }
      if (!tcp && send (fd, forward->query->data, forward->query->len, MSG_NOSIGNAL) < 0)
        {
          fd_close (fd);
          continue;
        }
      forward->sent = 0;
      if (tcp)
        g_byte_array_set_size (forward->answer, 0);
      forward->due = g_get_monotonic_time () + (forward->at == 0 && forward->servers[1] != NULL ? PATIENCE / 2 : PATIENCE);
      forward->upstream = loop_watch (forward->netd->loop, fd, tcp ? EPOLLOUT : EPOLLIN, tcp ? answered_tcp : answered_udp, forward);
      return TRUE;
    }
  return FALSE;
}

/* hand_on: FALSE: it cannot be. */
static gboolean
hand_on (Server *server, const Member *member, const uint8_t *query, gsize size, int reply_fd, const Address *client, Stream *stream)
{
  g_auto (GStrv) servers = servers_for (server->netd, member, server->network);
  uint8_t id[2];
  if (forwards->len >= FORWARDS_MAX || servers[0] == NULL || getrandom (id, sizeof id, 0) != sizeof id)
    return FALSE;
  Forward *forward = g_new0 (Forward, 1);
  forward->netd = server->netd;
  forward->reply = stream == NULL ? dup (reply_fd) : -1;
  forward->stream = stream;
  forward->client = *client;
  forward->query = g_byte_array_new ();
  g_byte_array_append (forward->query, query, (guint) size);
  forward->id = (uint16_t) (query[0] << 8 | query[1]);
  memcpy (forward->query->data, id, 2);
  forward->servers = g_steal_pointer (&servers);
  forward->answer = stream != NULL ? g_byte_array_new () : NULL;
  g_ptr_array_add (forwards, forward);
  if (stream != NULL)
    stream->forward = forward;
  if (forward_try (forward))
    return TRUE;
  forward_free (forward);
  return FALSE;
}

/* ---- questions */

/* own_name: @name without our domain; NULL: it is of no domain of ours. @ret_ours: it was in ours: nobody else need be asked. */
static char *
own_name (const char *name, gboolean *ret_ours)
{
  *ret_ours = g_str_has_suffix (name, DOMAIN);
  return *ret_ours ? g_strndup (name, strlen (name) - strlen (DOMAIN)) : g_strdup (name);
}

/* answer_own: NULL: it is not for us. */
static GByteArray *
answer_own (Server *server, const Member *member, const uint8_t *query, gsize size, const DnsQuestion *question, gsize limit)
{
  NetAddress address;
  gboolean ours;
  g_autofree char *name = own_name (question->name, &ours);
  g_autoptr (GArray) addresses = g_array_new (FALSE, FALSE, sizeof (NetAddress));
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const Live *live = g_hash_table_lookup (server->netd->networks, server->network);
  if (question->type == DNS_PTR && dns_reverse (question->name, &address))
    {
      if (look_up_names (server->netd, member, &address, names))
        return dns_answer (query, size, question, DNS_NOERROR, NULL, names, limit);
    }
  else if (look_up (server->netd, member, name, addresses))
    return dns_answer (query, size, question, DNS_NOERROR, addresses, NULL, limit);
  gboolean closed = live == NULL || (member != NULL ? is_shut_in (member) : live->config->internal);
  return ours || closed ? dns_answer (query, size, question, DNS_NXDOMAIN, NULL, NULL, limit) : NULL;
}

/* consider: the answer, if it is known now. @ret_waits: another server was asked. */
static GByteArray *
consider (Server *server, const uint8_t *query, gsize size, const Address *client, int reply_fd, Stream *stream, gboolean *ret_waits)
{
  DnsQuestion question;
  int code;
  NetAddress from = address_of (client);
  *ret_waits = FALSE;
  /* what was said before the question was put is known before it is answered */
  names_hear (server->netd);
  if (!dns_read (query, size, &question, &code))
    return code < 0 ? NULL : dns_answer (query, size, &question, code, NULL, NULL, DNS_UDP_MAX);
  const Member *member = asker (server->netd, &from);
  gsize limit = stream != NULL ? (gsize) DNS_MESSAGE_MAX : question.udp_size;
  GByteArray *answer = answer_own (server, member, query, size, &question, limit);
  if (answer != NULL)
    return answer;
  *ret_waits = hand_on (server, member, query, size, reply_fd, client, stream);
  return *ret_waits ? NULL : dns_answer (query, size, &question, DNS_SERVFAIL, NULL, NULL, limit);
}

static void
serve_udp (Watch *watch, uint32_t events, void *data)
{
  Server *server = data;
  uint8_t buffer[DNS_MESSAGE_MAX];
  (void) events;
  for (int i = 0; i < 16; i++)
    {
      Address client;
      socklen_t length = sizeof client;
      gboolean waits;
      ssize_t n = recvfrom (loop_fd (watch), buffer, sizeof buffer, MSG_DONTWAIT, &client.any, &length);
      if (n < 0)
        return;
      g_autoptr (GByteArray) message = consider (server, buffer, (gsize) n, &client, loop_fd (watch), NULL, &waits);
      if (message != NULL)
        (void) sendto (loop_fd (watch), message->data, message->len, MSG_DONTWAIT | MSG_NOSIGNAL, &client.any, length);
    }
}

/* ---- TCP */

/* stream_next: the questions that are there whole, until one has to wait. FALSE: it was ended. */
static gboolean
stream_next (Stream *stream)
{
  while (stream->forward == NULL && stream->in->len >= 2 && stream->out->len < OUT_MAX)
    {
      gsize n = (gsize) stream->in->data[0] << 8 | stream->in->data[1];
      gboolean waits;
      if (stream->in->len < n + 2)
        break;
      g_autoptr (GByteArray) query = g_byte_array_new ();
      g_byte_array_append (query, stream->in->data + 2, (guint) n);
      g_byte_array_remove_range (stream->in, 0, (guint) n + 2);
      g_autoptr (GByteArray) message = consider (stream->server, query->data, query->len, &stream->peer, -1, stream, &waits);
      if (message == NULL && !waits)
        {
          stream_free (stream);
          return FALSE;
        }
      if (message != NULL)
        {
          const uint8_t length[] = { (uint8_t) (message->len >> 8), (uint8_t) message->len };
          g_byte_array_append (stream->out, length, 2);
          g_byte_array_append (stream->out, message->data, message->len);
        }
    }
  loop_change (stream->watch, (stream->out->len > 0 ? EPOLLOUT : 0) | (stream->in->len < DNS_MESSAGE_MAX + 2 && stream->out->len < OUT_MAX ? EPOLLIN : 0));
  return TRUE;
}

static void
stream_answer (Stream *stream, const GByteArray *message)
{
  const uint8_t length[] = { (uint8_t) (message->len >> 8), (uint8_t) message->len };
  g_byte_array_append (stream->out, length, 2);
  g_byte_array_append (stream->out, message->data, message->len);
  loop_change (stream->watch, EPOLLOUT);
}

static void
serve_stream (Watch *watch, uint32_t events, void *data)
{
  Stream *stream = data;
  uint8_t buffer[4096];
  stream->due = g_get_monotonic_time () + 2 * PATIENCE;
  if (events & EPOLLOUT)
    {
      ssize_t n = send (loop_fd (watch), stream->out->data, stream->out->len, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0)
        g_byte_array_remove_range (stream->out, 0, (guint) n);
      if (n < 0 && errno != EAGAIN && errno != EINTR)
        {
          stream_free (stream);
          return;
        }
    }
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
    {
      ssize_t n = recv (loop_fd (watch), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        {
          stream_free (stream);
          return;
        }
      if (n > 0)
        g_byte_array_append (stream->in, buffer, (guint) n);
    }
  (void) stream_next (stream);
}

static void
accept_stream (Watch *watch, uint32_t events, void *data)
{
  Server *server = data;
  Address peer;
  socklen_t length = sizeof peer;
  (void) events;
  int fd = accept4 (loop_fd (watch), &peer.any, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0)
    return;
  if (streams->len >= STREAMS_MAX)
    {
      fd_close (fd);
      return;
    }
  Stream *stream = g_new0 (Stream, 1);
  *stream = (Stream){ .server = server, .peer = peer, .in = g_byte_array_new (), .out = g_byte_array_new (), .due = g_get_monotonic_time () + 2 * PATIENCE };
  stream->watch = loop_watch (server->netd->loop, fd, EPOLLIN, serve_stream, stream);
  g_ptr_array_add (streams, stream);
}

/* ---- from outside */

Watch *
dns_serve (Netd *netd, const char *network, int fd, gboolean tcp)
{
  if (forwards == NULL)
    {
      forwards = g_ptr_array_new ();
      streams = g_ptr_array_new ();
    }
  /* one for each gateway of a network that was ever up: they stay, for connections may still name them */
  static GPtrArray *servers;
  if (servers == NULL)
    servers = g_ptr_array_new ();
  Server *server = NULL;
  for (guint i = 0; i < servers->len && server == NULL; i++)
    if (strcmp (((Server *) servers->pdata[i])->network, network) == 0 && ((Server *) servers->pdata[i])->tcp == tcp)
      server = servers->pdata[i];
  if (server == NULL)
    {
      server = g_new0 (Server, 1);
      *server = (Server){ .netd = netd, .network = g_strdup (network), .tcp = tcp };
      g_ptr_array_add (servers, server);
    }
  return loop_watch (netd->loop, fd, EPOLLIN, tcp ? accept_stream : serve_udp, server);
}

int
dns_tick (void)
{
  gint64 now = g_get_monotonic_time (), next = G_MAXINT64;
  for (guint i = streams != NULL ? streams->len : 0; i-- > 0;)
    {
      Stream *stream = streams->pdata[i];
      if (stream->due <= now)
        stream_free (stream);
      else
        next = MIN (next, stream->due);
    }
  for (guint i = forwards != NULL ? forwards->len : 0; i-- > 0;)
    {
      Forward *forward = i < forwards->len ? forwards->pdata[i] : NULL;
      if (forward == NULL)
        continue;
      if (forward->due <= now)
        forward_next (forward);
      else
        next = MIN (next, forward->due);
    }
  return next == G_MAXINT64 ? -1 : (int) ((next - now) / 1000 + 1);
}
