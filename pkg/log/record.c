#include "pkg/log/record.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS G_GINT64_CONSTANT (1000000000)
#define STAMP_MIN 20   /* 2026-01-02T03:04:05Z */
#define STAMP_MAX 64

/* ---- "DATE stdout F text". Source: the CRI log format of Kubernetes (kubelet, "CRI logging"). */

static gboolean
parse_k8s (const char *line, gsize size, LogRecord *ret_record)
{
  const char *space = memchr (line, ' ', MIN (size, STAMP_MAX));
  gsize left = space != NULL && space - line >= STAMP_MIN ? size - (gsize) (space - line) : 0;
  /* " stdout F" and, unless it is an empty line's, " text" */
  if (left < 9 || memcmp (space, " std", 4) != 0 || space[7] != ' ' || (space[8] != 'F' && space[8] != 'P'))
    return FALSE;
  gboolean is_err = memcmp (space + 4, "err", 3) == 0;
  if (!is_err && memcmp (space + 4, "out", 3) != 0)
    return FALSE;
  /* further tags after a colon mean nothing to us */
  const char *text = left > 9 && space[9] == ' ' ? space + 10 : left > 9 ? memchr (space + 9, ' ', left - 9) : line + size;
  if (text != NULL && left > 9 && space[9] != ' ')
    text = space[9] == ':' ? text + 1 : NULL;
  if (text == NULL)
    return FALSE;
  *ret_record = (LogRecord){ .text = text, .size = size - (gsize) (text - line), .is_err = is_err, .partial = space[8] == 'P', .stamp = line, .stamp_size = (gsize) (space - line) };
  return TRUE;
}

/* ---- {"log":"text\n","stream":"stdout","time":"…"}: keys in any order, others passed over. Source: Docker's documentation of its JSON File logging driver. */

typedef struct {
  const char *at, *end;
} Cursor;

/* skip_string: @cursor stands after the opening quote; afterwards after the closing one. @ret_escapes: there are any. */
static gboolean
skip_string (Cursor *cursor, const char **ret_begin, gsize *ret_size, gboolean *ret_escapes)
{
  *ret_begin = cursor->at;
  *ret_escapes = FALSE;
  for (const char *quote = NULL;;)
    {
      /* each byte is looked at once by each memchr */
      if (quote == NULL || quote < cursor->at)
        quote = memchr (cursor->at, '"', (gsize) (cursor->end - cursor->at));
      if (quote == NULL)
        return FALSE;
      const char *slash = memchr (cursor->at, '\\', (gsize) (quote - cursor->at));
      if (slash == NULL)
        {
          *ret_size = (gsize) (quote - *ret_begin);
          cursor->at = quote + 1;
          return TRUE;
        }
      *ret_escapes = TRUE;
      if (slash + 2 > cursor->end)
        return FALSE;
      cursor->at = slash + 2;
    }
}

/* skip_value: what we do not look at: anything up to the comma or brace of our level. */
static gboolean
skip_value (Cursor *cursor)
{
  int depth = 0;
  const char *begin;
  gsize size;
  gboolean escapes;
  while (cursor->at < cursor->end)
    {
      char c = *cursor->at;
      if (depth == 0 && (c == ',' || c == '}'))
        return TRUE;
      cursor->at++;
      if (c == '"' && !skip_string (cursor, &begin, &size, &escapes))
        return FALSE;
      if (c == '{' || c == '[')
        depth++;
      if (c == '}' || c == ']')
        depth--;
    }
  return FALSE;
}

static void
skip_blanks (Cursor *cursor)
{
  while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
    cursor->at++;
}

static gboolean
expect (Cursor *cursor, char c)
{
  skip_blanks (cursor);
  if (cursor->at >= cursor->end || *cursor->at != c)
    return FALSE;
  cursor->at++;
  skip_blanks (cursor);
  return TRUE;
}

static gboolean
hex4 (const char *at, const char *end, gunichar *ret)
{
  *ret = 0;
  if (end - at < 4)
    return FALSE;
  for (int i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (at[i]);
      if (digit < 0)
        return FALSE;
      *ret = *ret << 4 | (gunichar) digit;
    }
  return TRUE;
}

