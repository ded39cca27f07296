/* port_loop: the events of coracle-port: one epoll, and a list of what has more to do than its turn allows. Plain C, libc only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct Loop Loop;

/* A descriptor that is waited for, within whatever owns it. */
typedef struct Watch Watch;
struct Watch {
  void (*call) (Watch *watch, uint32_t events);   /* events: of epoll */
};

/* Something that goes on after all others have had their turn. */
typedef struct Turn Turn;
struct Turn {
  void (*call) (Turn *turn);
  Turn *next;
  bool queued;
};

/* Something that is called once, PORT_LOOP_DELAY_MS from now. */
#define PORT_LOOP_DELAY_MS 25
typedef struct Delay Delay;
struct Delay {
  void (*call) (Delay *delay);
  Delay *next;
  uint64_t due;
};

/* Something to be freed when no event that was already fetched can name it any more. */
typedef struct Grave Grave;
struct Grave {
  Grave *next;
};

struct Loop {
  int epoll;
  Turn *turns, **last_turn;
  Delay *delays, **last_delay;
  Grave *graves;
  uint64_t now_ms;            /* CLOCK_MONOTONIC, when the last events came */
  void (*tick) (Loop *loop);  /* called now and then, about once a second, while @ticking is not 0 */
  unsigned ticking;
  uint64_t next_tick;
};

bool port_loop_init (Loop *loop);
/* port_loop_add: 0 or -errno. @events: of epoll. */
int port_loop_add (Loop *loop, int fd, uint32_t events, Watch *watch);
int port_loop_change (Loop *loop, int fd, uint32_t events, Watch *watch);
/* port_loop_tick_begin, port_loop_tick_end: one more, or one less, who wants Loop.tick to be called and Loop.now_ms to be right. */
void port_loop_tick_begin (Loop *loop);
void port_loop_tick_end (Loop *loop);
void port_loop_queue (Loop *loop, Turn *turn);
void port_loop_delay (Loop *loop, Delay *delay);   /* it must stay until it is called */
/* port_loop_bury: free (@grave) later. It must be what malloc gave, and @turn, which may be NULL, no longer queued after this. */
void port_loop_bury (Loop *loop, Grave *grave, Turn *turn);
/* port_loop_once: wait for events, at most @timeout_ms (-1: for ever), and serve them. FALSE: epoll failed. */
bool port_loop_once (Loop *loop, int timeout_ms);
