/* What the reader's files share. */
#pragma once

#include <sys/types.h>

#include "pkg/log/export.h"
#include "pkg/log/reader.h"

#define LOG_CHUNK ((gsize) 256 * 1024)
#define LOG_LINE_MAX ((gsize) 16 * 1024 * 1024)   /* of one record; a longer one is nobody's we know, and is passed over */

struct LogReader {
  char *path;
  gboolean follow, finished;
  GArray *files;       /* of int: descriptors, the one being read first, then those that are newer */
  gboolean last_look;  /* the first file was rotated away: read once more, then go on to the next */
  goffset limit;       /* not followed: of the newest file, no more than this; -1 = all */
  goffset at;          /* where in the first file the buffer ends */
  char *buffer;
  gsize size, begin, end;   /* allocated; what is read and not given out yet */
  gsize scanned;       /* of that, so much from its beginning holds no newline */
  gboolean skipping;   /* the line is too long: dropped up to its newline */
  int inotify;
  GString *scratch;
  /* the journal */
  gboolean journal;
  char *id;
  pid_t pid;
  LogExport *export;   /* NULL: not the journal */
  char stamp[40];      /* of a record of the journal */
};

/* log_tail: leave in @reader->files, and at @reader->at, what the last @lines lines begin with. */
gboolean log_tail (LogReader *reader, gint64 lines, GError **error);
/* log_journal_take: the next record of what is in the buffer. FALSE: there is no whole one. */
gboolean log_journal_take (LogReader *reader, LogRecord *ret_record);
gboolean log_journal_finish (LogReader *reader, GError **error);
