/* text: values as people read and write them: sizes, durations, points in time, columns, shell words.
 *
 * What is printed matches Podman and Docker to the letter, because scripts compare it.
 * Source: the documented behaviour of github.com/docker/go-units and of Go's time, strconv and text/tabwriter packages.
 * Every string returned is new: free with g_free. */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <time.h>

/* ---- sizes */

/* text_size: powers of 1000 with @digits significant digits and no space, "7.4MB" (4 in most places, 3 in `ps --size`). */
char *text_size (guint64 bytes, int digits);
/* text_size_spaced: three digits and a space, "7.4 MB", as `images` shows it. */
char *text_size_spaced (guint64 bytes);
/* text_size_binary: powers of 1024 with four digits, "1.5GiB", as `stats` and `info` show it. */
char *text_size_binary (guint64 bytes);
/* text_size_parse: "1024", "64m", "1.5GiB", "10 kb": a number, then nothing or b, k, m, g, t, p (in any case, perhaps followed by b or ib), always powers of 1024.
 * Errors: INVALID "invalid size: 'x'", "invalid suffix: 'xb'". */
gboolean text_size_parse (const char *text, gint64 *ret_bytes, GError **error);
/* text_size_parse_decimal: the same with powers of 1000, as Podman reads the size of a log. */
gboolean text_size_parse_decimal (const char *text, gint64 *ret_bytes, GError **error);

/* ---- durations */

/* text_duration: "Less than a second", "42 seconds", "About a minute", "3 hours", "2 weeks". Negative counts as nothing. */
char *text_duration (gint64 usec);
/* text_ago: the time from @then to @now (microseconds since the epoch) and " ago". */
char *text_ago (gint64 then, gint64 now);
/* text_duration_go: Go's Duration.String: "1h30m0s", "1.5s", "10ms", "0s". */
char *text_duration_go (gint64 nsec);
/* text_duration_parse: Go's time.ParseDuration: "1h30m", "-1.5h", "300ms", "0". Errors: INVALID `time: invalid duration "x"`, `time: missing unit in duration "10"`. */
gboolean text_duration_parse (const char *text, gint64 *ret_nsec, GError **error);
/* text_seconds_parse: the same, or a plain number of seconds ("10", "0.5"). */
gboolean text_seconds_parse (const char *text, gint64 *ret_nsec, GError **error);

/* ---- points in time. A struct timespec holds what Go's time.Time does, from year 1 to 9999. */

/* text_time_from_usec: microseconds since the epoch; 0, our "never", becomes Go's zero time, 0001-01-01T00:00:00Z. */
struct timespec text_time_from_usec (gint64 usec);
gint64 text_time_to_usec (struct timespec when);
/* text_time_rfc3339: "2024-05-01T10:00:00.123456789Z"; zeros at the end of the fraction are left out; @local: in the machine's zone, "+02:00".
 * Outside years 1 to 9999 it is the nearest of them. */
char *text_time_rfc3339 (struct timespec when, gboolean local);
/* text_time_go: Go's Time.String: "2024-05-01 10:00:00.123456789 +0000 UTC". */
char *text_time_go (struct timespec when, gboolean local);
/* text_time_parse: what --since, --until and their filters take: RFC 3339 in full; its beginnings "2024-05-01", "2024-05-01T10:00", "2024-05-01T10:00:00[.5]" in the machine's zone
 * unless a zone follows; seconds since the epoch, perhaps with a fraction; or a duration, meaning that long before @now. Errors: INVALID. */
gboolean text_time_parse (const char *text, struct timespec now, struct timespec *ret_when, GError **error);

/* ---- columns */

/* text_columns: align @text as Go's tabwriter does: lines of cells ended by tabs; a column is a run of consecutive lines that have that cell, as wide as its widest cell plus
 * @padding and no narrower than @min_width. What follows a line's last tab belongs to no column. Width is counted in characters. Appends to @out.
 * Podman's tables: min_width 12, padding 2. */
void text_columns (const char *text, size_t min_width, size_t padding, GString *out);

/* ---- words */

/* text_truncate: at most @max characters, of which the last are @ellipsis if anything was cut off. */
char *text_truncate (const char *text, size_t max, const char *ellipsis);
/* text_quote: @argv as one line a POSIX shell would split into the same words; only words that need quotes get them. */
char *text_quote (const char *const *argv);
