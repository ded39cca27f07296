/* members: the files of an archive by name, whatever holds them: a folder, or a tar in any order, compressed or not, seekable or a pipe.
 * What cannot be sought in is first written, inflated, to a spool file without a name. */
#pragma once

#include "pkg/archive/stream.h"

typedef struct Members Members;

/* members_open: @path: a folder or a file; "-" is standard input. @spool_fd: folder for the spool file, borrowed; -1: $TMPDIR, or /var/tmp.
 * Errors: NOT_FOUND, CORRUPT (no tar, cut short), NO_SPACE, SYSTEM; all name @path. */
Members *members_open (const char *path, int spool_fd, GError **error);
void members_free (Members *members);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Members, members_free)

gboolean members_has (Members *members, const char *name);
/* members_stream: the bytes of the member @name (links inside a tar are followed), and their number. Valid as long as @members. Errors: NOT_FOUND, naming it. */
ByteStream *members_stream (Members *members, const char *name, gint64 *ret_size, GError **error);
/* members_read: the whole of it, at most @limit bytes (more is CORRUPT), NUL added; free with g_free. */
gboolean members_read (Members *members, const char *name, size_t limit, char **ret_data, size_t *ret_size, GError **error);
