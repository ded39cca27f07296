/* tar_header: the headers of a tar, block by block: a member's, with the extensions that stand before it.
 *
 * It takes what every reader reads alike, and what it says of a member is what Go's archive/tar says. The rest (sparse files, global headers, old dialects, names that are not UTF-8, numbers
 * out of range) is STRANGE rather than guessed at. Foreign bytes. Nothing here reads or fails for want of anything but memory.
 * Source: POSIX pax, "ustar Interchange Format" and "pax Extended Header"; tar.h and "Basic Tar Format" of GNU tar's manual for L, K and base-256. */
#pragma once

#include <glib.h>
#include <jansson.h>

#define TAR_BLOCK 512
#define TAR_EXTENSION_LIMIT (1 << 20)   /* bytes of one; as Go */

typedef struct {
  gboolean given;
  gint64 sec;
  gint32 nsec;     /* 0 to 999999999 */
} TarTime;

typedef struct {
  char type;       /* '0' file, '1' hard link, '2' symbolic link, '3' character device, '4' block device, '5' folder, '6' fifo */
  char *name;      /* as it stands there, UTF-8, not empty */
  char *link;      /* what a link leads to; or "" */
  gint64 mode, size, uid, gid, major, minor;   /* size: of the content that follows; 0 of all but files */
  TarTime modified, accessed, changed;
  json_t *xattrs;  /* name: base64 of the value; NULL: none */
} TarMember;

typedef struct {
  TarMember member;         /* after TAR_MEMBER, until the next block */
  char extension;           /* type of the one whose content is awaited */
  char *long_name, *long_link;
  GHashTable *records;      /* of a pax header: key → GBytes; NULL: there was none */
} TarHeader;
void tar_header_clear (TarHeader *header);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TarHeader, tar_header_clear)

typedef enum { TAR_STRANGE, TAR_ZERO, TAR_MEMBER, TAR_EXTENSION } TarHeaderKind;

/* tar_header_block: the next block of headers. TAR_EXTENSION: *@ret_size bytes, filled up to whole blocks, are its content, for tar_header_extension, before the next block. TAR_ZERO: a block of
 * zeros: what follows is another one, or nothing. */
TarHeaderKind tar_header_block (TarHeader *header, const guint8 block[TAR_BLOCK], size_t *ret_size);
/* tar_header_extension: without the fill. FALSE: strange. */
gboolean tar_header_extension (TarHeader *header, const guint8 *data, size_t size);
