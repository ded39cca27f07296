/* container_logs: what containers have printed, and print. */
#pragma once

#include "pkg/engine/container.h"
#include "pkg/log/record.h"

typedef struct {
  const char *const *ids;  /* NULL-terminated; in full */
  gboolean follow;         /* until the containers have ended; those that do not run now are read as they are */
  gint64 tail;             /* the last lines of each; -1 = all */
  gint64 since, until;     /* nanoseconds since the epoch; 0 = no limit */
  /* @index: in @ids. FALSE ends all, with @error set or not. */
  gboolean (*visit) (guint index, const StateContainer *row, const LogRecord *record, void *data, GError **error);
  void (*idle) (void *data);   /* before waiting: whatever is buffered should be shown now */
  void *data;
} ContainerLogsRequest;

/* container_logs: those of several merged by time, as far as they are there; what is followed as it comes. Lines stay whole.
 * Errors: NOT_FOUND; INVALID "this container is using the 'none' log driver, cannot read logs: this container is not logging output". */
gboolean container_logs (Storage *storage, const ContainerLogsRequest *request, GError **error);

/* container_log_driver: of @row: "k8s-file" … Borrowed. container_log_path: its file, NULL for a driver without one; free with g_free. */
const char *container_log_driver (StateContainer *row);
char *container_log_path (Storage *storage, StateContainer *row);
