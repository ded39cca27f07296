/* output: the one file that an archive is written to: nothing stands under its name until it is whole, where that name is a file's.
 *
 * Source: open(2) O_TMPFILE, linkat(2), copy_file_range(2), pwritev2(2) RWF_DONTCACHE, POSIX ustar; GNU tar's base-256 for sizes of 8 GiB and more. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "pkg/archive/stream.h"

typedef struct Output Output;

/* output_open: for @path; NULL: standard output. What is not a regular file (a pipe, /dev/null) is written to directly, so are files that standard output stands for; else
 * a file without a name in the same folder is made, and output_commit gives it the name. @replace: FALSE: a file that is there and not empty is EXISTS.
 * Errors: INVALID in Podman's words ("open PATH: no such file or directory"); EXISTS. */
Output *output_open (const char *path, gboolean replace, GError **error);
/* output_commit: cut what is too long and give it its name. Errors: NO_SPACE, SYSTEM. */
gboolean output_commit (Output *output, GError **error);
/* output_free: without output_commit nothing stays of a file. */
void output_free (Output *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Output, output_free)

/* output_random: can output_write_at be used? Not in a pipe. */
gboolean output_random (const Output *output);
gint64 output_at (const Output *output);

gboolean output_write (Output *output, const void *data, size_t size, GError **error);
/* output_write_at: anywhere; any thread. output_seek: where output_write goes on. Only where output_random. */
gboolean output_write_at (Output *output, gint64 offset, const void *data, size_t size, GError **error);
void output_seek (Output *output, gint64 offset);

/* output_copy: @size bytes of @fd from its beginning, moved in the kernel where that can be. At the place of output_write. Errors: CORRUPT the file is shorter. */
gboolean output_copy (Output *output, int fd, gint64 size, GError **error);

/* ---- a tar. The same members give the same bytes: owner 0, no time. */
#define TAR_BLOCK 512
typedef enum { TAR_FILE = '0', TAR_LINK = '2', TAR_FOLDER = '5' } TarType;

/* tar_header: @block: TAR_BLOCK bytes. @name and @target (of a link, else NULL) have at most 100 bytes. */
void tar_header (char *block, TarType type, const char *name, const char *target, guint mode, gint64 size);
/* tar_padding: what follows @size bytes up to the next block. */
#define tar_padding(size) ((size_t) (-(size) & (TAR_BLOCK - 1)))

gboolean tar_add_data (Output *output, const char *name, guint mode, const void *data, size_t size, GError **error);
gboolean tar_add_file (Output *output, const char *name, guint mode, int fd, gint64 size, GError **error);
gboolean tar_add_link (Output *output, const char *name, const char *target, GError **error);
gboolean tar_add_folder (Output *output, const char *name, GError **error);
gboolean tar_end (Output *output, GError **error);

/* One layer, to be a member inflated. */
typedef struct {
  const char *name;
  int fd;            /* the blob, compressed or not, from its beginning; borrowed */
  gint64 size;       /* of the blob */
  guint mode;
} TarLayer;
/* tar_add_layers: the layers as members, inflated, in this order. In a file several are worked on at once: where each begins is taken from what the compressed data says of
 * its own size, which is compared; from the first that was wrong on they are written again one by one. For a pipe they are measured first.
 * @done: called by this thread after each, with its size inflated; or NULL. Errors: CORRUPT a broken blob, with the member's name; NO_SPACE, SYSTEM. */
gboolean tar_add_layers (Output *output, const TarLayer *layers, guint n_layers, void (*done) (guint layer, gint64 size, void *data), void *data, GError **error);

/* output_copy_whole: @size bytes of @from's beginning to the new file @to, shared with it or moved in the kernel. Errors: CORRUPT it is shorter; NO_SPACE, SYSTEM. */
gboolean output_copy_whole (int from, int to, gint64 size, GError **error);
