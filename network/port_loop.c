#include "network/port_loop.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#define EVENTS 128
#define TICK_MS 1000

static uint64_t
now_ms (void)
{
  struct timespec t;
  (void) clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

bool
port_loop_init (Loop *loop)
{
  *loop = (Loop){ .epoll = epoll_create1 (EPOLL_CLOEXEC), .now_ms = now_ms () };
  loop->last_turn = &loop->turns;
  loop->last_delay = &loop->delays;
  return loop->epoll >= 0;
}

static int
control (Loop *loop, int operation, int fd, uint32_t events, Watch *watch)
{
  struct epoll_event event = { .events = events, .data.ptr = watch };
  return epoll_ctl (loop->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int
port_loop_add (Loop *loop, int fd, uint32_t events, Watch *watch)
{
  return control (loop, EPOLL_CTL_ADD, fd, events, watch);
}

int
port_loop_change (Loop *loop, int fd, uint32_t events, Watch *watch)
{
  return control (loop, EPOLL_CTL_MOD, fd, events, watch);
}

void
port_loop_tick_begin (Loop *loop)
{
  if (loop->ticking++ > 0)
    return;
  loop->now_ms = now_ms ();
  loop->next_tick = loop->now_ms + TICK_MS;
}

void
port_loop_tick_end (Loop *loop)
{
  loop->ticking--;
}

void
port_loop_queue (Loop *loop, Turn *turn)
{
  if (turn->queued)
    return;
  turn->queued = true;
  turn->next = NULL;
  *loop->last_turn = turn;
  loop->last_turn = &turn->next;
}

void
port_loop_delay (Loop *loop, Delay *delay)
{
  delay->due = now_ms () + PORT_LOOP_DELAY_MS;
  delay->next = NULL;
  *loop->last_delay = delay;
  loop->last_delay = &delay->next;
}

static void
serve_delays (Loop *loop)
{
  while (loop->delays != NULL && loop->delays->due <= loop->now_ms)
    {
      Delay *delay = loop->delays;
      loop->delays = delay->next;
      if (loop->delays == NULL)
        loop->last_delay = &loop->delays;
      delay->call (delay);
    }
}

/* unqueue: rare: a connection ends by its other side while it waits for its turn. */
static void
unqueue (Loop *loop, Turn *turn)
{
  for (Turn **at = &loop->turns; *at != NULL; at = &(*at)->next)
    if (*at == turn)
      {
        *at = turn->next;
        if (loop->last_turn == &turn->next)
          loop->last_turn = at;
        break;
      }
  turn->queued = false;
}

void
port_loop_bury (Loop *loop, Grave *grave, Turn *turn)
{
  if (turn != NULL && turn->queued)
    unqueue (loop, turn);
  grave->next = loop->graves;
  loop->graves = grave;
}

static void
serve_turns (Loop *loop)
{
  /* those that are queued from now on are for the next round: events come between */
  Turn *turn = loop->turns;
  unsigned n = 0;
  for (; turn != NULL; turn = turn->next)
    n++;
  while (n-- > 0 && loop->turns != NULL)
    {
      turn = loop->turns;
      loop->turns = turn->next;
      if (loop->turns == NULL)
        loop->last_turn = &loop->turns;
      turn->queued = false;
      turn->call (turn);
    }
}

static int
time_left (const Loop *loop, int timeout_ms)
{
  uint64_t due = UINT64_MAX, now;
  if (loop->turns != NULL)
    return 0;
  if (loop->ticking > 0)
    due = loop->next_tick;
  if (loop->delays != NULL && loop->delays->due < due)
    due = loop->delays->due;
  if (due == UINT64_MAX)
    return timeout_ms;
  now = now_ms ();
  int left = due > now ? (int) (due - now) : 0;
  return timeout_ms < 0 || left < timeout_ms ? left : timeout_ms;
}

bool
port_loop_once (Loop *loop, int timeout_ms)
{
  struct epoll_event events[EVENTS];
  int n = epoll_wait (loop->epoll, events, EVENTS, time_left (loop, timeout_ms));
  if (n < 0 && errno != EINTR)
    return false;
  if (loop->ticking > 0 || loop->delays != NULL)
    loop->now_ms = now_ms ();
  for (int i = 0; i < n; i++)
    {
      Watch *watch = events[i].data.ptr;
      watch->call (watch, events[i].events);
    }
  serve_turns (loop);
  serve_delays (loop);
  if (loop->ticking > 0 && loop->tick != NULL && loop->now_ms >= loop->next_tick)
    {
      loop->next_tick = loop->now_ms + TICK_MS;
      loop->tick (loop);
    }
  while (loop->graves != NULL)
    {
      Grave *grave = loop->graves;
      loop->graves = grave->next;
      free (grave);
    }
  return true;
}
