/* container_log: where a container's output goes. Internal to pkg/engine. */
#pragma once

#include "pkg/engine/container_make.h"
#include "pkg/monitor/protocol.h"

/* The log file of a container that was not given another: containers/ID/CONTAINER_LOG_FILE */
#define CONTAINER_LOG_FILE "ctr.log"

/* log_open: what the monitor is told of the container's log (--log-driver, --log-opt). Give it back with log_close.
 * Errors: INVALID words; SYSTEM the file cannot be made. */
gboolean log_open (const Make *make, MonitorLog *ret_log, GError **error);
void log_close (MonitorLog *log);
