#include "pkg/template/time_layout.h"

#include <stdlib.h>
#include <string.h>

#define ZONE_NAME_MAX 12   /* tzset(3) has no longest; Go's names have six letters at most */

typedef enum {
  PART_MONTH_NAME, PART_MONTH_SHORT, PART_MONTH, PART_MONTH_ZERO, PART_DAY_NAME, PART_DAY_SHORT, PART_DAY, PART_DAY_SPACE, PART_DAY_ZERO, PART_YEAR_DAY_SPACE, PART_YEAR_DAY_ZERO,
  PART_YEAR, PART_YEAR_SHORT, PART_HOUR, PART_HOUR12, PART_HOUR12_ZERO, PART_MINUTE, PART_MINUTE_ZERO, PART_SECOND, PART_SECOND_ZERO, PART_PM, PART_PM_SMALL, PART_ZONE, PART_OFFSET,
} Part;

/* Of two that begin alike the longer stands first. */
static const struct { const char *text; Part part; gboolean ends_word; } words[] = {
  { "January", PART_MONTH_NAME, FALSE },  { "Jan", PART_MONTH_SHORT, TRUE },      { "Monday", PART_DAY_NAME, FALSE },    { "Mon", PART_DAY_SHORT, TRUE },
  { "MST", PART_ZONE, FALSE },            { "002", PART_YEAR_DAY_ZERO, FALSE },   { "01", PART_MONTH_ZERO, FALSE },      { "02", PART_DAY_ZERO, FALSE },
  { "03", PART_HOUR12_ZERO, FALSE },      { "04", PART_MINUTE_ZERO, FALSE },      { "05", PART_SECOND_ZERO, FALSE },     { "06", PART_YEAR_SHORT, FALSE },
  { "15", PART_HOUR, FALSE },             { "1", PART_MONTH, FALSE },             { "2006", PART_YEAR, FALSE },          { "2", PART_DAY, FALSE },
  { "__2", PART_YEAR_DAY_SPACE, FALSE },  { "_2", PART_DAY_SPACE, FALSE },        { "3", PART_HOUR12, FALSE },           { "4", PART_MINUTE, FALSE },
  { "5", PART_SECOND, FALSE },            { "PM", PART_PM, FALSE },               { "pm", PART_PM_SMALL, FALSE },        { "-070000", PART_OFFSET, FALSE },
  { "-07:00:00", PART_OFFSET, FALSE },    { "-0700", PART_OFFSET, FALSE },        { "-07:00", PART_OFFSET, FALSE },      { "-07", PART_OFFSET, FALSE },
  { "Z070000", PART_OFFSET, FALSE },      { "Z07:00:00", PART_OFFSET, FALSE },    { "Z0700", PART_OFFSET, FALSE },       { "Z07:00", PART_OFFSET, FALSE },
  { "Z07", PART_OFFSET, FALSE },
};

const char *const time_months[12] = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December" };
const char *const time_days[7] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

/* @shape: "-0700", "Z07:00" …: what of the offset is shown, and how. */
static void
print_offset (GString *out, const char *shape, size_t length, long offset)
{
  if (*shape == 'Z' && offset == 0)
    {
      g_string_append_c (out, 'Z');
      return;
    }
  long minutes = labs (offset) / 60;
  const char *colon = memchr (shape, ':', length) != NULL ? ":" : "";
  size_t digits = length - 1 - (*colon != 0 ? length / 3 - 1 : 0);
  g_string_append_printf (out, "%c%02ld", offset <= -60 ? '-' : '+', minutes / 60);   /* by the minutes, as Go does */
  if (digits >= 4)
    g_string_append_printf (out, "%s%02ld", colon, minutes % 60);
  if (digits >= 6)
    g_string_append_printf (out, "%s%02ld", colon, labs (offset) % 60);
}

