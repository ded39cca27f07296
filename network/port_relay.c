#include "network/port_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is copied at once; more than that waiting means bulk data */
#define COPY_SIZE 16384
/* What one direction may move before others have their turn */
#define TURN_SIZE (4u << 20)
/* In bytes: how much a pipe is made to hold where that is allowed */
#define PIPE_SIZE (256u << 10)
/* Pipes at one time, and those kept empty for the next; without one data is copied, and waits in the sockets. A user's pipes are counted (pipe-user-pages-soft: 64 MB), and whoever has
 * many leaves two pages each to the user's other programs */
#define PIPES_MAX 32
#define PIPES_KEPT 4
/* What may wait, out of a container, in a socket whose other end is on this machine: more than the processor's nearest cache holds makes the whole slower by a third, and nobody that near
 * needs it. Into a container the kernel's own measure is the better one. Both measured: tests/bench/ports */
#define NEAR_SIZE (128 << 10)
/* What may wait in the sockets of all connections of bulk data, each having its part; but a connection needs this much to get on */
#define ALL_SIZE (64 << 20)
#define FAR_SIZE (32 << 10)
/* So many short reads in a row, and a direction is no longer one of bulk data */
#define SHORT_READS 8

/* How often a container's port that refuses is tried again: with PORT_LOOP_DELAY_MS in between */
#define TRIES 11

enum { CLIENT,
       INNER,
       SIDES };

typedef struct {
  int pipe[2];   /* -1: none */
  unsigned held; /* bytes in it */
  uint8_t bulk;  /* counts down to 0: copying */
  bool tuned;    /* was one of bulk data before */
  bool eof;      /* the reading side has no more */
  bool done;     /* and the writing side was told */
} Flow;

typedef struct {
  Watch watch;
  Relay *relay;
  int fd;
  bool readable, writable, hung; /* hung: the peer has said its last: reads are to go on to the end */
  bool ended;                    /* and all of that has arrived */
  bool told;                     /* when it becomes writable: from the first time on that it was not */
} Side;

struct Relay {
  Grave grave; /* first */
  Turn turn;
  Delay delay;
  Loop *loop;
  Relay *before, *after;
  Side sides[SIDES];
  Flow flows[SIDES]; /* by the side that is read */
  bool connecting;
  unsigned tries; /* of connecting that failed */
  RelayHooks hooks;
};

/* Of writing as well only where it matters: otherwise each new connection would be an event that says nothing */
enum { WATCHED = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET };

static Relay *relays;
static unsigned n_relays;
static char buffer[COPY_SIZE]; /* of what is copied: from one call to the next only between port_relay_hear and port_relay_start */

/* ---- pipes */

static int kept[PIPES_KEPT][2];
static unsigned n_kept, n_pipes;

unsigned
port_relay_pipes (void)
{
  return n_pipes;
}

/* pipe_ready: there is one to be had without fail. */
static bool
pipe_ready (void)
{
  if (n_kept > 0)
    return true;
  if (n_pipes >= PIPES_MAX || pipe2 (kept[0], O_CLOEXEC | O_NONBLOCK) < 0)
    return false;
  /* EPERM: this user has many pipes already; the usual size does too */
  (void) fcntl (kept[0][1], F_SETPIPE_SZ, PIPE_SIZE);
  n_pipes++;
  n_kept = 1;
  return true;
}

static bool
pipe_get (Flow *flow)
{
  if (flow->pipe[0] >= 0)
    return true;
  if (!pipe_ready ())
    return false;
  n_kept--;
  flow->pipe[0] = kept[n_kept][0];
  flow->pipe[1] = kept[n_kept][1];
  return true;
}

/* pipe_put: one with something in it, at a connection's end, goes. */
static void
pipe_put (Flow *flow)
{
  if (flow->pipe[0] < 0)
    return;
  if (flow->held == 0 && n_kept < PIPES_KEPT)
    {
      kept[n_kept][0] = flow->pipe[0];
      kept[n_kept][1] = flow->pipe[1];
      n_kept++;
    }
  else
    {
      (void) close (flow->pipe[0]);
      (void) close (flow->pipe[1]);
      n_pipes--;
    }
  flow->pipe[0] = flow->pipe[1] = -1;
  flow->held = 0;
}

/* ---- the end */

void
port_relay_reset (int fd)
{
  static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
  (void) setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  (void) close (fd);
}

