/* The half of text.h that deals in time: durations and points. */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"

#define NSEC_PER_SEC INT64_C (1000000000)
#define ZERO_TIME INT64_C (-62135596800)    /* 0001-01-01T00:00:00Z */
#define LAST_TIME INT64_C (253402300799)    /* 9999-12-31T23:59:59Z */

char *
text_duration (gint64 usec)
{
  gint64 seconds = MAX (usec, 0) / G_USEC_PER_SEC, minutes = seconds / 60, hours = (seconds + 1800) / 3600;
  if (seconds < 1)
    return g_strdup ("Less than a second");
  if (seconds == 1)
    return g_strdup ("1 second");
  if (seconds < 60)
    return g_strdup_printf ("%" G_GINT64_FORMAT " seconds", seconds);
  if (minutes == 1)
    return g_strdup ("About a minute");
  if (minutes < 60)
    return g_strdup_printf ("%" G_GINT64_FORMAT " minutes", minutes);
  if (hours == 1)
    return g_strdup ("About an hour");
  if (hours < 48)
    return g_strdup_printf ("%" G_GINT64_FORMAT " hours", hours);
  if (hours < 24 * 7 * 2)
    return g_strdup_printf ("%" G_GINT64_FORMAT " days", hours / 24);
  if (hours < 24 * 30 * 2)
    return g_strdup_printf ("%" G_GINT64_FORMAT " weeks", hours / 24 / 7);
  if (hours < 24 * 365 * 2)
    return g_strdup_printf ("%" G_GINT64_FORMAT " months", hours / 24 / 30);
  return g_strdup_printf ("%" G_GINT64_FORMAT " years", seconds / 3600 / 24 / 365);
}

char *
text_ago (gint64 then, gint64 now)
{
  gint64 passed;
  if (__builtin_sub_overflow (now, then, &passed))
    passed = now > then ? G_MAXINT64 : 0;
  g_autofree char *duration = text_duration (passed);
  return g_strconcat (duration, " ago", NULL);
}

/* @value / @unit with as many decimals as it needs, and @name. */
static char *
decimal_print (const char *prefix, guint64 value, guint64 unit, const char *name)
{
  g_autofree char *fraction = g_strdup_printf ("%" G_GUINT64_FORMAT, unit + value % unit);   /* the leading 1 keeps the zeros */
  size_t length = strlen (fraction);
  while (length > 1 && fraction[length - 1] == '0')
    length--;
  fraction[0] = '.';
  fraction[length] = 0;
  return g_strdup_printf ("%s%" G_GUINT64_FORMAT "%s%s", prefix, value / unit, length > 1 ? fraction : "", name);
}

char *
text_duration_go (gint64 nsec)
{
  if (nsec == 0)
    return g_strdup ("0s");
  const char *sign = nsec < 0 ? "-" : "";
  guint64 value = nsec < 0 ? -(guint64) nsec : (guint64) nsec;
  if (value < 1000)
    return decimal_print (sign, value, 1, "ns");
  if (value < 1000000)
    return decimal_print (sign, value, 1000, "\xc2\xb5s");
  if (value < NSEC_PER_SEC)
    return decimal_print (sign, value, 1000000, "ms");
  guint64 minutes = value / NSEC_PER_SEC / 60, hours = minutes / 60;
  g_autofree char *prefix = hours > 0 ? g_strdup_printf ("%s%" G_GUINT64_FORMAT "h%" G_GUINT64_FORMAT "m", sign, hours, minutes % 60)
                            : minutes > 0 ? g_strdup_printf ("%s%" G_GUINT64_FORMAT "m", sign, minutes)
                                          : g_strdup (sign);
  return decimal_print (prefix, value - minutes * 60 * NSEC_PER_SEC, NSEC_PER_SEC, "s");
}

static const struct { const char *name; gint64 nsec; } duration_units[] = {
  { "ns", 1 }, { "us", 1000 }, { "\xc2\xb5s", 1000 }, { "\xce\xbcs", 1000 }, { "ms", 1000000 }, { "s", NSEC_PER_SEC }, { "m", 60 * NSEC_PER_SEC }, { "h", 3600 * NSEC_PER_SEC },
};

static gint64
unit_find (const char *name, size_t length)
{
  for (size_t i = 0; i < G_N_ELEMENTS (duration_units); i++)
    if (strlen (duration_units[i].name) == length && memcmp (duration_units[i].name, name, length) == 0)
      return duration_units[i].nsec;
  return 0;
}

