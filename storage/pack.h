/* pack: a folder as a tar stream: what `export`, `commit` and `cp … -` write.
 *
 * The same tree gives the same bytes: members are sorted by name, owners are numbers, times are whole seconds, nothing says when or where it was packed. Files of several names
 * become hard links, holes of a MiB and more stay holes (GNU.sparse 1.0). A folder is looked at through descriptors and no link is followed, so whoever changes the
 * tree meanwhile gets, at worst, a member that mixes old and new. A file that shrinks meanwhile is filled up with zeros, one that vanishes is left out.
 * Source: POSIX pax, GNU tar's sparse format, both by libarchive; OCI image-spec layer.md for whiteouts; overlayfs.rst for what they are in an upper folder. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "pkg/archive/stream.h"
#include "pkg/idmap/idmap.h"

typedef struct {
  gboolean layer;          /* the folder is an overlay's upper: devices 0:0 and opaque folders become ".wh." members */
  gboolean root;           /* a member for the folder itself: "./" or @prefix */
  const char *prefix;      /* what members' names begin with, without "/" at its end; NULL: nothing */
  gboolean numeric;        /* with @uid and @gid instead of the files' own owners */
  uid_t uid;
  gid_t gid;
  const IdMap *ids;        /* of a container with a user namespace of its own: the members have its ids, outside here being those of the files; NULL: the files' own */
} PackOptions;

/* pack_tree: write the tree below @dir_fd (readable) as a whole tar to @out_fd; both borrowed.
 * Runs in:  the user namespace whose ids the members are to have. Any thread; no shared state.
 * Errors:   NO_SPACE, SYSTEM of the output; SYSTEM, naming the path, of what cannot be read; UNSUPPORTED a path longer than PATH_MAX. */
gboolean pack_tree (int dir_fd, const PackOptions *options, int out_fd, GError **error);

/* pack_one: a tar of what is @name in @dir_fd, a folder with all below it, or else itself alone; options.prefix is the member's name. */
gboolean pack_one (int dir_fd, const char *name, const PackOptions *options, int out_fd, GError **error);

/* pack_stream: pack_tree in a thread, to be read from here. Its end is told only when the tree was packed whole and @verify (NULL: nothing to ask), called with @data by the
 * reader, says that it was still the right one. @dir_fd and @options are borrowed until it is freed. */
ByteStream *pack_stream (int dir_fd, const PackOptions *options, gboolean (*verify) (void *data, GError **error), void *data, GError **error);

/* pack_xattr_wanted: may an attribute leave the container's files? Overlay's own marks, and ours, do not. */
gboolean pack_xattr_wanted (const char *name);