/* unescape_unicode: @at is after "\u". Returns what follows it; half a pair, or no digits, is U+FFFD. */
static const char *
unescape_unicode (const char *at, const char *end, GString *out)
{
  gunichar high, low;
  if (!hex4 (at, end, &high))
    {
      g_string_append (out, "\xef\xbf\xbd");
      return at;
    }
  at += 4;
  if (high >= 0xd800 && high < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u' && hex4 (at + 2, end, &low) && low >= 0xdc00 && low < 0xe000)
    {
      high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
      at += 6;
    }
  if (high >= 0xd800 && high < 0xe000)
    high = 0xfffd;
  /* not g_string_append_unichar for NUL, which it would take for the end */
  if (high == 0)
    g_string_append_c (out, '\0');
  else
    g_string_append_unichar (out, high);
  return at;
}

static void
unescape (const char *at, gsize size, GString *out)
{
  static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
  const char *end = at + size;
  g_string_truncate (out, 0);
  while (at < end)
    {
      const char *slash = memchr (at, '\\', (gsize) (end - at));
      gsize plain = slash != NULL ? (gsize) (slash - at) : (gsize) (end - at);
      g_string_append_len (out, at, (gssize) plain);
      at += plain;
      if (slash == NULL || ++at >= end)
        return;
      char c = *at++;
      const char *known = c != '\0' ? strchr (from, c) : NULL;
      if (c == 'u')
        at = unescape_unicode (at, end, out);
      else
        g_string_append_c (out, known != NULL ? to[known - from] : c);
    }
}

/* take_log: the text; its newline is not part of it. */
static void
take_log (const char *begin, gsize size, gboolean escapes, GString *scratch, LogRecord *record)
{
  /* nothing but the newline at the end, the usual case: no copy */
  if (size >= 2 && memchr (begin, '\\', size) == begin + size - 2 && begin[size - 1] == 'n')
    {
      record->text = begin;
      record->size = size - 2;
      record->partial = FALSE;
      return;
    }
  if (escapes)
    {
      unescape (begin, size, scratch);
      begin = scratch->str;
      size = scratch->len;
    }
  record->partial = size == 0 || begin[size - 1] != '\n';
  record->text = begin;
  record->size = record->partial ? size : size - 1;
}

static gboolean
take_member (Cursor *cursor, GString *scratch, LogRecord *record)
{
  const char *key, *value;
  gsize key_size, size;
  gboolean escapes;
  if (!expect (cursor, '"') || !skip_string (cursor, &key, &key_size, &escapes) || !expect (cursor, ':') || cursor->at >= cursor->end)
    return FALSE;
  if (*cursor->at != '"')
    return skip_value (cursor);
  cursor->at++;
  if (!skip_string (cursor, &value, &size, &escapes))
    return FALSE;
  if (key_size == 3 && memcmp (key, "log", 3) == 0)
    take_log (value, size, escapes, scratch, record);
  else if (key_size == 6 && memcmp (key, "stream", 6) == 0)
    record->is_err = size == 6 && memcmp (value, "stderr", 6) == 0;
  else if (key_size == 4 && memcmp (key, "time", 4) == 0)
    {
      record->stamp = value;
      record->stamp_size = size;
    }
  return TRUE;
}

static gboolean
parse_json (const char *line, gsize size, GString *scratch, LogRecord *ret_record)
{
  Cursor cursor = { .at = line + 1, .end = line + size };
  LogRecord record = { 0 };
  do
    if (!take_member (&cursor, scratch, &record))
      return FALSE;
  while (expect (&cursor, ','));
  if (!expect (&cursor, '}') || record.text == NULL || record.stamp == NULL)
    return FALSE;
  *ret_record = record;
  return TRUE;
}

gboolean
log_record_parse (const char *line, gsize size, GString *scratch, LogRecord *ret_record)
{
  return size > 0 && line[0] == '{' ? parse_json (line, size, scratch, ret_record) : parse_k8s (line, size, ret_record);
}

/* ---- time */

/* digits: the number of exactly @n digits at *@at, which moves on; -1 if they are not there. */
static int
digits (const char **at, const char *end, int n)
{
  int number = 0;
  if (end - *at < n)
    return -1;
  for (int i = 0; i < n; i++, (*at)++)
    {
      if (!g_ascii_isdigit (**at))
        return -1;
      number = number * 10 + (**at - '0');
    }
  return number;
}

/* days_of: since 1970. Source: Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil. */
static gint64
days_of (gint64 year, int month, int day)
{
  year -= month <= 2;
  gint64 era = year / 400, yoe = year - era * 400, doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1, doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}

static gint64
fraction (const char **at, const char *end)
{
  gint64 ns = 0, unit = NS / 10;
  if (*at >= end || **at != '.')
    return 0;
  for ((*at)++; *at < end && g_ascii_isdigit (**at); (*at)++, unit /= 10)
    ns += unit * (**at - '0');
  return ns;
}

/* zone: seconds east; FALSE: there is none. */
static gboolean
zone (const char *at, const char *end, gint64 *ret_offset)
{
  *ret_offset = 0;
  if (end - at == 1 && *at == 'Z')
    return TRUE;
  if (end - at != 6 || (*at != '+' && *at != '-'))
    return FALSE;
  gint64 sign = *at++ == '-' ? -1 : 1;
  int hours = digits (&at, end, 2), minutes = *at++ == ':' ? digits (&at, end, 2) : -1;
  *ret_offset = sign * (hours * 3600 + minutes * 60);
  return hours >= 0 && minutes >= 0;
}

gint64
log_record_time (const LogRecord *record)
{
  static const struct { char n, after; } shape[] = { { 4, '-' }, { 2, '-' }, { 2, 'T' }, { 2, ':' }, { 2, ':' }, { 2, '\0' } };
  const char *at = record->stamp, *end = at + record->stamp_size;
  int parts[G_N_ELEMENTS (shape)];
  for (size_t i = 0; i < G_N_ELEMENTS (shape); i++)
    {
      parts[i] = digits (&at, end, shape[i].n);
      if (parts[i] < 0 || (shape[i].after != '\0' && (at >= end || *at++ != shape[i].after)))
        return 0;
    }
  gint64 ns = fraction (&at, end), offset;
  if (parts[1] < 1 || parts[1] > 12 || parts[0] < 1680 || parts[0] > 2260 || !zone (at, end, &offset))
    return 0;
  return (days_of (parts[0], parts[1], parts[2]) * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5] - offset) * NS + ns;
}

