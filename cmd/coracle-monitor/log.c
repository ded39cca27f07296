#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What copying may overwrite behind what it copied */
#define SLACK 16
/* The longest that one byte becomes in JSON: \u001b */
#define ESCAPED 6
/* A record begins only where there is room for this much */
#define ROOM 1024

static const char *const stream_names[STREAMS] = { [STREAM_OUT] = "stdout", [STREAM_ERR] = "stderr" };

/* ---- time */

static char *
put_digits (char *to, int64_t number, int n)
{
  for (int i = n - 1; i >= 0; i--, number /= 10)
    to[i] = (char) ('0' + number % 10);
  return to + n;
}

/* put_date: "2026-01-02T03:04:05." of seconds since 1970. Source of the days: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static char *
put_date (char *to, int64_t seconds)
{
  int64_t days = seconds / 86400, rest = seconds % 86400;
  int64_t z = days + 719468, era = z / 146097, day_of_era = z % 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100), month = (5 * day_of_year + 2) / 153;
  const int64_t parts[] = { year_of_era + era * 400 + (month >= 10), month < 10 ? month + 3 : month - 9, day_of_year - (153 * month + 2) / 5 + 1, rest / 3600, rest / 60 % 60, rest % 60 };
  static const char after[] = "--T::.";
  for (int i = 0; i < 6; i++)
    {
      to = put_digits (to, parts[i], i == 0 ? 4 : 2);
      *to++ = after[i];
    }
  return to;
}

/* find_offset: that of local time, asked for once in a quarter of an hour: nowhere does it change at another moment. */
static void
find_offset (Log *log, time_t second)
{
  struct tm local;
  if (log->offset_of == second / 900 + 1)
    return;
  log->offset_of = second / 900 + 1;
  log->offset = localtime_r (&second, &local) != NULL ? local.tm_gmtoff : 0;
}

static void
put_tails (Log *log)
{
  for (int which = 0; which < STREAMS; which++)
    {
      char *to = stpcpy (stpcpy (log->tail[which], "\",\"stream\":\""), stream_names[which]);
      to = stpcpy (stpcpy (stpcpy (to, "\",\"time\":\""), log->utc), "\"}\n");
      log->tail_size[which] = (size_t) (to - log->tail[which]);
    }
}

/* read_clock: one moment for a whole batch, in both texts. */
static void
read_clock (Log *log)
{
  enum { NANOSECONDS = 20 };
  struct timespec now = { 0 };
  (void) clock_gettime (CLOCK_REALTIME, &now);
  if (now.tv_sec != log->second || log->local_size == 0)
    {
      find_offset (log, now.tv_sec);
      long minutes = (log->offset < 0 ? -log->offset : log->offset) / 60;
      (void) put_date (log->local, now.tv_sec + log->offset);
      char *at = log->local + NANOSECONDS + 9;
      *at++ = log->offset < 0 ? '-' : '+';
      at = put_digits (at, minutes / 60, 2);
      *at++ = ':';
      at = put_digits (at, minutes % 60, 2);
      log->local_size = (size_t) (at - log->local);
      (void) put_date (log->utc, now.tv_sec);
      log->utc[NANOSECONDS + 9] = 'Z';
      log->second = now.tv_sec;
    }
  (void) put_digits (log->local + NANOSECONDS, now.tv_nsec, 9);
  (void) put_digits (log->utc + NANOSECONDS, now.tv_nsec, 9);
  if (log->to->kind == MONITOR_LOG_JSON)
    put_tails (log);
}

/* ---- the file */

/* write_part: records; what finds no room is lost, and the first record after that begins a new line. */
static void
write_part (Log *log, const char *data, size_t size)
{
  if (log->torn && write (log->to->fd, "\n", 1) != 1)
    return;
  log->size += log->torn;
  log->torn = false;
  for (size_t at = 0; at < size;)
    {
      ssize_t n = write (log->to->fd, data + at, size - at);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          log->torn = at > 0 && data[at - 1] != '\n';
          return;
        }
      at += (size_t) n;
      log->size += (uint64_t) n;
    }
}

/* flush: the records up to @end. */
static void
flush (Log *log, size_t end)
{
  if (end > 0)
    write_part (log, log->buffer, end);
  memmove (log->buffer, log->buffer + end, log->used - end);
  log->used -= end;
}

/* old_name: NAME.2; the file itself is number 0. */
static void
old_name (const Log *log, uint32_t number, char name[96])
{
  size_t n = strlen (log->to->name);
  memcpy (name, log->to->name, n);
  if (number > 0)
    {
      name[n++] = '.';
      n += text_number (name + n, number);
    }
  name[n] = '\0';
}

