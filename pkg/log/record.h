/* record: one line of a container's log file, in the formats of pkg/monitor/protocol.h (MonitorLogKind): k8s-file and Docker's json-file. Who wrote it is a stranger: any bytes are
 * safe to parse. */
#pragma once

#include <glib.h>

typedef struct {
  const char *text;      /* what the container printed, without the newline; borrowed from the line, or from the @scratch of a JSON one */
  gsize size;
  gboolean is_err;       /* to its standard error */
  gboolean partial;      /* no newline follows: the next record of the same stream goes on with the line */
  const char *stamp;     /* when, as it stands in the line: log_record_time */
  gsize stamp_size;
} LogRecord;

/* log_record_parse: @line without its newline. A line that begins with '{' is JSON, any other k8s-file's. @scratch: emptied, holds the text of a JSON record that has escapes.
 * FALSE: it is neither. */
gboolean log_record_parse (const char *line, gsize size, GString *scratch, LogRecord *ret_record);

/* log_record_time: nanoseconds since the epoch; 0 if the stamp is none. */
gint64 log_record_time (const LogRecord *record);

/* log_time_text: as `logs -t` prints it, RFC 3339 with nine digits in the local zone, into @text (at least 40 bytes). Returns its length. Not for threads: it remembers the zone. */
gsize log_time_text (gint64 time, char *text);
