#include "pkg/archive/transcode.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <unistd.h>
#include <zstd.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"

#define PIECE (256 * 1024)

typedef struct {
  int fd;
  Digest *digest;
  gint64 size;
  char *in, *out;             /* PIECE bytes each */
  struct isal_zstream *gzip;
  guint8 *level_buffer;
  ZSTD_CCtx *zstd;
} Coder;

static void
coder_clear (Coder *coder)
{
  fd_close (coder->fd);
  digest_free (coder->digest);
  g_free (coder->in);
  g_free (coder->out);
  g_free (coder->gzip);
  g_free (coder->level_buffer);
  ZSTD_freeCCtx (coder->zstd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Coder, coder_clear)

static gboolean
put (Coder *coder, const void *data, size_t size, GError **error)
{
  digest_update (coder->digest, data, size);
  coder->size += (gint64) size;
  int r = fd_write_all (coder->fd, data, size);
  return r == 0 || coracle_throw_errno (error, -r, "writing a compressed layer");
}

/* gzip_level: zlib's 1 to 9 in ISA-L's four steps. */
static guint
gzip_level (int level)
{
  return level < 0 ? 1 : level == 0 ? 0 : level <= 3 ? 1 : level <= 6 ? 2 : 3;
}

static void
gzip_begin (Coder *coder, int level)
{
  static const guint32 sizes[] = { ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT };
  guint step = gzip_level (level);
  coder->gzip = g_new0 (struct isal_zstream, 1);
  isal_deflate_init (coder->gzip);
  coder->gzip->gzip_flag = IGZIP_GZIP;
  coder->gzip->level = step;
  coder->level_buffer = g_malloc0 (MAX (sizes[step], 1));
  coder->gzip->level_buf = coder->level_buffer;
  coder->gzip->level_buf_size = sizes[step];
}

static gboolean
gzip_put (Coder *coder, size_t size, gboolean last, GError **error)
{
  struct isal_zstream *gzip = coder->gzip;
  gzip->next_in = (guint8 *) coder->in;
  gzip->avail_in = (guint32) size;
  gzip->end_of_stream = last;
  do
    {
      gzip->next_out = (guint8 *) coder->out;
      gzip->avail_out = PIECE;
      int r = isal_deflate (gzip);
      if (r != COMP_OK)
        return coracle_throw (error, CORACLE_ERROR_SYSTEM, "gzip: error %d", r);
      if (!put (coder, coder->out, PIECE - gzip->avail_out, error))
        return FALSE;
    }
  while (gzip->avail_out == 0 || (last && gzip->internal_state.state != ZSTATE_END));
  return TRUE;
}

static gboolean
zstd_put (Coder *coder, size_t size, gboolean last, GError **error)
{
  ZSTD_inBuffer in = { coder->in, size, 0 };
  for (size_t left = 1; left > 0 && (last || in.pos < in.size);)
    {
      ZSTD_outBuffer out = { coder->out, PIECE, 0 };
      left = ZSTD_compressStream2 (coder->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError (left))
        return coracle_throw (error, CORACLE_ERROR_SYSTEM, "zstd: %s", ZSTD_getErrorName (left));
      if (!put (coder, coder->out, out.pos, error))
        return FALSE;
      if (!last)
        left = 1;
    }
  return TRUE;
}

static gboolean
coder_put (Coder *coder, size_t size, gboolean last, GError **error)
{
  return coder->gzip != NULL ? gzip_put (coder, size, last, error) : coder->zstd != NULL ? zstd_put (coder, size, last, error) : put (coder, coder->in, size, error);
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

gboolean
transcode (int fd, gint64 size, Compression to, int level, int spool_fd, Transcoded *ret, GError **error)
{
  g_auto (Coder) coder = { .fd = open_spool (spool_fd, error), .digest = digest_new (), .in = g_malloc (PIECE), .out = g_malloc (PIECE) };
  g_autoptr (ByteStream) stream = coder.fd >= 0 ? inflate_open (byte_stream_from_range (fd, 0, size), NULL, error) : NULL;
  if (stream == NULL)
    return FALSE;
  if (to == COMPRESSION_GZIP)
    gzip_begin (&coder, level);
  if (to == COMPRESSION_ZSTD)
    {
      coder.zstd = ZSTD_createCCtx ();
      (void) ZSTD_CCtx_setParameter (coder.zstd, ZSTD_c_compressionLevel, level < 0 ? ZSTD_CLEVEL_DEFAULT : level);
      (void) ZSTD_CCtx_setParameter (coder.zstd, ZSTD_c_checksumFlag, 1);
    }
  for (gboolean last = FALSE; !last;)
    {
      gssize n = byte_stream_read_full (stream, coder.in, PIECE, error);
      last = n < PIECE;
      if (n < 0 || !coder_put (&coder, (size_t) n, last, error))
        return FALSE;
    }
  ret->fd = fd_steal (&coder.fd);
  ret->digest = digest_end (coder.digest);
  ret->size = coder.size;
  return TRUE;
}
