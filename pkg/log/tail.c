/* The last lines of a log, found from its end in blocks. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/log/private.h"

#define BLOCK ((gsize) 64 * 1024)

typedef struct {
  LogReader *reader;
  gint64 wanted;        /* lines still to be found */
  gboolean begun;       /* a record was seen: one at the very end without newline is a line too */
  char *block;
  gsize size;
} Tail;

/* pass_line: one record, from the end. TRUE: the lines wanted begin right behind it. */
static gboolean
pass_line (Tail *tail, const char *line, gsize size)
{
  LogRecord record;
  if (!log_record_parse (line, size, tail->reader->scratch, &record))
    return FALSE;
  gboolean first = !tail->begun;
  tail->begun = TRUE;
  if (record.partial && !first)
    return FALSE;
  if (tail->wanted == 0)
    return TRUE;
  tail->wanted--;
  return FALSE;
}

/* scan_block: the lines that lie whole in the block's first @used bytes, from the end. *@ret_left: bytes before them. TRUE: found, behind *@ret_left. */
static gboolean
scan_block (Tail *tail, gsize used, gboolean is_begin, gsize *ret_left)
{
  gsize end = used;
  while (end > 0)
    {
      gsize text_end = tail->block[end - 1] == '\n' ? end - 1 : end;
      const char *newline = text_end > 0 ? memrchr (tail->block, '\n', text_end) : NULL;
      if (newline == NULL && !is_begin)
        break;
      gsize begin = newline != NULL ? (gsize) (newline - tail->block) + 1 : 0;
      *ret_left = end;
      if (pass_line (tail, tail->block + begin, text_end - begin))
        return TRUE;
      end = begin;
    }
  *ret_left = end;
  return FALSE;
}

static gboolean
read_block (Tail *tail, int fd, goffset from, gsize size, GError **error)
{
  for (gsize done = 0; done < size;)
    {
      ssize_t n = pread (fd, tail->block + done, size - done, from + (goffset) done);
      int errsv = errno;
      if (n < 0 && errsv == EINTR)
        continue;
      if (n <= 0)
        return coracle_throw_errno (error, n < 0 ? errsv : EIO, "reading %s", tail->reader->path);
      done += (gsize) n;
    }
  return TRUE;
}

/* scan_file: *@ret_at: where the lines wanted begin; -1: in an older file. */
static gboolean
scan_file (Tail *tail, int fd, goffset end, goffset *ret_at, GError **error)
{
  *ret_at = -1;
  while (end > 0)
    {
      gsize used = (gsize) MIN ((goffset) tail->size, end), left = 0;
      if (!read_block (tail, fd, end - (goffset) used, used, error))
        return FALSE;
      gboolean found = scan_block (tail, used, (goffset) used == end, &left);
      if (found)
        {
          *ret_at = end - (goffset) used + (goffset) left;
          return TRUE;
        }
      if (left < used)
        end -= (goffset) (used - left);
      else if (tail->size < LOG_LINE_MAX)
        {
          tail->size *= 2;
          tail->block = g_realloc (tail->block, tail->size);
        }
      else
        end -= (goffset) used;   /* a line of that length is no record */
    }
  return TRUE;
}

gboolean
log_tail (LogReader *reader, gint64 lines, GError **error)
{
  Tail tail = { .reader = reader, .wanted = lines, .size = BLOCK, .block = g_malloc (BLOCK) };
  gboolean ok = TRUE;
  goffset at = -1;
  guint i = reader->files->len;
  while (ok && at < 0 && i > 0)
    {
      struct stat st;
      int fd = g_array_index (reader->files, int, --i);
      if (fstat (fd, &st) < 0)
        break;
      goffset end = reader->limit >= 0 && i + 1 == reader->files->len ? MIN (reader->limit, st.st_size) : st.st_size;
      if (lines == 0)
        at = end;
      else
        ok = scan_file (&tail, fd, end, &at, error);
    }
  g_free (tail.block);
  if (!ok || at < 0)
    return ok;
  for (guint j = 0; j < i; j++)
    fd_close (g_array_index (reader->files, int, j));
  if (i > 0)
    g_array_remove_range (reader->files, 0, i);
  reader->at = at;
  return TRUE;
}