/* rotate: NAME.1 becomes NAME.2 and so on, the oldest goes, NAME becomes NAME.1 and a new file. A reader that has the old file open reads it to its end, finds its inode under
 * another number, and goes on with the number below. Where no new file can be made, the old one goes on. */
static void
rotate (Log *log)
{
  MonitorLog *to = log->to;
  char from[96], into[96];
  for (uint32_t number = to->max_files > 0 ? to->max_files : 1; number > 0; number--)
    {
      old_name (log, number - 1, from);
      old_name (log, number, into);
      (void) renameat (to->dir, from, to->dir, into);
    }
  int fd = openat (to->dir, to->name, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      (void) renameat (to->dir, into, to->dir, to->name);
      return;
    }
  (void) close (to->fd);
  to->fd = fd;
  log->size = 0;
  log->torn = false;
}

/* end_record: @begin to log->used is a record. Where it would make the file too large, it begins a new one. */
static void
end_record (Log *log, size_t begin)
{
  const MonitorLog *to = log->to;
  if (to->max_size == 0 || to->dir < 0 || log->size + log->used <= to->max_size || log->size + begin == 0)
    return;
  flush (log, begin);
  rotate (log);
}

/* ---- formats */

/* write_k8s: "DATE stdout F text\n". One line, or the P of a part that had no end; the buffer holds a whole piece. */
static void
write_k8s (Log *log, int which, const char *data, size_t size)
{
  char head[64] = "";
  size_t head_size = log->local_size;
  memcpy (head, log->local, head_size);
  head[head_size++] = ' ';
  memcpy (head + head_size, stream_names[which], 6);
  head_size += 6;
  memcpy (head + head_size, " F ", 3);
  head_size += 3;
  for (size_t at = 0; at < size;)
    {
      size_t begin = log->used, left = size - at, room = sizeof log->buffer - begin - sizeof head - SLACK;
      if (left > room)
        {
          /* may not fit any more: rare, so looked at twice */
          const char *end = memchr (data + at, '\n', left);
          left = end != NULL ? (size_t) (end - data) + 1 - at : left;
          if (left > room)
            {
              flush (log, begin);
              continue;
            }
        }
      char *to = log->buffer + begin;
      memcpy (to, head, sizeof head);
      bool whole;
      size_t n = copy_line (to + head_size, data + at, left, &whole);
      log->used += head_size + n;
      at += n;
      if (!whole)
        {
          to[head_size - 2] = 'P';
          log->buffer[log->used++] = '\n';
        }
      end_record (log, begin);
      if (sizeof log->buffer - log->used < ROOM)
        flush (log, log->used);
    }
}

/* utf8_size: of the sequence at @data; 0: there is none, only a byte that is wrong; more than @size: its rest has not come. Source: RFC 3629 section 4. */
static size_t
utf8_size (const char *data, size_t size)
{
  const uint8_t *b = (const uint8_t *) data;
  size_t n = b[0] < 0x80 ? 1 : b[0] >= 0xc2 && b[0] <= 0xdf ? 2 : (b[0] & 0xf0) == 0xe0 ? 3 : b[0] >= 0xf0 && b[0] <= 0xf4 ? 4 : 0;
  for (size_t i = 1; i < n && i < size; i++)
    if ((b[i] & 0xc0) != 0x80)
      return 0;
  if (n >= 3 && size >= 2
      && ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f)))
    return 0;
  return n;
}

/* escape: one character that JSON does not take as it is. Returns how much of @data that was; more than @size: its rest has not come, nothing was put. */
static size_t
escape (Log *log, const char *data, size_t size)
{
  static const char plain[] = "\"\\\n\r\t\b\f", named[] = "\"\\nrtbf", hex[] = "0123456789abcdef";
  char *to = log->buffer + log->used;
  size_t n = utf8_size (data, size);
  if (n > size)
    return n;
  const char *name = n == 1 && data[0] != '\0' ? strchr (plain, data[0]) : NULL;
  if (n == 0)
    log->used += (size_t) (stpcpy (to, "\xef\xbf\xbd") - to); /* U+FFFD */
  else if (name != NULL)
    {
      to[0] = '\\';
      to[1] = named[name - plain];
      log->used += 2;
    }
  else if (n == 1)
    {
      memcpy (to, "\\u00", 4);
      to[4] = hex[(uint8_t) data[0] >> 4];
      to[5] = hex[data[0] & 15];
      log->used += ESCAPED;
    }
  else
    {
      memcpy (to, data, n);
      log->used += n;
    }
  return n == 0 ? 1 : n;
}