/* One "1.5h": adds to *@sum. Advances *@at. */
static gboolean
duration_term (const char *text, const char **at, guint64 *sum, GError **error)
{
  const char *number = *at;
  size_t whole = strspn (number, "0123456789");
  const char *fraction = number[whole] == '.' ? number + whole + 1 : NULL;
  size_t decimals = fraction != NULL ? strspn (fraction, "0123456789") : 0;
  const char *name = fraction != NULL ? fraction + decimals : number + whole;
  size_t length = strcspn (name, ".0123456789");
  if (whole + decimals == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "time: invalid duration \"%s\"", text);
  if (length == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "time: missing unit in duration \"%s\"", text);
  gint64 unit = unit_find (name, length);
  if (unit == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "time: unknown unit \"%.*s\" in duration \"%s\"", (int) length, name, text);
  guint64 value = 0, scaled;
  gboolean overflow = FALSE;
  for (size_t i = 0; i < whole; i++)
    overflow |= __builtin_mul_overflow (value, 10, &value) || __builtin_add_overflow (value, (guint64) (number[i] - '0'), &value);
  overflow |= __builtin_mul_overflow (value, (guint64) unit, &scaled);
  double part = 0, place = unit;
  for (size_t i = 0; i < decimals; i++)
    part += (fraction[i] - '0') * (place /= 10);
  overflow |= __builtin_add_overflow (scaled, (guint64) (part + 1e-6), &scaled) || __builtin_add_overflow (*sum, scaled, sum);
  if (overflow || *sum > (guint64) G_MAXINT64)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "time: invalid duration \"%s\"", text);
  *at = name + length;
  return TRUE;
}

gboolean
text_duration_parse (const char *text, gint64 *ret_nsec, GError **error)
{
  const char *at = text;
  gboolean negative = *at == '-';
  if (*at == '-' || *at == '+')
    at++;
  guint64 sum = 0;
  if (strcmp (at, "0") == 0)
    at++;
  else if (*at == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "time: invalid duration \"%s\"", text);
  while (*at != 0)
    if (!duration_term (text, &at, &sum, error))
      return FALSE;
  *ret_nsec = negative ? -(gint64) sum : (gint64) sum;
  return TRUE;
}

gboolean
text_seconds_parse (const char *text, gint64 *ret_nsec, GError **error)
{
  const char *digits = text + (*text == '-' || *text == '+');
  if (*digits == 0 || digits[strspn (digits, "0123456789.")] != 0)
    return text_duration_parse (text, ret_nsec, error);
  g_autofree char *with_unit = g_strconcat (text, "s", NULL);
  if (text_duration_parse (with_unit, ret_nsec, NULL))
    return TRUE;
  return coracle_throw (error, CORACLE_ERROR_INVALID, "time: invalid duration \"%s\"", text);
}

/* ---- points */

struct timespec
text_time_from_usec (gint64 usec)
{
  if (usec == 0)
    return (struct timespec) { .tv_sec = ZERO_TIME };
  gint64 seconds = usec / G_USEC_PER_SEC, rest = usec % G_USEC_PER_SEC;
  if (rest < 0)
    {
      seconds--;
      rest += G_USEC_PER_SEC;
    }
  return (struct timespec) { .tv_sec = seconds, .tv_nsec = rest * 1000 };
}

gint64
text_time_to_usec (struct timespec when)
{
  return when.tv_sec == ZERO_TIME ? 0 : (gint64) when.tv_sec * G_USEC_PER_SEC + when.tv_nsec / 1000;
}

/* Break @when down; out of range, it is clamped. */
static struct tm
time_break (struct timespec when, gboolean local)
{
  time_t seconds = CLAMP ((gint64) when.tv_sec, ZERO_TIME, LAST_TIME);
  struct tm parts;
  memset (&parts, 0, sizeof parts);
  if (local)
    localtime_r (&seconds, &parts);
  else
    gmtime_r (&seconds, &parts);
  return parts;
}

/* ".123", or nothing for a whole second */
static char *
fraction_print (long nsec)
{
  if (nsec <= 0 || nsec >= NSEC_PER_SEC)
    return g_strdup ("");
  char *text = g_strdup_printf (".%09ld", nsec);
  for (size_t length = strlen (text); text[length - 1] == '0'; length--)
    text[length - 1] = 0;
  return text;
}

static char *
time_print (const struct tm *parts, char between, long nsec)
{
  g_autofree char *fraction = fraction_print (nsec);
  return g_strdup_printf ("%04d-%02d-%02d%c%02d:%02d:%02d%s", parts->tm_year + 1900, parts->tm_mon + 1, parts->tm_mday, between, parts->tm_hour, parts->tm_min, parts->tm_sec, fraction);
}

char *
text_time_rfc3339 (struct timespec when, gboolean local)
{
  struct tm parts = time_break (when, local);
  g_autofree char *text = time_print (&parts, 'T', when.tv_nsec);
  long offset = labs (parts.tm_gmtoff) / 60;
  if (parts.tm_gmtoff == 0)
    return g_strconcat (text, "Z", NULL);
  return g_strdup_printf ("%s%c%02ld:%02ld", text, parts.tm_gmtoff < 0 ? '-' : '+', offset / 60, offset % 60);
}

