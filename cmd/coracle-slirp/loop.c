#include "coracle-slirp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "buffers.h"

/* Packets taken from the tap before its sockets get their turn */
#define BURST 64
/* libslirp takes 65535 bytes at a time, no more (RFC 7323 is nothing to it), and asks for segments that fill them: the guest would wait for an answer after each. Of this size two are under way,
 * 1.3 times as fast; three are not faster */
#define SEGMENT_MOST 32767
/* Frames that begin a connection are not larger */
#define SYN_ROOM 160
/* What a guest can make libslirp hold has no end of its own. Beyond this much in its buffers, those that are empty again give back what they took; */
#define HELD_SWEEP ((size_t) 4 << 20)
/* beyond this no connection more is begun, until it is a quarter less; */
#define HELD_REFUSE ((size_t) 256 << 20)
/* milliseconds between two looks at that. */
#define MEMORY_MS 1000
/* And a process that has come to this many kilobytes leaves, and the next packet finds a new one: looked at every so many turns of the loop */
#define MEMORY_MOST (1024 * 1024)
#define MEMORY_TURNS 256

typedef struct Timer Timer;
struct Timer {
  Timer *next;
  SlirpTimerCb call;
  void *data;
  int64_t expires;   /* CLOCK_MONOTONIC, milliseconds; -1 = not set */
};

struct Loop {
  Slirp *slirp;
  int tap;
  bool gone;              /* the tap */
  bool refusing;          /* more connections */
  int64_t looked;         /* at the memory */
  SlirpNetwork network;
  SlirpGuard guard;
  Timer *timers;
  struct pollfd *polls;   /* [0] is the tap */
  int n_polls, n_allocated;
  struct sockaddr_in outbound;     /* libslirp keeps pointers to these */
  struct sockaddr_in6 outbound6;
  uint8_t packet[65536 + 64];
};

static int64_t
clock_ns (void *data)
{
  struct timespec t;
  (void) clock_gettime (CLOCK_MONOTONIC, &t);
  return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t
clock_ms (void)
{
  return clock_ns (NULL) / 1000000;
}

/* send_packet: a tap takes a packet at once or not at all: its send buffer is unlimited (tun_chr_open), what the container does not read is dropped by its own
 * queue, and TCP sends again. So there is nothing to wait for and no queue here. */
static ssize_t
send_packet (const void *packet, size_t size, void *data)
{
  Loop *loop = data;
  uint8_t begins[SYN_ROOM];
  ssize_t n;
  if (!slirp_guard_emit (packet, size))
    return (ssize_t) size;
  if (size <= sizeof begins)
    {
      memcpy (begins, packet, size);
      if (slirp_guard_segments (begins, size, SEGMENT_MOST))
        packet = begins;
    }
  do
    n = write (loop->tap, packet, size);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EBADFD)
    loop->gone = true;
  return n < 0 ? (ssize_t) size : n;
}

static void
guest_error (const char *message, void *data)
{
  /* a hostile container must not be able to fill a log */
}

static void *
timer_new (SlirpTimerCb call, void *call_data, void *data)
{
  Loop *loop = data;
  Timer *timer = g_new (Timer, 1);
  *timer = (Timer) { .next = loop->timers, .call = call, .data = call_data, .expires = -1 };
  loop->timers = timer;
  return timer;
}

static void
timer_free (void *old, void *data)
{
  Loop *loop = data;
  for (Timer **at = &loop->timers; *at != NULL; at = &(*at)->next)
    if (*at == old)
      {
        *at = (*at)->next;
        break;
      }
  g_free (old);
}

static void
timer_mod (void *timer, int64_t expires, void *data)
{
  ((Timer *) timer)->expires = expires;
}

static void
opened_fd (int fd, void *data)
{
  buffers_opened (fd);
}

static void
ignore_fd (int fd, void *data)
{
}

static void
ignore_notify (void *data)
{
}

static const struct {
  short event;
  int slirp;
} events[] = {
  { POLLIN, SLIRP_POLL_IN }, { POLLOUT, SLIRP_POLL_OUT }, { POLLPRI, SLIRP_POLL_PRI }, { POLLERR, SLIRP_POLL_ERR }, { POLLHUP, SLIRP_POLL_HUP },
};

static int
add_poll (int fd, int wanted, void *data)
{
  Loop *loop = data;
  if (loop->n_polls == loop->n_allocated)
    {
      loop->n_allocated = loop->n_allocated == 0 ? 32 : loop->n_allocated * 2;
      loop->polls = g_renew (struct pollfd, loop->polls, loop->n_allocated);
    }
  short mask = 0;
  for (size_t i = 0; i < 3; i++)
    if (wanted & events[i].slirp)
      mask |= events[i].event;
  loop->polls[loop->n_polls] = (struct pollfd) { .fd = fd, .events = mask };
  return loop->n_polls++;
}

static int
get_events (int index, void *data)
{
  const Loop *loop = data;
  int mask = 0;
  for (size_t i = 0; i < G_N_ELEMENTS (events); i++)
    if (loop->polls[index].revents & events[i].event)
      mask |= events[i].slirp;
  return mask;
}

/* set_outbound: where connections come from. */
static void
set_outbound (Loop *loop, const SlirpNetwork *network, SlirpConfig *config)
{
  static const struct in6_addr none;
  loop->outbound = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = network->outbound };
  loop->outbound6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = network->outbound6 };
  if (network->outbound.s_addr != 0)
    config->outbound_addr = &loop->outbound;
  if (memcmp (&network->outbound6, &none, sizeof none) != 0)
    config->outbound_addr6 = &loop->outbound6;
}

