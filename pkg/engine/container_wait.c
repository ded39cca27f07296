#include "pkg/engine/container_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_live.h"
#include "pkg/monitor/client.h"

/* How often to look where the kernel cannot tell us (no inotify instance is left), as Podman does */
#define LOOK_MS 250
/* How long the last word of a monitor may be on its way when its container is gone already */
#define TOLD_MS 500

/* One container that is waited for. Three things tell of it: its monitor, on a connection that is attached to no stream: how the container ended, even if it is removed at once;
 * the monitor's pidfd: that it was killed; and the folders that are watched: RUN_ROOT, RUN_ROOT/ID, and that of the database, for what changes in its row. */
typedef struct {
  ContainerWait *wait;
  int socket, monitor;
  int folder;            /* the watch on RUN_ROOT/ID */
  gboolean seen_end;     /* it was told of an end since we began */
  gint64 code;           /* of that */
} Waiter;

gboolean
container_wait_conditions (const char *const *words, guint *ret_conditions, GError **error)
{
  static const struct { const char *word; guint bit; } states[] = {
    { "configured", WAIT_CREATED }, { "created", WAIT_CREATED },   { "exited", WAIT_EXITED },   { "healthy", WAIT_HEALTHY },  { "initialized", WAIT_NEVER },     { "paused", WAIT_PAUSED },
    { "removing", WAIT_REMOVING },  { "running", WAIT_RUNNING },   { "stopped", WAIT_EXITED },  { "stopping", WAIT_STOPPING }, { "unhealthy", WAIT_UNHEALTHY }, { "unknown", WAIT_NEVER },
  };
  guint conditions = 0;
  for (; *words != NULL; words++)
    {
      guint bit = 0;
      for (gsize i = 0; i < G_N_ELEMENTS (states); i++)
        if (strcmp (states[i].word, *words) == 0)
          bit = states[i].bit;
      if (bit == 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown container state: %s: invalid argument", *words);
      conditions |= bit;
    }
  *ret_conditions = conditions != 0 ? conditions : WAIT_EXITED;
  return TRUE;
}

/* ---- what tells of it */

static void
connect_monitor (Storage *storage, Waiter *waiter)
{
  struct {
    MonitorHeader header;
    MonitorAttach streams;
  } attach = { .header.type = MONITOR_ATTACH };
  cleanup_fd int run_dir = openat (storage->run_fd, waiter->wait->id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  cleanup_fd int fd = run_dir >= 0 ? monitor_client_connect (run_dir) : -1;
  if (fd >= 0 && send (fd, &attach, offsetof (typeof (attach), streams) + sizeof attach.streams, MSG_NOSIGNAL) >= 0)
    waiter->socket = fd_steal (&fd);
}

/* hear: what the monitor says: only how it ended is of interest. */
static void
hear (Waiter *waiter)
{
  struct {
    MonitorHeader header;
    char data[256];
  } packet;
  ssize_t n = recv (waiter->socket, &packet, sizeof packet, MSG_DONTWAIT);
  MonitorExit ended;
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  if (n == (ssize_t) (sizeof packet.header + sizeof ended) && packet.header.type == MONITOR_EXITED)
    {
      memcpy (&ended, packet.data, sizeof ended);
      waiter->seen_end = TRUE;
      waiter->code = ended.timed_out ? -1 : monitor_exit_status (&ended);
    }
  if (n <= 0 || waiter->seen_end)
    fd_close (fd_steal (&waiter->socket));
}

static void
watch (Storage *storage, int inotify, Waiter *waiter)
{
  g_autofree char *folder = g_build_filename (storage->paths->run_root, waiter->wait->id, NULL);
  waiter->folder = inotify < 0 ? -1 : inotify_add_watch (inotify, folder, IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
}

/* read_end: the file has just come: it may go soon, with all of a --rm container. */
static void
read_end (Storage *storage, Waiter *waiter)
{
  g_autofree char *path = g_strconcat (waiter->wait->id, "/" MONITOR_EXIT_FILE, NULL), *text = NULL;
  MonitorExit ended;
  if (waiter->seen_end || !path_read_file (storage->run_fd, path, 256, &text, NULL, NULL) || !monitor_exit_parse (text, &ended, NULL))
    return;
  waiter->seen_end = TRUE;
  waiter->code = ended.timed_out ? -1 : monitor_exit_status (&ended);
}

/* begin_watching: returns an inotify descriptor, or -1: then we look every now and then. */
static int
begin_watching (Storage *storage)
{
  cleanup_fd int fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  if (fd < 0 || inotify_add_watch (fd, storage->paths->run_root, IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_ONLYDIR) < 0
      || inotify_add_watch (fd, storage->paths->root, IN_MODIFY | IN_CREATE | IN_ONLYDIR) < 0)
    return -1;
  return fd_steal (&fd);
}

/* read_events: of what happened in the folders, only an end is looked at; the rest wakes us. */
static void
read_events (Storage *storage, int inotify, Waiter *waiters, gsize n)
{
  char events[4096] __attribute__ ((aligned (8)));
  ssize_t size;
  while (inotify >= 0 && (size = read (inotify, events, sizeof events)) > 0)
    for (const char *at = events; at < events + size;)
      {
        const struct inotify_event *event = (const void *) at;
        for (gsize i = 0; i < n && event->len > 0 && strcmp (event->name, MONITOR_EXIT_FILE) == 0; i++)
          if (waiters[i].wait->id != NULL && waiters[i].folder == event->wd)
            read_end (storage, &waiters[i]);
        at += sizeof *event + event->len;
      }
}

/* ---- what it is in */

static guint
state_of (const ContainerView *view)
{
  static const struct { const char *status; guint bits; } states[] = {
    { "created", WAIT_CREATED }, { "exited", WAIT_EXITED }, { "running", WAIT_RUNNING }, { "paused", WAIT_PAUSED }, { "stopping", WAIT_STOPPING },
  };
  /* init is dead and its monitor has not said yet how it ended: it will */
  if (view->pid == 0 && strcmp (view->status, "stopping") == 0)
    return 0;
  const char *health = view->health;
  guint bits = view->pid > 0 && g_strcmp0 (health, "healthy") == 0 ? WAIT_HEALTHY : view->pid > 0 && g_strcmp0 (health, "unhealthy") == 0 ? WAIT_UNHEALTHY : 0;
  for (gsize i = 0; i < G_N_ELEMENTS (states); i++)
    if (strcmp (states[i].status, view->status) == 0)
      bits |= states[i].bits;
  return bits;
}

static void
end (Waiter *waiter, gint64 code)
{
  waiter->wait->code = code;
  waiter->wait->done = TRUE;
}

static gboolean
look_at_missing (Waiter *waiter, guint conditions, GError *problem, GError **error)
{
  if (!g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, problem);
      return FALSE;
    }
  g_error_free (problem);
  if (!(conditions & (WAIT_EXITED | WAIT_REMOVING)))
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no container with ID %s found in database: no such container", waiter->wait->id);
  /* its monitor has told, before it could be removed; we were woken by something earlier */
  struct pollfd told = { .fd = waiter->socket, .events = POLLIN };
  while (waiter->socket >= 0 && poll (&told, 1, TOLD_MS) > 0)
    hear (waiter);
  end (waiter, waiter->seen_end ? waiter->code : -1);
  return TRUE;
}

/* look: is it in one of the states now? Else be sure to hear of the next change: what is watched was watched before we look. */
static gboolean
look (Storage *storage, int inotify, Waiter *waiter, guint conditions, GError **error)
{
  GError *problem = NULL;
  if (waiter->seen_end && (conditions & WAIT_EXITED))
    {
      end (waiter, waiter->code);
      return TRUE;
    }
  watch (storage, inotify, waiter);
  if (waiter->socket < 0 && !waiter->seen_end)
    connect_monitor (storage, waiter);
  if (waiter->monitor < 0)
    waiter->monitor = live_open_monitor (storage, waiter->wait->id);
  g_autoptr (ContainerView) view = container_find (storage, waiter->wait->id, &problem);
  if (view == NULL)
    return look_at_missing (waiter, conditions, problem, error);
  if ((conditions & (WAIT_HEALTHY | WAIT_UNHEALTHY)) && view->health == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot use condition \"%s\": container %s has no healthcheck", conditions & WAIT_HEALTHY ? "healthy" : "unhealthy", view->row->id);
  guint state = state_of (view) & conditions;
  /* one that never ran does not run */
  if ((conditions & WAIT_EXITED) && strcmp (view->status, "created") == 0 && !view->alive && state == 0)
    end (waiter, 0);
  else if (state != 0)
    end (waiter, state & WAIT_EXITED ? view->row->exit_code : -1);
  return TRUE;
}

/* ---- all of them */

static void
waiter_clear (Waiter *waiter)
{
  fd_close (waiter->socket);
  fd_close (waiter->monitor);
}

static void
wait_for_change (Storage *storage, int inotify, Waiter *waiters, struct pollfd *polls, gsize n, int timeout_ms)
{
  polls[0] = (struct pollfd){ .fd = inotify, .events = POLLIN };
  for (gsize i = 0; i < n; i++)
    {
      gboolean open = waiters[i].wait->id != NULL && !waiters[i].wait->done;
      polls[1 + 2 * i] = (struct pollfd){ .fd = open ? waiters[i].socket : -1, .events = POLLIN };
      polls[2 + 2 * i] = (struct pollfd){ .fd = open ? waiters[i].monitor : -1, .events = POLLIN };
    }
  if (poll (polls, 1 + 2 * n, timeout_ms) <= 0)
    return;
  read_events (storage, inotify, waiters, n);
  for (gsize i = 0; i < n; i++)
    {
      if (polls[1 + 2 * i].revents != 0)
        hear (&waiters[i]);
      if (polls[2 + 2 * i].revents != 0)
        fd_close (fd_steal (&waiters[i].monitor));
    }
}

static gboolean
look_at_all (Storage *storage, int inotify, Waiter *waiters, gsize n, guint conditions, gsize *ret_open, gsize *ret_done, GError **error)
{
  *ret_open = *ret_done = 0;
  for (gsize i = 0; i < n; i++)
    {
      if (waiters[i].wait->id == NULL)
        continue;
      if (!waiters[i].wait->done && !look (storage, inotify, &waiters[i], conditions, error))
        return FALSE;
      *(waiters[i].wait->done ? ret_done : ret_open) += 1;
    }
  return TRUE;
}

gboolean
container_wait (Storage *storage, ContainerWait *waits, gsize n, guint conditions, gboolean first, gint64 interval_ms, GError **error)
{
  g_autofree Waiter *waiters = g_new0 (Waiter, n);
  g_autofree struct pollfd *polls = g_new (struct pollfd, 1 + 2 * n);
  cleanup_fd int inotify = begin_watching (storage);
  int timeout_ms = interval_ms > 0 ? (int) MIN (interval_ms, G_MAXINT) : inotify >= 0 ? -1 : LOOK_MS;
  for (gsize i = 0; i < n; i++)
    waiters[i] = (Waiter){ .wait = &waits[i], .socket = -1, .monitor = -1, .folder = -1 };
  gboolean ok;
  for (gsize open, done;;)
    {
      ok = look_at_all (storage, inotify, waiters, n, conditions, &open, &done, error);
      if (!ok || open == 0 || (first && done > 0))
        break;
      wait_for_change (storage, inotify, waiters, polls, n, timeout_ms);
    }
  for (gsize i = 0; i < n; i++)
    waiter_clear (&waiters[i]);
  return ok;
}
