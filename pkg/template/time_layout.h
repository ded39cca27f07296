/* time_layout: Go's way to say how a time is written: by how "Mon Jan 2 15:04:05 MST 2006" would be. Private to pkg/template. */
#pragma once

#include <glib.h>
#include <time.h>

#define TIME_LAYOUT_GROWTH 16   /* what is printed is at most so many times as long as its layout */

extern const char *const time_months[12];   /* "January" … */
extern const char *const time_days[7];      /* "Sunday" … */

/* time_layout_print: append @parts and @nsec, written as @layout is, to @out. Whatever is no part of that reference time stays as it is; any bytes are safe.
 * @parts: broken down, with tm_gmtoff; tm_zone "" is a zone without a name, which MST writes as -0700 does.
 * Source: the documentation of Go's package time, its constants and Time.Format. */
void time_layout_print (GString *out, const char *layout, size_t length, const struct tm *parts, long nsec);
