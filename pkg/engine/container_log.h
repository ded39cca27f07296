/* container_log: where a container's output goes: what --log-driver and --log-opt mean. Internal to pkg/engine, but for log_check. */
#pragma once

#include "pkg/engine/container_make.h"
#include "pkg/monitor/protocol.h"

/* The log file of a container that was not given another: containers/ID/CONTAINER_LOG_FILE */
#define CONTAINER_LOG_FILE "ctr.log"

typedef struct {
  MonitorLogKind kind;
  gboolean tty;            /* passthrough-tty: the caller's terminal itself */
  const char *driver;      /* its name */
  char *path;              /* absolute; NULL = the usual file */
  char *tag;               /* the template; NULL = none */
  GPtrArray *labels;       /* of --log-opt label: NAME=TEMPLATE each */
  gint64 max_size;         /* 0 = no limit */
  guint max_files;
} LogSettings;
void log_settings_clear (LogSettings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LogSettings, log_settings_clear)

/* log_settings_parse: Errors: INVALID. */
gboolean log_settings_parse (const ContainerOptions *options, LogSettings *ret_settings, GError **error);
/* log_check: would they do? Nothing is opened. */
gboolean log_check (const ContainerOptions *options, GError **error);
/* log_path: the file that @settings mean for the container in ROOT/containers/@id; NULL: none. */
char *log_path (const LogSettings *settings, const ConfigPaths *paths, const char *id);
/* log_passes_through: the command has our own standard descriptors; with @ret_tty also our terminal. */
gboolean log_passes_through (const ContainerOptions *options);

/* log_open: what the monitor is told of the container's log. Give it back with log_close.
 * Errors: INVALID words; SYSTEM the file cannot be made, or there is no journal. */
gboolean log_open (const Make *make, MonitorLog *ret_log, GError **error);
void log_close (MonitorLog *log);
