/* subid: the ranges of subordinate ids that the system gives a user: subuid(5), subgid(5). */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "pkg/idmap/idmap.h"

typedef struct {
  uint32_t start, count;   /* count > 0; start + count - 1 < 2^32 - 1 (the last id means "none") */
} SubidRange;

/* subid_parse: the ranges in @text (a subuid or subgid file) whose first field is @user (may be NULL) or @uid in decimal, in file order. What is malformed
 * or empty is passed over, as shadow does; what reaches beyond the last id is cut there. Returns an array of SubidRange. */
GArray *subid_parse (const char *text, const char *user, uint32_t uid);

/* subid_parse_getsubids: the same from the output of getsubids(1): "N: USER START COUNT". */
GArray *subid_parse_getsubids (const char *text);

/* subid_find: the uid and gid ranges of the user @uid; empty arrays when there are none. Reads the files; only if nsswitch.conf names another source for "subid"
 * is getsubids asked (it brings the library for that). Errors: DENIED getsubids is needed and missing; SYSTEM an unreadable file. */
gboolean subid_find (uint32_t uid, GArray **ret_uids, GArray **ret_gids, GError **error);

/* subid_nsswitch_other: TRUE if @text (nsswitch.conf) has a "subid:" line that names anything but files. */
gboolean subid_nsswitch_other (const char *text);

/* subid_map: inside 0 is @own, inside 1… are the @ranges in order, without what overlaps @own or an earlier range (the kernel refuses a table in which an
 * id occurs twice), at most @max_ranges entries in all (the kernel's limit is 340). Returns the number of entries, at least 1; @ret_map: free with g_free. */
size_t subid_map (const GArray *ranges, uint32_t own, size_t max_ranges, IdRange **ret_map);
