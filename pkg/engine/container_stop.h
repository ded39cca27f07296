/* container_stop: ending containers: politely, with a limit, or by a signal. */
#pragma once

#include "pkg/engine/container.h"

#define CONTAINER_OWN_TIMEOUT G_MININT64   /* the container's own --stop-timeout */

/* One container to be stopped, and what became of it. */
typedef struct {
  const char *id;   /* or a name; borrowed */
  GError *error;    /* NULL: it has ended, or did not run; owned by the caller */
  char *warning;    /* it did not listen: one line for the user; NULL = none; owned by the caller */
} ContainerStop;
void container_stop_clear (ContainerStop *stop);

/* container_stop: end @n containers, all at once: the row is marked "stopped_by_user", the monitor is told that no restart follows, then comes the row's stop signal, SIGKILL after
 * @timeout seconds (0: at once; -1: never; CONTAINER_OWN_TIMEOUT), and the wait until the end is recorded. One that does not run is left as it is; one that waits to be
 * restarted is not. A paused one is let go on, so that it can listen.
 * Runs in: any user namespace of the user's; needs no entering.
 * Errors, in each: NOT_FOUND; SYSTEM it does not die. */
void container_stop (Storage *storage, ContainerStop *stops, gsize n, gint64 timeout);

/* container_kill: send @signal to a container's init. One that is meant to end it (SIGKILL, SIGTERM, SIGINT, SIGQUIT, SIGABRT, its stop signal) counts as stopping it: no restart
 * follows. With SIGKILL it has ended on return, and its end is recorded.
 * Errors: NOT_FOUND; INVALID it does not run; SYSTEM. */
gboolean container_kill (Storage *storage, const char *id, int signal, GError **error);

/* container_call_off: no restart policy starts it again from here on. */
gboolean container_call_off (Storage *storage, const StateContainer *row, GError **error);

/* container_waits_for_restart: it has ended, and its monitor is there to start it again. May read the row's config. */
gboolean container_waits_for_restart (Storage *storage, const ContainerView *view);

/* What stopping holds a lock on, in RUN_ROOT/ID, while it waits: the state "stopping". An open file description's read lock (fcntl(2)): any number may hold it, it goes with the
 * last of them, and who asks (F_OFD_GETLK) takes nothing. */
#define CONTAINER_STOPPING_FILE "stopping"
/* container_note_stopping: the descriptor that holds that lock, or -1. */
int container_note_stopping (Storage *storage, const char *id);

/* container_wait_pidfd: until @pidfd's process has ended; FALSE after @timeout_ms (-1: no limit). */
gboolean container_wait_pidfd (int pidfd, int timeout_ms);
