/* reader: a container's log, from its file and the older ones beside it (NAME.1, NAME.2 …, which the monitor makes by renaming when the file has grown too large), or from the
 * journal. Records come one by one, in the order written; memory does not grow with the log.
 *
 * Following: what is rotated away while it is read is not lost: an open file keeps its content, and the one after it is found by its inode, whatever number it has by then. That
 * holds as long as fewer files are rotated between two reads of 256 KiB than are kept. */
#pragma once

#include "pkg/log/record.h"

typedef struct LogReader LogReader;

typedef enum {
  LOG_RECORD,   /* here is one */
  LOG_WAIT,     /* none now: if it is followed wait for log_reader_fd, then go on; if not, this is the end */
  LOG_FAILED,   /* @error is set */
} LogRead;

/* log_reader_file: @path: the newest file; missing is an empty log. @tail: only that many lines from the end, -1 = all. @follow: go on after what is there; otherwise what is
 * written after this call is not read. @since: a hint in nanoseconds since the epoch: what is older may be left out, and need not be. Errors: SYSTEM. */
LogReader *log_reader_file (const char *path, gint64 tail, gint64 since, gboolean follow, GError **error);
/* log_reader_journal: what the container @id has written to the journal, through journalctl. */
LogReader *log_reader_journal (const char *id, gint64 tail, gint64 since, gboolean follow, GError **error);
void log_reader_free (LogReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LogReader, log_reader_free)

/* log_reader_next: @ret_record is valid until the next call on this reader. What is no record is passed over. */
LogRead log_reader_next (LogReader *reader, LogRecord *ret_record, GError **error);

/* log_reader_fd: readable when there may be more; for poll. -1: not followed. */
int log_reader_fd (const LogReader *reader);

/* log_reader_finish: nobody writes any more: what is there is read to its end, also half a record, and LOG_WAIT then means the end. */
gboolean log_reader_finish (LogReader *reader, GError **error);