gsize
log_time_text (gint64 time, char *text)
{
  /* the zone's offset changes at quarters of an hour only, and asking for it takes longer than all the rest; a log is read by one thread */
  static gint64 known = G_MININT64;
  static char second_text[32], zone_text[8];
  static gint64 second_known = G_MININT64;
  static long offset;
  gint64 seconds = time / NS, ns = time % NS;
  if (ns < 0)
    {
      ns += NS;
      seconds--;
    }
  if (seconds / 900 != known)
    {
      time_t when = (time_t) seconds;
      struct tm local;
      offset = localtime_r (&when, &local) != NULL ? local.tm_gmtoff : 0;
      known = seconds / 900;
      long minutes = ABS (offset) / 60;
      g_snprintf (zone_text, sizeof zone_text, offset == 0 ? "Z" : "%c%02d:%02d", offset < 0 ? '-' : '+', (int) (minutes / 60 % 24), (int) (minutes % 60));
    }
  if (seconds != second_known)
    {
      time_t shifted = (time_t) (seconds + offset);
      struct tm parts = { 0 };
      (void) gmtime_r (&shifted, &parts);
      g_snprintf (second_text, sizeof second_text, "%04d-%02d-%02dT%02d:%02d:%02d.", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
      second_known = seconds;
    }
  gsize size = strlen (second_text), zone_size = strlen (zone_text);
  memcpy (text, second_text, size);
  for (int i = 8; i >= 0; i--, ns /= 10)
    text[size + (gsize) i] = (char) ('0' + ns % 10);
  memcpy (text + size + 9, zone_text, zone_size + 1);
  return size + 9 + zone_size;
}
