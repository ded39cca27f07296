#include "monitor.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* At most this many messages of one client before the others get their turn */
#define ROUNDS 8

enum { TELL_OUTPUT_CLOSED = 1, TELL_STDIN_CLOSED = 2, TELL_DONE = 4, TELL_EXITED = 8, TELL_LOST = 16 };

void
clients_start (Clients *clients, const MonitorStart *start, Input *input, Control *control)
{
  Client *primary = &clients->list[CLIENT_PRIMARY];
  clients->listener = start->listener;
  clients->pidfd = start->client_pidfd;
  clients->init = start->init_pid;
  clients->input = input;
  clients->control = control;
  clients->n = 1;
  primary->socket = start->client;
  primary->in = start->client >= 0;
  /* without a terminal its output goes to its own descriptors */
  primary->wants = start->pty >= 0 ? 1 << STREAM_OUT : 0;
  fd_set_nonblocking (clients->listener);
}

/* remove_gone: the places of those who have left. */
static void
remove_gone (Clients *clients)
{
  for (int i = CLIENT_PRIMARY + 1; i < clients->n; i++)
    if (clients->list[i].socket < 0)
      clients->list[i--] = clients->list[--clients->n];
}

/* find_silent: the one that was let in first of those that have said nothing; 0: there is none. */
static int
find_silent (const Clients *clients)
{
  char byte;
  for (int i = CLIENT_PRIMARY + 1; i < clients->n; i++)
    {
      const Client *client = &clients->list[i];
      if (client->socket >= 0 && !client->attached && !client->tell && recv (client->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
        return i;
    }
  return 0;
}

int
clients_poll (Clients *clients, struct pollfd polls[CLIENTS_POLLS])
{
  remove_gone (clients);
  bool room = (clients->n < CLIENTS_MAX || find_silent (clients) > 0) && !clients->full;
  polls[CLIENTS_LISTENER] = (struct pollfd) { .fd = room ? clients->listener : -1, .events = POLLIN };
  polls[CLIENTS_PIDFD] = (struct pollfd) { .fd = clients->pidfd, .events = POLLIN };
  for (int i = 0; i < clients->n; i++)
    {
      Client *client = &clients->list[i];
      client->held = client->held && clients->input->length > 0;
      polls[CLIENTS_FIRST + i] = (struct pollfd) { .fd = client->socket, .events = (short) ((client->held ? 0 : POLLIN) | (client->owed || client->tell ? POLLOUT : 0)) };
    }
  clients->polled = clients->n;
  return CLIENTS_FIRST + clients->n;
}

static bool
input_is_used (const Clients *clients)
{
  for (int i = 0; i < clients->n; i++)
    if (clients->list[i].socket >= 0 && clients->list[i].in)
      return true;
  return false;
}

/* leave: the client is dead or has left. @died: it did not say MONITOR_DETACH: if nobody else writes to standard input, nobody ever will: close it. */
static void
leave (Clients *clients, Client *client, bool died)
{
  bool in = client->in, primary = client == &clients->list[CLIENT_PRIMARY];
  (void) close (client->socket);
  *client = (Client) { .socket = -1 };
  clients->full = false;
  clients->progress = true;
  if (primary && !clients->cleaned) /* else its death is waited for */
    fd_drop (&clients->pidfd);
  clients->left = clients->left || primary;
  if (died && in && !input_is_used (clients))
    input_close (clients->input);
}

/* ---- to the client */

/* send_packet: false when there is no room now. A client that is gone swallows everything: its end of file is noticed when reading. */
static bool
send_packet (const Client *client, uint32_t type, const void *data, size_t size)
{
  MonitorHeader header = { .type = type };
  struct iovec parts[2] = { { &header, sizeof header }, { (void *) data, size } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1 };
  ssize_t n;
  do
    n = sendmsg (client->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n >= 0 || errno != EAGAIN;
}

static void
send_piece (Clients *clients, Client *client, int which)
{
  static const uint32_t types[STREAMS] = { [STREAM_OUT] = MONITOR_OUTPUT, [STREAM_ERR] = MONITOR_OUTPUT_ERR };
  if (!send_packet (client, types[which], clients->pieces[which].data, clients->pieces[which].size))
    return;
  client->owed &= (uint8_t) ~(1u << which);
  client->owes_since = client->owed ? monitor_now () : 0;
  clients->progress = true;
}

static void
send_word (Clients *clients, Client *client, unsigned word, uint32_t type, const void *data, size_t size)
{
  if (!(client->tell & word) || !send_packet (client, type, data, size))
    return;
  client->tell &= (uint8_t) ~word;
  clients->progress = true;
}

static void
send_pending (Clients *clients, Client *client)
{
  if (client->socket < 0)
    return;
  send_word (clients, client, TELL_DONE, MONITOR_DONE, &client->done, sizeof client->done);
  for (int which = 0; which < STREAMS; which++)
    if (client->owed & 1u << which)
      send_piece (clients, client, which);
  if (client->owed != 0)
    return;
  if (client->tell & TELL_LOST)
    {
      send_word (clients, client, TELL_LOST, MONITOR_LOST, &client->lost, sizeof client->lost);
      client->behind = (client->tell & TELL_LOST) != 0;
      client->lost = client->behind ? client->lost : 0;
    }
  send_word (clients, client, TELL_OUTPUT_CLOSED, MONITOR_OUTPUT_CLOSED, &client->closed, sizeof client->closed);
  send_word (clients, client, TELL_STDIN_CLOSED, MONITOR_STDIN_CLOSED, NULL, 0);
  send_word (clients, client, TELL_EXITED, MONITOR_EXITED, &clients->exited, sizeof clients->exited);
}

bool
clients_want (const Clients *clients, int which)
{
  for (int i = 0; i < clients->n; i++)
    if (clients->list[i].wants & 1u << which)
      return true;
  return false;
}

void
clients_offer (Clients *clients, int which, const char *data, size_t size)
{
  clients->pieces[which].data = data;
  clients->pieces[which].size = size;
  for (int i = 0; i < clients->n; i++)
    {
      Client *client = &clients->list[i];
      if (!(client->wants & 1u << which))
        continue;
      if (client->behind)
        {
          client->lost += size;
          continue;
        }
      client->owed |= (uint8_t) (1u << which);
      send_piece (clients, client, which);
      if (client->owed && client->owes_since == 0)
        client->owes_since = monitor_now ();
    }
}

uint64_t
clients_due (const Clients *clients)
{
  uint64_t due = 0;
  for (int i = CLIENT_PRIMARY + 1; i < clients->n; i++)
    if (clients->list[i].owed && (due == 0 || clients->list[i].owes_since + CLIENTS_PATIENCE_US < due))
      due = clients->list[i].owes_since + CLIENTS_PATIENCE_US;
  return due;
}

void
clients_pass (Clients *clients)
{
  uint64_t due = clients_due (clients), now = due != 0 ? monitor_now () : 0;
  if (due == 0 || now < due)
    return;
  for (int i = CLIENT_PRIMARY + 1; i < clients->n; i++)
    {
      Client *client = &clients->list[i];
      if (!client->owed || now < client->owes_since + CLIENTS_PATIENCE_US)
        continue;
      for (int which = 0; which < STREAMS; which++)
        if (client->owed & 1u << which)
          client->lost += clients->pieces[which].size;
      client->owed = 0;
      client->owes_since = 0;
      client->behind = true;
      client->tell |= TELL_LOST;
      clients->progress = true;
    }
}

bool
clients_owe (const Clients *clients, int which)
{
  for (int i = 0; i < clients->n; i++)
    if (clients->list[i].owed & 1u << which)
      return true;
  return false;
}

void
clients_tell_broken (Clients *clients, int number)
{
  Client *primary = &clients->list[CLIENT_PRIMARY];
  if (primary->socket < 0)
    return;
  primary->closed = number;
  primary->tell |= TELL_OUTPUT_CLOSED;
  send_pending (clients, primary);
}

void
clients_tell_input (Clients *clients)
{
  for (int i = 0; i < clients->n; i++)
    if (clients->list[i].socket >= 0 && clients->list[i].in)
      {
        clients->list[i].tell |= TELL_STDIN_CLOSED;
        send_pending (clients, &clients->list[i]);
      }
}

void
clients_tell (Clients *clients, const MonitorExit *exited)
{
  /* the command leaves when it hears of the end, before we may have read that its row is written: it takes nothing along, a start by the restart policy follows */
  (void) prctl (PR_SET_PDEATHSIG, 0, 0, 0, 0);
  clients->exited = *exited;
  for (int i = 0; i < clients->n; i++)
    if (clients->list[i].socket >= 0 && (i == CLIENT_PRIMARY || clients->list[i].attached))
      {
        clients->list[i].tell |= TELL_EXITED;
        clients->list[i].told = true;
        send_pending (clients, &clients->list[i]);
      }
}

bool
clients_wait (const Clients *clients)
{
  for (int i = CLIENT_PRIMARY + 1; i < clients->n; i++)
    if (clients->list[i].socket >= 0 && (clients->list[i].owed || clients->list[i].tell))
      return true;
  return false;
}

void
clients_release (Clients *clients, ClientsRelease which)
{
  int n = which == RELEASE_PRIMARY ? CLIENT_PRIMARY + 1 : clients->n;
  for (int i = CLIENT_PRIMARY; i < n; i++)
    {
      Client *client = &clients->list[i];
      if (client->socket >= 0 && client->told && (which == RELEASE_ALL || (!client->owed && !client->tell)))
        leave (clients, client, false);
    }
}

void
clients_drop (Clients *clients, bool all)
{
  for (int i = CLIENT_PRIMARY + 1; i < clients->n; i++)
    if (clients->list[i].socket >= 0 && (all || clients->list[i].owed || clients->list[i].tell))
      leave (clients, &clients->list[i], false);
}

/* ---- from the client */

static void
attach (Client *client, const void *data, size_t size)
{
  MonitorAttach streams;
  if (size != sizeof streams)
    return;
  memcpy (&streams, data, sizeof streams);
  client->attached = true;
  client->in = streams.in != 0;
  client->wants = (uint8_t) ((streams.out ? 1u << STREAM_OUT : 0) | (streams.err ? 1u << STREAM_ERR : 0));
}

static void
handle_primary (Clients *clients, uint32_t type)
{
  if (type == MONITOR_RECORDED)
    {
      (void) prctl (PR_SET_PDEATHSIG, 0, 0, 0, 0);
      clients->control->recorded = clients->control->heard = true;
    }
  else if (type == MONITOR_LEAVING)
    fd_drop (&clients->pidfd);
  else if (type == MONITOR_CLEANED)
    clients->cleaned = true;
}

static void
handle_new (Clients *clients, Client *client, uint32_t type, const void *data, size_t size)
{
  if (type == MONITOR_ATTACH)
    {
      attach (client, data, size);
      return;
    }
  client->done = control_message (clients->control, type, data, size);
  client->tell |= TELL_DONE;
  send_pending (clients, client);
}

static void
handle (Clients *clients, Client *client, uint32_t type, const void *data, size_t size)
{
  int32_t number;
  MonitorSize window;
  bool primary = client == &clients->list[CLIENT_PRIMARY];
  if (type == MONITOR_DETACH)
    leave (clients, client, false);
  else if (!primary && !client->attached)
    handle_new (clients, client, type, data, size);
  else if (type == MONITOR_STDIN && client->in && data == clients->input->packet.data)
    input_give (clients->input, size);
  else if (type == MONITOR_RESIZE && size == sizeof window)
    {
      memcpy (&window, data, sizeof window);
      input_resize (clients->input, &window);
    }
  else if (type == MONITOR_SIGNAL && size == sizeof number && clients->init > 0)
    {
      memcpy (&number, data, sizeof number);
      (void) kill (clients->init, number);
    }
  else if (primary)
    handle_primary (clients, type);
}

/* receive_one: one message, handled. Returns what recv does; 0 with EAGAIN's meaning is never returned: less than a header is the end. */
static ssize_t
receive_one (Clients *clients, Client *client, bool gone)
{
  Input *input = clients->input;
  struct {
    MonitorHeader header;
    char data[256];
  } small;
  ssize_t n;
  if (input->length == 0)
    {
      n = recv (client->socket, &input->packet, sizeof input->packet, MSG_DONTWAIT);
      if (n >= (ssize_t) sizeof small.header)
        handle (clients, client, input->packet.header.type, input->packet.data, (size_t) n - sizeof small.header);
      return n;
    }
  /* its buffer is taken by input that waits for room: more of it must wait too, and anything else passes by */
  n = recv (client->socket, &small.header, sizeof small.header, MSG_DONTWAIT | MSG_PEEK);
  if (n < (ssize_t) sizeof small.header)
    return n;
  if (small.header.type == MONITOR_STDIN && !gone)
    {
      client->held = true;
      errno = EAGAIN;
      return -1;
    }
  n = recv (client->socket, &small, sizeof small, MSG_DONTWAIT);
  if (n >= (ssize_t) sizeof small.header)
    handle (clients, client, small.header.type, small.data, (size_t) n - sizeof small.header);
  return n;
}

/* receive: @gone: the client closed its end: what it said before still counts, input that finds no room does not. */
static void
receive (Clients *clients, Client *client, bool gone)
{
  for (int round = 0; client->socket >= 0 && (gone || round < ROUNDS); round++)
    {
      ssize_t n = receive_one (clients, client, gone);
      /* ECONNRESET: it left before it had read everything; its own last messages come after */
      if (n < 0 && (errno == EINTR || errno == ECONNRESET))
        continue;
      if (n < 0 && errno == EAGAIN)
        return;
      if (n < (ssize_t) sizeof (MonitorHeader) && client->socket >= 0)
        {
          leave (clients, client, true);
          return;
        }
    }
}

static void
let_in (Clients *clients)
{
  for (int round = 0; round < CLIENTS_MAX; round++)
    {
      int silent = clients->n == CLIENTS_MAX ? find_silent (clients) : 0;
      if (clients->n == CLIENTS_MAX && silent == 0)
        return;
      int fd = accept4 (clients->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
        continue;
      clients->full = fd < 0 && errno != EAGAIN;
      if (fd < 0)
        return;
      if (silent > 0)
        {
          /* the order is that of coming in */
          leave (clients, &clients->list[silent], false);
          clients->n--;
          memmove (&clients->list[silent], &clients->list[silent + 1], (size_t) (clients->n - silent) * sizeof clients->list[0]);
        }
      clients->list[clients->n++] = (Client) { .socket = fd };
    }
}

void
clients_serve (Clients *clients, const struct pollfd polls[CLIENTS_POLLS])
{
  for (int i = 0; i < clients->polled; i++)
    {
      Client *client = &clients->list[i];
      short events = polls[CLIENTS_FIRST + i].revents;
      if (client->socket >= 0 && (events & POLLOUT))
        send_pending (clients, client);
      if (client->socket >= 0 && (events & (POLLIN | POLLHUP | POLLERR)))
        receive (clients, client, (events & POLLHUP) != 0);
    }
  /* after the socket, so that a last word of the dead is heard */
  Client *primary = &clients->list[CLIENT_PRIMARY];
  if (clients->pidfd >= 0 && polls[CLIENTS_PIDFD].revents != 0)
    {
      if (primary->socket >= 0)
        receive (clients, primary, true);
      if (primary->socket >= 0)
        leave (clients, primary, true);
    }
  if (polls[CLIENTS_LISTENER].revents != 0)
    let_in (clients);
}