char *
text_time_go (struct timespec when, gboolean local)
{
  struct tm parts = time_break (when, local);
  g_autofree char *text = time_print (&parts, ' ', when.tv_nsec);
  long offset = labs (parts.tm_gmtoff) / 60;
  const char *zone = local && parts.tm_zone != NULL ? parts.tm_zone : "UTC";
  return g_strdup_printf ("%s %c%02ld%02ld %s", text, parts.tm_gmtoff < 0 ? '-' : '+', offset / 60, offset % 60, zone);
}

/* Exactly @digits digits, between @min and @max. */
static gboolean
take_number (const char **at, int digits, int min, int max, int *ret)
{
  int value = 0;
  for (int i = 0; i < digits; i++)
    {
      if (!g_ascii_isdigit ((*at)[i]))
        return FALSE;
      value = value * 10 + (*at)[i] - '0';
    }
  *at += digits;
  *ret = value;
  return value >= min && value <= max;
}

static gboolean
take_char (const char **at, char c)
{
  if (**at != c)
    return FALSE;
  (*at)++;
  return TRUE;
}

static long
take_fraction (const char **at)
{
  long nsec = 0;
  size_t digits = strspn (*at, "0123456789");
  for (size_t i = 0; i < 9; i++)
    nsec = nsec * 10 + (i < digits ? (*at)[i] - '0' : 0);
  *at += digits;
  return nsec;
}

/* "Z", "+02:00" or nothing (*ret_given FALSE). */
static gboolean
take_zone (const char **at, gboolean *ret_given, gint64 *ret_offset)
{
  *ret_given = **at != 0;
  *ret_offset = 0;
  if (**at == 0 || take_char (at, 'Z'))
    return **at == 0;
  gboolean west = **at == '-';
  int hours, minutes;
  if (!take_char (at, '+') && !take_char (at, '-'))
    return FALSE;
  if (!take_number (at, 2, 0, 23, &hours) || !take_char (at, ':') || !take_number (at, 2, 0, 59, &minutes))
    return FALSE;
  *ret_offset = (hours * 60 + minutes) * (west ? -60 : 60);
  return **at == 0;
}

/* "YYYY-MM-DD[THH:MM[:SS[.fraction]]][zone]" */
static gboolean
calendar_parse (const char *text, struct timespec *ret_when)
{
  struct tm parts;
  memset (&parts, 0, sizeof parts);
  const char *at = text;
  int year, month;
  long nsec = 0;
  if (!take_number (&at, 4, 1, 9999, &year) || !take_char (&at, '-') || !take_number (&at, 2, 1, 12, &month) || !take_char (&at, '-')
      || !take_number (&at, 2, 1, g_date_get_days_in_month (month, year), &parts.tm_mday))
    return FALSE;
  if (take_char (&at, 'T') || take_char (&at, ' '))
    {
      if (!take_number (&at, 2, 0, 23, &parts.tm_hour) || !take_char (&at, ':') || !take_number (&at, 2, 0, 59, &parts.tm_min))
        return FALSE;
      if (take_char (&at, ':') && !take_number (&at, 2, 0, 59, &parts.tm_sec))
        return FALSE;
      if (take_char (&at, '.') || take_char (&at, ','))   /* ISO 8601 has both, and date --iso-8601=ns writes the comma */
        nsec = take_fraction (&at);
    }
  gboolean zoned;
  gint64 offset;
  if (!take_zone (&at, &zoned, &offset))
    return FALSE;
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  parts.tm_isdst = -1;
  ret_when->tv_sec = zoned ? timegm (&parts) - offset : mktime (&parts);
  ret_when->tv_nsec = nsec;
  return TRUE;
}

/* "1700000000" or "1700000000.5" */
static gboolean
unix_parse (const char *text, struct timespec *ret_when)
{
  size_t digits = strspn (text, "0123456789");
  if (digits == 0 || digits > 12)
    return FALSE;
  const char *at = text + digits;
  long nsec = 0;
  if (take_char (&at, '.'))
    nsec = take_fraction (&at);
  ret_when->tv_sec = g_ascii_strtoll (text, NULL, 10);
  ret_when->tv_nsec = nsec;
  return *at == 0;
}

gboolean
text_time_parse (const char *text, struct timespec now, struct timespec *ret_when, GError **error)
{
  struct timespec when;
  gint64 nsec;
  if (calendar_parse (text, &when) || unix_parse (text, &when))
    {
      *ret_when = when;
      return TRUE;
    }
  if (!text_duration_parse (text, &nsec, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid time \"%s\": neither a date (2024-05-01T10:00:00Z), nor seconds since 1970, nor a duration (1h30m)", text);
  when = now;
  when.tv_sec -= nsec / NSEC_PER_SEC;
  when.tv_nsec -= nsec % NSEC_PER_SEC;
  if (when.tv_nsec < 0)
    {
      when.tv_sec--;
      when.tv_nsec += NSEC_PER_SEC;
    }
  else if (when.tv_nsec >= NSEC_PER_SEC)
    {
      when.tv_sec++;
      when.tv_nsec -= NSEC_PER_SEC;
    }
  *ret_when = when;
  return TRUE;
}
