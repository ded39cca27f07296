/* export: the journal's export format, as `journalctl -o export` prints it: fields as lines NAME=text, or where the value is no printable text NAME, its size in eight bytes (little
 * endian) and the value; an empty line ends an entry. Source: systemd, "Journal Export Formats". Of an entry only what a container's log is made of is kept: the fields that the
 * monitor sends. Any bytes are safe to parse. */
#pragma once

#include <glib.h>

/* A field that is longer is passed over, and an entry with it that has no other text: nobody's we know. */
#define LOG_EXPORT_FIELD_MAX ((gsize) 8 * 1024 * 1024)

typedef struct {
  /* of the entry that has just ended, until the next call */
  GString *text;         /* MESSAGE, the first one */
  gboolean has_text;
  gboolean is_err;       /* PRIORITY=3 */
  gboolean partial;      /* CONTAINER_PARTIAL_MESSAGE */
  gint64 time;           /* microseconds since the epoch: when it was sent, or else received */
  GString *cursor;       /* where it is in the journal; empty: no entry has ended yet */
  /* of the entry that is read */
  GString *next;         /* its cursor */
  gint64 received;
  gboolean whole;        /* it has ended: the next field begins another */
  gboolean skipping;     /* a line that is too long: dropped up to its newline */
  gsize drop;            /* so many bytes to come are of a value that is not wanted */
} LogExport;

LogExport *log_export_new (void);
void log_export_free (LogExport *export);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LogExport, log_export_free)

/* log_export_take: one field at the beginning of @data. Returns how many bytes are done with; 0: more is needed, at most LOG_EXPORT_FIELD_MAX and a little in all. @scanned: kept by the
 * caller between calls, 0 at first: so much of @data holds no newline. *@ret_ended: an entry ended with them. */
gsize log_export_take (LogExport *export, const char *data, gsize size, gsize *scanned, gboolean *ret_ended);