/* put_string: the inside of a JSON string, up to a newline, or as much as there is room for. Returns how much of @data; less than a line of it ends in a sequence whose rest has not
 * come, when *@ret_short. */
static size_t
put_string (Log *log, const char *data, size_t size, bool *ret_short)
{
  size_t at = 0;
  while (at < size && sizeof log->buffer - log->used > ROOM / 2)
    {
      size_t room = sizeof log->buffer - log->used - ROOM / 2, left = size - at;
      size_t n = copy_plain (log->buffer + log->used, data + at, left < room ? left : room);
      log->used += n;
      at += n;
      if (n == room || at == size)
        continue;
      if (data[at] == '\n')
        {
          memcpy (log->buffer + log->used, "\\n", 2);
          log->used += 2;
          return at + 1;
        }
      n = escape (log, data + at, size - at);
      *ret_short = n > size - at;
      if (*ret_short)
        break;
      at += n;
    }
  return at;
}

/* put_json: one record. @lost: the bytes are of a sequence that never came to its end. Returns how much of @data. */
static size_t
put_json (Log *log, int which, const char *data, size_t size, bool *ret_short)
{
  if (sizeof log->buffer - log->used < ROOM + ROOM)
    flush (log, log->used);
  size_t begin = log->used;
  char *to = log->buffer + begin;
  memcpy (to, "{\"log\":\"", 8);
  log->used += 8;
  size_t n = put_string (log, data, size, ret_short);
  if (n == 0)
    {
      log->used = begin;
      return 0;
    }
  memcpy (log->buffer + log->used, log->tail[which], sizeof log->tail[which]); /* whole, for its length is then known when this is compiled: there is room */
  log->used += log->tail_size[which];
  end_record (log, begin);
  return n;
}

/* write_held: the sequence whose beginning came before: with what has come it is whole, or wrong, or still too short. Returns how much of @data was of it. */
static size_t
write_held (Log *log, int which, const char *data, size_t size)
{
  char *bytes = log->held[which].bytes;
  size_t n = log->held[which].n, taken = 0;
  bool again = false;
  while (n > 0 && taken < size && utf8_size (bytes, n) > n)
    {
      bytes[n++] = data[taken++];
      /* one that does not belong to it may begin something itself */
      if (utf8_size (bytes, n) == 0)
        {
          n--;
          taken--;
          break;
        }
    }
  log->held[which].n = n;
  if (n == 0 || (utf8_size (bytes, n) > n && taken == size))
    return taken;
  log->held[which].n = 0;
  if (utf8_size (bytes, n) == n)
    (void) put_json (log, which, bytes, n, &again);
  else
    (void) put_json (log, which, "\xff", 1, &again);
  return taken;
}

/* write_json: Docker's json-file. */
static void
write_json (Log *log, int which, const char *data, size_t size)
{
  size_t at = write_held (log, which, data, size);
  while (at < size)
    {
      bool is_short = false;
      at += put_json (log, which, data + at, size - at, &is_short);
      if (!is_short)
        continue;
      log->held[which].n = size - at;
      memcpy (log->held[which].bytes, data + at, size - at);
      break;
    }
}

/* ---- the whole */

void
log_start (Log *log, MonitorLog *to, const char *id)
{
  struct stat st;
  log->to = to;
  if (to->kind == MONITOR_LOG_JOURNALD)
    log_journal_start (log, id);
  else if (to->fd >= 0 && fstat (to->fd, &st) == 0)
    {
      log->size = (uint64_t) st.st_size;
      /* a pipe, a terminal: who does not read it must not hold us up */
      if (!S_ISREG (st.st_mode))
        fd_set_nonblocking (to->fd);
    }
}

bool
log_wanted (const Log *log)
{
  return log->to->fd >= 0;
}

size_t
log_write (Log *log, int which, const char *data, size_t size)
{
  if (log->to->fd < 0)
    return size;
  if (log->to->kind == MONITOR_LOG_JOURNALD)
    return log_journal_write (log, which, data, size);
  read_clock (log);
  if (log->to->kind == MONITOR_LOG_K8S)
    write_k8s (log, which, data, size);
  else if (log->to->kind == MONITOR_LOG_JSON)
    write_json (log, which, data, size);
  flush (log, log->used);
  return size;
}

void
log_end (Log *log, int which)
{
  bool is_short;
  if (log->to->fd < 0 || log->held[which].n == 0)
    return;
  log->held[which].n = 0;
  read_clock (log);
  (void) put_json (log, which, "\xff", 1, &is_short);
  flush (log, log->used);
}

void
log_drop (Log *log)
{
  fd_drop (&log->to->fd);
  log->blocked = false;
}
