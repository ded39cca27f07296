/* container_notify: --sdnotify: telling the service manager that started us, by sd_notify(3), how far a container has come. Internal to pkg/engine.
 *
 *   conmon      the monitor's pid and READY=1 when the container runs
 *   container   the monitor's pid; READY=1 when the container says so on a socket of its own, NOTIFY_SOCKET=/run/notify/notify.sock: the monitor passes it on
 *   healthy     the monitor's pid; READY=1 when a check first succeeds, by whoever ran it: RUN_ROOT/ID/notify-healthy says where to, once
 *   ignore      nothing
 * Without NOTIFY_SOCKET in the environment of the command that starts the container all are as ignore. */
#pragma once

#include "pkg/engine/container_make.h"

typedef struct {
  int socket;   /* MonitorStart.notify */
  int host;     /* MonitorStart.notify_host */
} ContainerNotify;
#define CONTAINER_NOTIFY_NONE { -1, -1 }
void notify_clear (ContainerNotify *notify);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ContainerNotify, notify_clear)

/* notify_places: for "container": the folder of its socket, to be mounted. Call it before the mounts are worked out. */
gboolean notify_places (Make *make, GError **error);
/* notify_env: NOTIFY_SOCKET is the container's own, or none. */
void notify_env (const Make *make, char ***env);
/* notify_open: the sockets for the monitor. */
gboolean notify_open (const Make *make, ContainerNotify *ret_notify, GError **error);
/* notify_started: the container runs, supervised by @monitor (a number of ours). @wait: with "healthy", return when it is, or has ended. */
void notify_started (const Make *make, pid_t monitor, gboolean wait);

/* notify_healthy: a check has succeeded. @run_dir: RUN_ROOT/ID. */
void notify_healthy (int run_dir);
