/* Any frames from a guest, as coracle-slirp takes them: through the guard into libslirp, in a network namespace where nothing can be reached. What the guard lets through holds together, and
 * libslirp's own memory is watched by the sanitizer (its library is not built with it: what it does by memcpy and malloc is seen).
 *
 * Input: pieces, each two bytes of length, big-endian, and that many bytes of frame; a length of 0 lets sockets and timers have their turn. */
#include <libslirp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "network/slirp_guard.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
int LLVMFuzzerInitialize (int *argc, char ***argv);

enum { POLLS = 256, TIMERS = 16 };

static gboolean apart;   /* in a namespace of our own */
static struct pollfd polls[POLLS];
static int n_polls;
static int64_t now_ns = 1000000000;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  apart = unshare (CLONE_NEWUSER | CLONE_NEWNET) == 0 || unshare (CLONE_NEWNET) == 0;
  if (apart)
    (void) slirp_loopback_child ();
  return 0;
}

static ssize_t
send_packet (const void *packet, size_t size, void *data)
{
  /* all of it can be read */
  g_autofree void *copy = g_memdup2 (packet, size);
  (void) slirp_guard_emit (copy, size);
  return (ssize_t) size;
}

static void
guest_error (const char *message, void *data)
{
}

static int64_t
clock_ns (void *data)
{
  return now_ns;
}

static void *
timer_new (SlirpTimerCb call, void *call_data, void *data)
{
  return g_new0 (char, 1);
}

static void
timer_free (void *timer, void *data)
{
  g_free (timer);
}

static void
timer_mod (void *timer, int64_t expires, void *data)
{
}

static void
ignore_fd (int fd, void *data)
{
}

static void
ignore_notify (void *data)
{
}

static int
add_poll (int fd, int events, void *data)
{
  if (n_polls == POLLS)
    return 0;
  polls[n_polls] = (struct pollfd){ .fd = fd, .events = (short) ((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0) | (events & SLIRP_POLL_PRI ? POLLPRI : 0)) };
  return n_polls++;
}

static int
get_events (int index, void *data)
{
  short events = polls[index].revents;
  return (events & POLLIN ? SLIRP_POLL_IN : 0) | (events & POLLOUT ? SLIRP_POLL_OUT : 0) | (events & POLLPRI ? SLIRP_POLL_PRI : 0) | (events & POLLERR ? SLIRP_POLL_ERR : 0)
         | (events & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void
turn (Slirp *slirp)
{
  uint32_t timeout = 0;
  n_polls = 0;
  now_ns += 600 * 1000000LL;
  slirp_pollfds_fill (slirp, &timeout, add_poll, NULL);
  int r = poll (polls, (nfds_t) n_polls, 0);
  slirp_pollfds_poll (slirp, r < 0, get_events, NULL);
}

static Slirp *
new_slirp (const SlirpNetwork *network)
{
  static const SlirpCb callbacks = {
    .send_packet = send_packet, .guest_error = guest_error, .clock_get_ns = clock_ns, .timer_new = timer_new, .timer_free = timer_free,
    .timer_mod = timer_mod, .register_poll_fd = ignore_fd, .unregister_poll_fd = ignore_fd, .notify = ignore_notify,
  };
  SlirpConfig config;
  memset (&config, 0, sizeof config);
  config.version = SLIRP_CONFIG_VERSION_MAX;
  config.in_enabled = config.in6_enabled = true;
  config.vnetwork = network->network;
  config.vnetmask.s_addr = htonl (0xffffff00);
  config.vhost = network->gateway;
  config.vnameserver = network->name_server;
  config.vdhcp_start = network->address;
  config.vprefix_addr6 = network->network6;
  config.vprefix_len = network->prefix6;
  config.vhost6 = network->gateway6;
  config.vnameserver6 = network->name_server6;
  config.if_mtu = config.if_mru = network->mtu;
  config.disable_host_loopback = config.disable_dhcp = true;
  return slirp_new (&config, &callbacks, NULL);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  SlirpNetwork network;
  SlirpGuard guard;
  slirp_network_init (&network);
  slirp_guard_init (&guard, &network);
  Slirp *slirp = apart ? new_slirp (&network) : NULL;
  for (size_t at = 0; at + 2 <= size;)
    {
      size_t length = (size_t) data[at] << 8 | data[at + 1];
      at += 2;
      length = length < size - at ? length : size - at;
      g_autofree uint8_t *frame = g_memdup2 (data + at, length);
      at += length;
      size_t whole = length;
      const uint8_t *wanted = slirp_guard_admit (&guard, frame, &whole, now_ns / 1000000);
      if (wanted != NULL && (whole < 14 || whole > 65535 + 14))
        abort ();
      if (slirp != NULL && wanted != NULL)
        {
          /* on its own, so that what is read beyond its end is seen */
          g_autofree uint8_t *alone = g_memdup2 (wanted, whole);
          slirp_input (slirp, alone, (int) whole);
        }
      if (slirp != NULL && length == 0)
        turn (slirp);
    }
  if (slirp != NULL)
    {
      turn (slirp);
      slirp_cleanup (slirp);
    }
  slirp_guard_clear (&guard);
  return 0;
}