static void
relay_end (Relay *relay, bool reset)
{
  for (int i = 0; i < SIDES; i++)
    {
      pipe_put (&relay->flows[i]);
      if (relay->sides[i].fd < 0)
        continue;
      if (reset)
        port_relay_reset (relay->sides[i].fd);
      else
        (void) close (relay->sides[i].fd);
      relay->sides[i].fd = -1;
    }
  *(relay->before != NULL ? &relay->before->after : &relays) = relay->after;
  if (relay->after != NULL)
    relay->after->before = relay->before;
  n_relays--;
  port_loop_bury (relay->loop, &relay->grave, &relay->turn);
  if (relay->hooks.ended != NULL)
    relay->hooks.ended (relay->hooks.data);
}

void
port_relay_end_all (void)
{
  Relay *next;
  for (Relay *relay = relays; relay != NULL; relay = next)
    {
      next = relay->after;
      /* what is not connected yet is on its way to where it leads now, or will try that */
      if (!relay->connecting)
        relay_end (relay, true);
    }
}

/* ---- one direction */

typedef enum { MOVED,
               WAITS,
               FAILED } Moved;

static Moved
again_or_failed (bool *ready)
{
  if (errno == EINTR)
    return MOVED;
  if (errno != EAGAIN)
    return FAILED;
  *ready = false;
  return WAITS;
}

/* again_or_deaf: nobody will read what is written there. What that side has still to say is passed on: an answer before its time, and then a reset. */
static Moved
again_or_deaf (Flow *flow, Side *to)
{
  Moved result = again_or_failed (&to->writable);
  if (result == WAITS && !to->told)
    {
      to->told = true;
      return port_loop_change (to->relay->loop, to->fd, WATCHED | EPOLLOUT, &to->watch) < 0 ? FAILED : WAITS;
    }
  if (result != FAILED)
    return result;
  pipe_put (flow);
  flow->done = flow->eof = true;
  return WAITS;
}

