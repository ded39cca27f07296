/* container_live: the processes of a running container, found and signalled without trusting a number. Internal to pkg/engine. */
#pragma once

#include "storage/storage.h"

/* live_record_init: write RUN_ROOT/ID/init.pid: "PID INODE" of the container's init and its pid namespace. @run_dir: that folder. */
gboolean live_record_init (int run_dir, pid_t pid, GError **error);

/* live_open_monitor: a pidfd of the process that supervises the container, or -1 if there is none. */
int live_open_monitor (Storage *storage, const char *id);
/* live_open_monitor_pid: the same, with its number. */
int live_open_monitor_pid (Storage *storage, const char *id, pid_t *ret_pid);

/* live_open_init: a pidfd of the container's init, or -1 if it is not running. @ret_pid: its number. */
int live_open_init (Storage *storage, const char *id, pid_t *ret_pid);