static void
print_part (GString *out, Part part, const char *shape, size_t length, const struct tm *parts)
{
  const char *month = time_months[CLAMP (parts->tm_mon, 0, 11)], *day = time_days[CLAMP (parts->tm_wday, 0, 6)];
  int hour12 = parts->tm_hour % 12 != 0 ? parts->tm_hour % 12 : 12, year = parts->tm_year + 1900;
  const char *zone = parts->tm_zone != NULL ? parts->tm_zone : "";
  switch (part)
    {
    case PART_MONTH_NAME: g_string_append (out, month); break;
    case PART_MONTH_SHORT: g_string_append_len (out, month, 3); break;
    case PART_MONTH: g_string_append_printf (out, "%d", parts->tm_mon + 1); break;
    case PART_MONTH_ZERO: g_string_append_printf (out, "%02d", parts->tm_mon + 1); break;
    case PART_DAY_NAME: g_string_append (out, day); break;
    case PART_DAY_SHORT: g_string_append_len (out, day, 3); break;
    case PART_DAY: g_string_append_printf (out, "%d", parts->tm_mday); break;
    case PART_DAY_SPACE: g_string_append_printf (out, "%2d", parts->tm_mday); break;
    case PART_DAY_ZERO: g_string_append_printf (out, "%02d", parts->tm_mday); break;
    case PART_YEAR_DAY_SPACE: g_string_append_printf (out, "%3d", parts->tm_yday + 1); break;
    case PART_YEAR_DAY_ZERO: g_string_append_printf (out, "%03d", parts->tm_yday + 1); break;
    case PART_YEAR: g_string_append_printf (out, "%04d", year); break;
    case PART_YEAR_SHORT: g_string_append_printf (out, "%02d", MAX (year, 0) % 100); break;
    case PART_HOUR: g_string_append_printf (out, "%02d", parts->tm_hour); break;
    case PART_HOUR12: g_string_append_printf (out, "%d", hour12); break;
    case PART_HOUR12_ZERO: g_string_append_printf (out, "%02d", hour12); break;
    case PART_MINUTE: g_string_append_printf (out, "%d", parts->tm_min); break;
    case PART_MINUTE_ZERO: g_string_append_printf (out, "%02d", parts->tm_min); break;
    case PART_SECOND: g_string_append_printf (out, "%d", parts->tm_sec); break;
    case PART_SECOND_ZERO: g_string_append_printf (out, "%02d", parts->tm_sec); break;
    case PART_PM: g_string_append (out, parts->tm_hour >= 12 ? "PM" : "AM"); break;
    case PART_PM_SMALL: g_string_append (out, parts->tm_hour >= 12 ? "pm" : "am"); break;
    case PART_OFFSET: print_offset (out, shape, length, parts->tm_gmtoff); break;
    case PART_ZONE:
      if (*zone != 0)
        g_string_append_len (out, zone, strnlen (zone, ZONE_NAME_MAX));
      else
        print_offset (out, "-0700", strlen ("-0700"), parts->tm_gmtoff);
      break;
    }
}

/* take_word: the part that begins at @at; "Jan" is none in "Janet". Returns its length, 0 if none does. */
static size_t
take_word (const char *at, const char *end, Part *ret_part)
{
  if (end - at >= 5 && memcmp (at, "_2006", 5) == 0)   /* a '_' and the year, not a day */
    return 0;
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    {
      size_t length = strlen (words[i].text);
      if ((size_t) (end - at) < length || memcmp (at, words[i].text, length) != 0 || (words[i].ends_word && at + length < end && g_ascii_islower (at[length])))
        continue;
      *ret_part = words[i].part;
      return length;
    }
  return 0;
}

/* take_fraction: ".000", ",999": a separator and any number of one of these digits, with no other behind them. */
static size_t
take_fraction (const char *at, const char *end)
{
  if ((*at != '.' && *at != ',') || end - at < 2 || (at[1] != '0' && at[1] != '9'))
    return 0;
  const char *after = at + 1;
  while (after < end && *after == at[1])
    after++;
  return after < end && g_ascii_isdigit (*after) ? 0 : (size_t) (after - at);
}

/* Zeros keep their places, nines only those that are needed. */
static void
print_fraction (GString *out, const char *shape, size_t length, long nsec)
{
  char digits[24];
  g_snprintf (digits, sizeof digits, "%09ld", CLAMP (nsec, 0, 999999999));
  size_t shown = MIN (length - 1, 9);
  while (shape[1] == '9' && shown > 0 && digits[shown - 1] == '0')
    shown--;
  if (shown == 0)
    return;
  g_string_append_c (out, shape[0]);
  g_string_append_len (out, digits, shown);
}

void
time_layout_print (GString *out, const char *layout, size_t length, const struct tm *parts, long nsec)
{
  for (const char *at = layout, *end = layout + length; at < end;)
    {
      Part part;
      size_t word = take_word (at, end, &part), fraction = word == 0 ? take_fraction (at, end) : 0;
      if (word > 0)
        print_part (out, part, at, word, parts);
      else if (fraction > 0)
        print_fraction (out, at, fraction, nsec);
      else
        g_string_append_c (out, *at);
      at += MAX (word + fraction, 1);
    }
}