/* drain: what is in the pipe. */
static Moved
drain (Flow *flow, Side *to, size_t *moved)
{
  ssize_t n = splice (flow->pipe[0], NULL, to->fd, NULL, flow->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (n < 0)
    return again_or_deaf (flow, to);
  flow->held -= (unsigned) n;
  *moved += (size_t) n;
  return MOVED;
}

static Moved
fill (Flow *flow, Side *from)
{
  ssize_t n = splice (from->fd, NULL, flow->pipe[1], NULL, PIPE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (n < 0)
    return again_or_failed (&from->readable);
  if (n == 0)
    flow->eof = true;
  else if (n < COPY_SIZE)
    flow->bulk--;
  else
    flow->bulk = SHORT_READS;
  flow->held += (unsigned) n;
  return MOVED;
}

/* is_near: its other end is on this machine: then both have one address. */
static bool
is_near (int fd)
{
  struct sockaddr_storage ends[2];
  for (int i = 0; i < 2; i++)
    {
      socklen_t size = sizeof ends[i];
      memset (&ends[i], 0, sizeof ends[i]);
      if ((i == 0 ? getsockname (fd, (struct sockaddr *) &ends[i], &size) : getpeername (fd, (struct sockaddr *) &ends[i], &size)) < 0)
        return false;
    }
  if (ends[0].ss_family == AF_INET)
    return ((struct sockaddr_in *) &ends[0])->sin_addr.s_addr == ((struct sockaddr_in *) &ends[1])->sin_addr.s_addr;
  return IN6_ARE_ADDR_EQUAL (&((struct sockaddr_in6 *) &ends[0])->sin6_addr, &((struct sockaddr_in6 *) &ends[1])->sin6_addr);
}

/* tune: @side's flow has become one of bulk data. A client that is far keeps the kernel's own measure. Where there are many connections all have their part. */
static void
tune (Relay *relay, int side)
{
  const unsigned part = ALL_SIZE / n_relays;
  const bool many = part < NEAR_SIZE;
  const int size = !many ? NEAR_SIZE : part > FAR_SIZE ? (int) part : FAR_SIZE;
  relay->flows[side].tuned = true;
  if (side == CLIENT && !many)
    return;
  (void) setsockopt (relay->sides[side].fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (many || is_near (relay->sides[CLIENT].fd))
    (void) setsockopt (relay->sides[!side].fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* put_back: what was read and could not be written waits in a pipe. */
static bool
put_back (Flow *flow, const char *data, size_t size)
{
  if (!pipe_get (flow) || write (flow->pipe[1], data, size) != (ssize_t) size)
    return false;
  flow->held = (unsigned) size;
  return true;
}

/* copy: short messages. Where no pipe can be had, only what can be written at once is taken from the socket. */
static Moved
copy (Flow *flow, Side *from, Side *to, size_t *moved)
{
  bool peek = flow->pipe[0] < 0 && !pipe_ready ();
  ssize_t n = recv (from->fd, buffer, sizeof buffer, peek ? MSG_PEEK : 0);
  if (n < 0)
    return again_or_failed (&from->readable);
  if (n == 0)
    {
      flow->eof = true;
      return MOVED;
    }
  /* a short read has emptied the socket, and epoll tells of what comes; not so of an end that it told of already */
  if (n < (ssize_t) sizeof buffer && !peek)
    {
      flow->eof = from->ended;
      from->readable = from->hung;
    }
  if (n == (ssize_t) sizeof buffer && !peek)
    flow->bulk = SHORT_READS;
  /* the end will follow, in the same segment */
  ssize_t written = send (to->fd, buffer, (size_t) n, from->ended && !peek ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL);
  if (written < 0)
    {
      if (again_or_deaf (flow, to) == FAILED)
        return FAILED;
      if (flow->done)
        return WAITS;
      written = 0;
    }
  *moved += (size_t) written;
  if (peek)
    {
      if (written > 0 && recv (from->fd, buffer, (size_t) written, MSG_TRUNC) != written)
        return FAILED;
      return to->writable ? MOVED : WAITS;
    }
  return written == n || put_back (flow, buffer + written, (size_t) (n - written)) ? MOVED : FAILED;
}

/* pass: as much as can be. Returns FAILED when the connection is broken. */
static Moved
pass (Relay *relay, int side)
{
  Flow *flow = &relay->flows[side];
  Side *from = &relay->sides[side], *to = &relay->sides[!side];
  size_t moved = 0;
  while (moved < TURN_SIZE)
    {
      Moved result = WAITS;
      if (flow->done || !to->writable)
        return WAITS;
      if (flow->held > 0)
        result = drain (flow, to, &moved);
      else if (flow->eof)
        {
          pipe_put (flow);
          flow->done = true;
          /* the last word of both is said by closing */
          if (!relay->flows[!side].done)
            (void) shutdown (to->fd, SHUT_WR);
          return WAITS;
        }
      else if (!from->readable)
        {
          pipe_put (flow);
          return WAITS;
        }
      else if (flow->bulk > 0 && pipe_get (flow))
        {
          if (!flow->tuned)
            tune (relay, side);
          result = fill (flow, from);
        }
      else
        result = copy (flow, from, to, &moved);
      if (result == FAILED)
        return FAILED;
    }
  port_loop_queue (relay->loop, &relay->turn);
  return MOVED;
}

static void
relay_pass (Relay *relay)
{
  for (int side = 0; side < SIDES; side++)
    if (pass (relay, side) == FAILED)
      {
        relay_end (relay, true);
        return;
      }
  if (relay->flows[CLIENT].done && relay->flows[INNER].done)
    relay_end (relay, false);
}

static void
relay_turn (Turn *turn)
{
  relay_pass ((Relay *) ((char *) turn - offsetof (Relay, turn)));
}

/* ---- events */

static void greet (Relay *relay, size_t size);

/* try_again: another socket for the container's side. */
static void
try_again (Relay *relay)
{
  Side *inner = &relay->sides[INNER];
  if (relay->hooks.failed (relay->hooks.data, relay->sides[CLIENT].fd, relay->tries, &inner->fd))
    {
      greet (relay, 0);
      return;
    }
  inner->fd = -1;
  relay_end (relay, true);
}

static void
relay_delayed (Delay *delay)
{
  try_again ((Relay *) ((char *) delay - offsetof (Relay, delay)));
}

/* not_connected: the relay ends, or tries another way. */
static void
not_connected (Relay *relay, int problem)
{
  Side *inner = &relay->sides[INNER];
  if (problem != ECONNREFUSED || relay->hooks.failed == NULL || relay->tries >= TRIES)
    {
      relay_end (relay, true);
      return;
    }
  (void) close (inner->fd);
  *inner = (Side){ .watch = inner->watch, .relay = relay, .fd = -1 };
  relay->connecting = true;
  if (relay->tries++ == 0)
    try_again (relay);
  else
    port_loop_delay (relay->loop, &relay->delay);
}

/* greet: begin with the container's side: say the first @size bytes of the buffer, or nothing. Over a loopback a connection is there, or refused, as soon as connect has returned, and nothing
 * needs to be waited for. */
static void
greet (Relay *relay, size_t size)
{
  Side *inner = &relay->sides[INNER];
  Flow *flow = &relay->flows[CLIENT];
  ssize_t n = send (inner->fd, buffer, size, MSG_NOSIGNAL);
  int problem = n < 0 ? errno : 0;
  if (n < 0)
    n = 0;
  if ((size_t) n < size && !put_back (flow, buffer + n, size - (size_t) n))
    {
      relay_end (relay, true);
      return;
    }
  if (problem != 0 && problem != EAGAIN)
    {
      not_connected (relay, problem);
      return;
    }
  relay->connecting = inner->told = problem == EAGAIN;
  inner->writable = !relay->connecting;
  if (port_loop_add (relay->loop, inner->fd, relay->connecting ? WATCHED | EPOLLOUT : WATCHED, &inner->watch) < 0)
    relay_end (relay, true);
  else if (!relay->connecting && (flow->held > 0 || flow->eof || relay->sides[CLIENT].readable))
    relay_pass (relay);
}

/* connected: FALSE: there is no connection, and the relay has ended, or tries another way. */
static bool
connected (Relay *relay, uint32_t events)
{
  int problem = 0;
  socklen_t size = sizeof problem;
  if ((events & (EPOLLERR | EPOLLHUP)) && (getsockopt (relay->sides[INNER].fd, SOL_SOCKET, SO_ERROR, &problem, &size) < 0 || problem != 0))
    {
      not_connected (relay, problem);
      return false;
    }
  relay->connecting = false;
  return true;
}

static void
side_event (Watch *watch, uint32_t events)
{
  Side *side = (Side *) ((char *) watch - offsetof (Side, watch));
  Relay *relay = side->relay;
  if (side->fd < 0)
    return; /* it ended by another event of the same round */
  if (relay->connecting && side == &relay->sides[INNER])
    {
      if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) || !connected (relay, events))
        return;
    }
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    side->readable = true;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    side->hung = true;
  /* urgent data stops a read before the end */
  if ((events & (EPOLLRDHUP | EPOLLPRI | EPOLLERR)) == EPOLLRDHUP)
    side->ended = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
    side->writable = true;
  if (!relay->connecting)
    relay_pass (relay);
}

ssize_t
port_relay_hear (int client)
{
  if (!pipe_ready ())
    return -EAGAIN;
  ssize_t n = recv (client, buffer, sizeof buffer, 0);
  if (n < 0)
    return errno == EINTR ? -EAGAIN : -errno;
  return n;
}

static Relay *
relay_new (Loop *loop, int client, int inner, const RelayHooks *hooks)
{
  Relay *relay = calloc (1, sizeof *relay);
  const int fds[] = { client, inner };
  if (relay == NULL)
    return NULL;
  relay->loop = loop;
  relay->hooks = *hooks;
  relay->turn.call = relay_turn;
  relay->delay.call = relay_delayed;
  relay->connecting = true;
  for (int i = 0; i < SIDES; i++)
    {
      relay->sides[i] = (Side){ .watch.call = side_event, .relay = relay, .fd = fds[i] };
      relay->flows[i] = (Flow){ .pipe = { -1, -1 } };
    }
  relay->after = relays;
  if (relays != NULL)
    relays->before = relay;
  relays = relay;
  n_relays++;
  return relay;
}

void
port_relay_start (Loop *loop, int client, int inner, ssize_t heard, const RelayHooks *hooks)
{
  Relay *relay = relay_new (loop, client, inner, hooks);
  if (relay == NULL)
    {
      port_relay_reset (client);
      (void) close (inner);
      return;
    }
  relay->sides[CLIENT].writable = true;
  relay->flows[CLIENT].eof = heard == 0;
  if (port_loop_add (loop, client, WATCHED, &relay->sides[CLIENT].watch) < 0)
    relay_end (relay, true);
  else
    greet (relay, heard > 0 ? (size_t) heard : 0);
}
