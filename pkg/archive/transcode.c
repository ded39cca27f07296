#include "pkg/archive/transcode.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "pkg/archive/chunked.h"
#include "pkg/archive/compress.h"
#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"

#define PIECE (256 * 1024)

/* What is being written. */
typedef struct {
  int fd;
  Digest *digest;
  gint64 size;
} Coded;

static void
coded_clear (Coded *coded)
{
  fd_close (coded->fd);
  digest_free (coded->digest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Coded, coded_clear)

static gboolean
put (const void *data, size_t size, void *user, GError **error)
{
  Coded *coded = user;
  digest_update (coded->digest, data, size);
  coded->size += (gint64) size;
  int r = fd_write_all (coded->fd, data, size);
  return r == 0 || coracle_throw_errno (error, -r, "writing a compressed layer");
}

static gboolean
put_all (Coded *coded, ByteStream *stream, GError **error)
{
  g_autofree char *piece = g_malloc (PIECE);
  gssize n;
  while ((n = byte_stream_read_full (stream, piece, PIECE, error)) > 0)
    if (!put (piece, (size_t) n, coded, error))
      return FALSE;
  return n == 0;
}

/* open_spool: without a name, so that it is gone with us. */
static int
open_spool (int folder, GError **error)
{
  int fd = openat (folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  int errsv = errno;
  if (fd >= 0)
    return fd;
  g_autofree char *name = g_strdup_printf (".coracle-%08x%08x", g_random_int (), g_random_int ());
  if (errsv == EOPNOTSUPP || errsv == EISDIR || errsv == EINVAL)
    {
      fd = openat (folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      errsv = errno;
      (void) unlinkat (folder, name, 0);
    }
  if (fd < 0)
    coracle_throw_errno (error, errsv, "making a file for a compressed layer");
  return fd;
}

static gboolean
code (Coded *coded, ByteStream *stream, const TranscodeHow *how, json_t **ret_annotations, GError **error)
{
  if (how->to == COMPRESSION_NONE)
    return put_all (coded, stream, error);
  if (how->chunked)
    return chunked_stream (stream, how->level, put, coded, ret_annotations, error);
  return compress_stream (stream, how->to, how->level, put, coded, error);
}

gboolean
transcode (int fd, gint64 size, const TranscodeHow *how, int spool_fd, Transcoded *ret, GError **error)
{
  json_t *annotations = NULL;
  g_auto (Coded) coded = { .fd = open_spool (spool_fd, error), .digest = digest_new () };
  g_autoptr (ByteStream) stream = coded.fd >= 0 ? inflate_open (byte_stream_from_range (fd, 0, size), NULL, error) : NULL;
  if (stream == NULL || !code (&coded, stream, how, &annotations, error))
    return FALSE;
  ret->fd = fd_steal (&coded.fd);
  ret->digest = digest_end (coded.digest);
  ret->size = coded.size;
  ret->annotations = annotations;
  return TRUE;
}
