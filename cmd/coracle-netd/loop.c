#include "netd.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "pkg/base/fd.h"

enum { EVENTS = 64 };

struct Loop {
  int epoll;
  GPtrArray *dropped;   /* freed after the turn: events of theirs may be in hand */
};

struct Watch {
  Loop *loop;
  int fd;
  WatchFunc call;
  void *data;
};

Loop *
loop_new (void)
{
  Loop *loop = g_new0 (Loop, 1);
  loop->epoll = epoll_create1 (EPOLL_CLOEXEC);
  loop->dropped = g_ptr_array_new_with_free_func (g_free);
  return loop;
}

Watch *
loop_watch (Loop *loop, int fd, uint32_t events, WatchFunc call, void *data)
{
  Watch *watch = g_new0 (Watch, 1);
  *watch = (Watch){ .loop = loop, .fd = fd, .call = call, .data = data };
  struct epoll_event event = { .events = events, .data.ptr = watch };
  (void) epoll_ctl (loop->epoll, EPOLL_CTL_ADD, fd, &event);
  return watch;
}

void
loop_change (Watch *watch, uint32_t events)
{
  struct epoll_event event = { .events = events, .data.ptr = watch };
  (void) epoll_ctl (watch->loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

int
loop_fd (const Watch *watch)
{
  return watch->fd;
}

void
loop_drop (Watch *watch)
{
  if (watch == NULL || watch->fd < 0)
    return;
  (void) epoll_ctl (watch->loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
  fd_close (fd_steal (&watch->fd));
  g_ptr_array_add (watch->loop->dropped, watch);
}

void
loop_turn (Loop *loop, int timeout_ms)
{
  struct epoll_event events[EVENTS];
  int n = epoll_wait (loop->epoll, events, EVENTS, timeout_ms);
  for (int i = 0; i < n; i++)
    {
      Watch *watch = events[i].data.ptr;
      if (watch->fd >= 0)
        watch->call (watch, events[i].events, watch->data);
    }
  g_ptr_array_set_size (loop->dropped, 0);
}
