/* unpack: the members of a tar stream, written below one folder and nowhere else.
 *
 * Every path is normalised first ("./", "//" and a leading "/" mean the folder itself; ".." above it is CORRUPT), its parent is looked up by openat2 RESOLVE_IN_ROOT,
 * and the last component is never followed. So links that an earlier member planted lead, at worst, elsewhere in the same folder.
 * Source: POSIX pax and GNU tar by libarchive; OCI image-spec layer.md for whiteouts; overlayfs.rst for what they become (character device 0:0,
 * user.overlay.opaque). */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "pkg/archive/stream.h"
#include "pkg/idmap/idmap.h"

/* On a layer's folder: the layer itself says what "/" is like (its mode and owner are the folder's); without it the layers below do. */
#define UNPACK_ROOT_XATTR "user.coracle.root"

typedef struct {
  gboolean single;      /* only one id is mapped: owners are not set */
  gboolean layer;       /* .wh. names are whiteouts; FALSE: a plain root filesystem, in which they are ordinary names */
  gboolean into;        /* the folder has things in it: what the archive says of "./" is passed over, and a folder is not replaced by what is none, nor the reverse */
  gboolean overwrite;   /* @into: it is */
  const IdMap *ids;     /* of a container with a user namespace of its own: the members' ids are its; NULL: they are ours */
  gboolean give;        /* everything to @uid and @gid, whatever the archive says */
  uid_t uid;
  gid_t gid;
} UnpackOptions;

typedef struct {
  guint64 members;
  guint64 bytes;            /* of file data written (holes and links count nothing) */
  guint64 skipped_devices;  /* device nodes, which cannot be made without privilege */
  guint64 skipped_others;   /* sockets and types tar does not know */
  guint64 dropped_xattrs;   /* trusted.*, security.selinux, overlay's own, and what the filesystem refuses */
} UnpackStats;

/* unpack_tar: read @tar to its end and write its members below @dir_fd (an open folder, which gets the metadata of a "./" member).
 * Files are not synced; the caller does that once for all. On failure what is there is partial: remove it.
 * Runs in:  the user namespace where owners are to be right; any otherwise. No shared state: one per thread is fine.
 * Errors:   CORRUPT a broken or hostile archive, naming the member; DENIED an owner outside the id map, with the remedy; NO_SPACE; SYSTEM. */
gboolean unpack_tar (int dir_fd, ByteStream *tar, const UnpackOptions *options, UnpackStats *ret_stats, GError **error);