Loop *
loop_new (int tap, const SlirpNetwork *network)
{
  static const SlirpCb callbacks = {
    .send_packet = send_packet, .guest_error = guest_error, .clock_get_ns = clock_ns, .timer_new = timer_new, .timer_free = timer_free,
    .timer_mod = timer_mod, .register_poll_fd = opened_fd, .unregister_poll_fd = ignore_fd, .notify = ignore_notify,
  };
  buffers_init (CONNECTIONS);
  Loop *loop = g_new0 (Loop, 1);
  SlirpConfig config;
  memset (&config, 0, sizeof config);
  config.version = SLIRP_CONFIG_VERSION_MAX;
  config.in_enabled = network->ipv4;
  config.in6_enabled = network->ipv6;
  config.vnetwork = network->network;
  config.vnetmask.s_addr = htonl (~0u << (32 - network->prefix));
  config.vhost = network->gateway;
  config.vnameserver = network->name_server;
  config.vdhcp_start = network->address;
  config.vprefix_addr6 = network->network6;
  config.vprefix_len = network->prefix6;
  config.vhost6 = network->gateway6;
  config.vnameserver6 = network->name_server6;
  config.if_mtu = config.if_mru = network->mtu;
  /* what listens on the host's loopback is not for the container, unless it is asked for: Podman's default for slirp */
  config.disable_host_loopback = !network->host_loopback;
  config.disable_dhcp = true;
  set_outbound (loop, network, &config);
  loop->tap = tap;
  loop->network = *network;
  slirp_guard_init (&loop->guard, &loop->network);
  loop->slirp = slirp_new (&config, &callbacks, loop);
  return loop->slirp != NULL ? loop : NULL;
}

/* time_left: milliseconds until the next timer, at most @limit. */
static uint32_t
time_left (const Loop *loop, uint32_t limit)
{
  int64_t now = clock_ms ();
  for (const Timer *timer = loop->timers; timer != NULL; timer = timer->next)
    if (timer->expires >= 0 && timer->expires - now < limit)
      limit = timer->expires > now ? (uint32_t) (timer->expires - now) : 0;
  return limit;
}

static Timer *
due_timer (const Loop *loop, int64_t now)
{
  for (Timer *timer = loop->timers; timer != NULL; timer = timer->next)
    if (timer->expires >= 0 && timer->expires <= now)
      return timer;
  return NULL;
}

static void
run_timers (Loop *loop)
{
  int64_t now = clock_ms ();
  /* looked up anew each time: a call may make and free timers */
  for (Timer *timer; (timer = due_timer (loop, now)) != NULL;)
    {
      timer->expires = -1;
      timer->call (timer->data);
    }
}

static void
take_frame (Loop *loop, size_t size, int64_t now)
{
  const uint8_t *frame = slirp_guard_admit (&loop->guard, loop->packet, &size, now);
  if (frame != NULL)
    slirp_input (loop->slirp, frame, (int) size);
}

static void
read_tap (Loop *loop)
{
  int64_t now = clock_ms ();
  for (int i = 0; i < BURST && !loop->gone; i++)
    {
      ssize_t n = read (loop->tap, loop->packet, sizeof loop->packet);
      if (n > 0)
        take_frame (loop, (size_t) n, now);
      else if (n < 0 && errno == EAGAIN)
        break;
      else if (n == 0 || errno != EINTR)
        loop->gone = true;
    }
}

/* refuse: no more sockets: libslirp says to the guest what it says of a network that cannot be reached. Those there are stay, and poll(2) takes as many as there can be. */
static void
refuse (Loop *loop, bool refusing)
{
  struct rlimit files;
  if (refusing == loop->refusing || getrlimit (RLIMIT_NOFILE, &files) < 0)
    return;
  rlim_t number = MIN (files.rlim_max, CONNECTIONS);
  while (refusing && number > 0 && fcntl ((int) number - 1, F_GETFD) < 0)
    number--;
  files.rlim_cur = number;
  if (setrlimit (RLIMIT_NOFILE, &files) == 0)
    loop->refusing = refusing;
}

static void
look_at_memory (Loop *loop, int64_t now)
{
  size_t held = buffers_held (HELD_SWEEP);
  if (held > HELD_SWEEP)
    {
      buffers_release (loop->slirp);
      held = buffers_held (HELD_SWEEP);
    }
  refuse (loop, held > (loop->refusing ? HELD_REFUSE / 4 * 3 : HELD_REFUSE));
  loop->looked = now;
}

/* too_large: resident, at any time so far. */
static bool
too_large (void)
{
  struct rusage usage;
  return getrusage (RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > MEMORY_MOST;
}

void
loop_run (Loop *loop)
{
  for (unsigned turn = 0; !loop->gone; turn++)
    {
      int64_t now = clock_ms ();
      if (turn % MEMORY_TURNS == 0 && too_large ())
        break;
      if (now - loop->looked >= MEMORY_MS)
        look_at_memory (loop, now);
      uint32_t timeout = UINT32_MAX;
      loop->n_polls = 0;
      (void) add_poll (loop->tap, SLIRP_POLL_IN, loop);
      slirp_pollfds_fill (loop->slirp, &timeout, add_poll, loop);
      timeout = time_left (loop, timeout);
      int r = poll (loop->polls, (nfds_t) loop->n_polls, timeout > G_MAXINT ? -1 : (int) timeout);
      if (r < 0 && errno != EINTR)
        break;
      short tap = r < 0 ? 0 : loop->polls[0].revents;
      slirp_pollfds_poll (loop->slirp, r < 0, get_events, loop);
      run_timers (loop);
      if (tap != 0)
        read_tap (loop);
    }
}
