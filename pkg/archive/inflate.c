#include "pkg/archive/inflate.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

#include "pkg/base/error.h"

#define INPUT_SIZE (256 * 1024)
#define ZSTD_HEADER_MAX 18u /* magic number and frame header */
#define TAR_BLOCK 512

typedef struct {
  ByteStream base;
  ByteStream *below;
  guint8 *input;              /* INPUT_SIZE bytes */
  size_t at, have;            /* what of it is not used yet: input[at … have) */
  gboolean ended;             /* @below has ended */
  struct inflate_state *gzip;
  ZSTD_DCtx *zstd;
  size_t zstd_hint;           /* 0: between frames */
  gboolean turns, large;  /* inflate_take_turns was said; it is this one's turn */
  struct archive *filter;     /* xz, bzip2 */
  GError *below_error;        /* what @below said while libarchive was reading */
} InflateStream;

Compression
compression_detect (const void *data, size_t size)
{
  static const struct { const char *magic; size_t length; Compression compression; } magics[] = {
    { "\x1f\x8b", 2, COMPRESSION_GZIP },
    { "\x28\xb5\x2f\xfd", 4, COMPRESSION_ZSTD },
    { "\xfd" "7zXZ\0", 6, COMPRESSION_XZ },
    { "BZh", 3, COMPRESSION_BZIP2 },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (magics); i++)
    if (size >= magics[i].length && memcmp (data, magics[i].magic, magics[i].length) == 0)
      return magics[i].compression;
  /* zstd's skippable frames, 0x184D2A50 to 5F, may come first (RFC 8878 3.1.2) */
  const guint8 *bytes = data;
  if (size >= 4 && (bytes[0] & 0xf0) == 0x50 && bytes[1] == 0x2a && bytes[2] == 0x4d && bytes[3] == 0x18)
    return COMPRESSION_ZSTD;
  return COMPRESSION_NONE;
}

gboolean
inflate_detect (ByteStream **stream, Compression *ret_compression, GError **error)
{
  char magic[6];
  gssize n = byte_stream_read_full (*stream, magic, sizeof magic, error);
  if (n < 0)
    return FALSE;
  *stream = n > 0 ? byte_stream_prefixed (magic, (size_t) n, *stream) : *stream;
  *ret_compression = compression_detect (magic, (size_t) n);
  return TRUE;
}

/* inflate_fill: more input when all is used. FALSE: an error; at the end @ended is set. */
static gboolean
inflate_fill (InflateStream *self, GError **error)
{
  if (self->at < self->have || self->ended)
    return TRUE;
  gssize n = byte_stream_read (self->below, self->input, INPUT_SIZE, error);
  if (n < 0)
    return FALSE;
  self->at = 0;
  self->have = (size_t) n;
  self->ended = n == 0;
  return TRUE;
}

static gssize
plain_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  InflateStream *self = (InflateStream *) stream;
  if (self->at == self->have)
    return self->ended ? 0 : byte_stream_read (self->below, buffer, size, error);
  size_t n = MIN (size, self->have - self->at);
  memcpy (buffer, self->input + self->at, n);
  self->at += n;
  return (gssize) n;
}

/* gzip_next_member: after the end of a member: TRUE and *@ret_more if another follows. */
static gboolean
gzip_next_member (InflateStream *self, gboolean *ret_more, GError **error)
{
  *ret_more = FALSE;
  if (!inflate_fill (self, error))
    return FALSE;
  if (self->at == self->have)
    return TRUE;
  if (self->input[self->at] != 0x1f)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "gzip: something follows the end of the compressed data");
  isal_inflate_reset (self->gzip);
  self->gzip->crc_flag = ISAL_GZIP;
  *ret_more = TRUE;
  return TRUE;
}

static const char *
gzip_error_text (int code)
{
  switch (code)
    {
    case ISAL_INCORRECT_CHECKSUM: return "the checksum is wrong";
    case ISAL_INVALID_WRAPPER:
    case ISAL_UNSUPPORTED_METHOD: return "the header is not valid";
    default: return "the compressed data is not valid";
    }
}

static gssize
gzip_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  InflateStream *self = (InflateStream *) stream;
  struct inflate_state *gzip = self->gzip;
  for (;;)
    {
      if (gzip->block_state == ISAL_BLOCK_FINISH)
        {
          gboolean more;
          if (!gzip_next_member (self, &more, error))
            return -1;
          if (!more)
            return 0;
        }
      if (!inflate_fill (self, error))
        return -1;
      gzip->next_in = self->input + self->at;
      gzip->avail_in = (uint32_t) (self->have - self->at);
      gzip->next_out = buffer;
      gzip->avail_out = (uint32_t) MIN (size, G_MAXINT32);
      int code = isal_inflate (gzip);
      self->at = self->have - gzip->avail_in;
      size_t made = MIN (size, G_MAXINT32) - gzip->avail_out;
      if (code < 0 || code == ISAL_NEED_DICT)
        {
          coracle_throw (error, CORACLE_ERROR_CORRUPT, "gzip: %s", gzip_error_text (code));
          return -1;
        }
      if (made > 0)
        return (gssize) made;
      if (self->ended && gzip->block_state != ISAL_BLOCK_FINISH)
        {
          coracle_throw (error, CORACLE_ERROR_CORRUPT, "gzip: cut short");
          return -1;
        }
    }
}

/* ---- zstd */

/* Whose turn it is: see inflate_take_turns. */
static struct {
  GMutex lock;
  GCond free;
  gboolean taken;
} turn;

static void
turn_take (InflateStream *self)
{
  if (!self->turns || self->large)
    return;
  g_mutex_lock (&turn.lock);
  while (turn.taken)
    g_cond_wait (&turn.free, &turn.lock);
  turn.taken = self->large = TRUE;
  g_mutex_unlock (&turn.lock);
}

static void
turn_give (InflateStream *self)
{
  if (!self->large)
    return;
  g_mutex_lock (&turn.lock);
  turn.taken = FALSE;
  g_cond_signal (&turn.free);
  g_mutex_unlock (&turn.lock);
}

/* zstd_window: how much memory the frame that begins at @at wants; 0: none, or it is no frame, which the decoder will say. Source: RFC 8878 3.1.1.1. */
static guint64
zstd_window (const guint8 *at, size_t n)
{
  static const guint8 magic[] = { 0x28, 0xb5, 0x2f, 0xfd }, dictionary[] = { 0, 1, 2, 4 }, content[] = { 1, 2, 4, 8 };
  if (n < 6 || memcmp (at, magic, sizeof magic) != 0)
    return 0;
  guint8 flags = at[4], descriptor = at[5];
  if ((flags & 0x20) == 0)
    {
      guint64 base = (guint64) 1 << (10 + (descriptor >> 3));
      return base + base / 8 * (descriptor & 7);
    }
  /* a single segment: all of it stays in memory */
  guint64 size = 0;
  size_t from = 5u + dictionary[flags & 3], length = content[flags >> 6];
  for (size_t i = 0; i < length && from + i < n; i++)
    size |= (guint64) at[from + i] << (8 * i);
  return length == 2 ? size + 256 : size;
}

/* zstd_frame: at the beginning of a frame: may it have what it wants? */
static gboolean
zstd_frame (InflateStream *self, GError **error)
{
  size_t have = self->have - self->at;
  if (have < ZSTD_HEADER_MAX && !self->ended)
    {
      memmove (self->input, self->input + self->at, have);
      gssize n = byte_stream_read_full (self->below, self->input + have, ZSTD_HEADER_MAX - have, error);
      if (n < 0)
        return FALSE;
      self->ended = (size_t) n < ZSTD_HEADER_MAX - have;
      self->at = 0;
      self->have = have + (size_t) n;
    }
  guint64 window = zstd_window (self->input + self->at, self->have - self->at);
  if (window > (guint64) 1 << INFLATE_WINDOW_LOG_MAX)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "zstd: it takes %" G_GUINT64_FORMAT " MiB of memory to inflate; at most %u MiB are given", window >> 20,
                          1u << (INFLATE_WINDOW_LOG_MAX - 20));
  if (window > INFLATE_WINDOW_LARGE)
    turn_take (self);
  return TRUE;
}

void
inflate_take_turns (ByteStream *stream)
{
  InflateStream *self = (InflateStream *) stream;
  self->turns = self->zstd != NULL;
}

static gssize
zstd_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  InflateStream *self = (InflateStream *) stream;
  for (;;)
    {
      if (!inflate_fill (self, error))
        return -1;
      if (self->zstd_hint == 0 && self->at == self->have)
        return 0;
      if (self->zstd_hint == 0 && !zstd_frame (self, error))
        return -1;
      ZSTD_inBuffer in = { self->input, self->have, self->at };
      ZSTD_outBuffer out = { buffer, size, 0 };
      self->zstd_hint = ZSTD_decompressStream (self->zstd, &out, &in);
      gboolean stuck = in.pos == self->at && out.pos == 0;
      self->at = in.pos;
      if (ZSTD_isError (self->zstd_hint))
        {
          coracle_throw (error, CORACLE_ERROR_CORRUPT, "zstd: %s", ZSTD_getErrorName (self->zstd_hint));
          return -1;
        }
      if (out.pos > 0)
        return (gssize) out.pos;
      if (stuck && self->ended)
        {
          coracle_throw (error, CORACLE_ERROR_CORRUPT, "zstd: cut short");
          return -1;
        }
    }
}

/* ---- xz and bzip2, seldom seen: libarchive's own filters, reading through us */

static la_ssize_t
filter_pull (struct archive *archive, void *data, const void **ret_block)
{
  InflateStream *self = data;
  if (self->at == self->have && !inflate_fill (self, &self->below_error))
    {
      archive_set_error (archive, EIO, "%s", self->below_error->message);
      return ARCHIVE_FATAL;
    }
  *ret_block = self->input + self->at;
  la_ssize_t n = (la_ssize_t) (self->have - self->at);
  self->at = self->have;
  return n;
}

static gssize
filter_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  InflateStream *self = (InflateStream *) stream;
  la_ssize_t n = archive_read_data (self->filter, buffer, size);
  if (n >= 0)
    return n;
  if (self->below_error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->below_error));
  else
    coracle_throw (error, CORACLE_ERROR_CORRUPT, "decompressing: %s", archive_error_string (self->filter));
  return -1;
}

static gboolean
filter_begin (InflateStream *self, GError **error)
{
  self->filter = archive_read_new ();
  archive_read_support_filter_xz (self->filter);
  archive_read_support_filter_bzip2 (self->filter);
  archive_read_support_format_raw (self->filter);
  struct archive_entry *entry;
  if (archive_read_open (self->filter, self, NULL, filter_pull, NULL) == ARCHIVE_OK && archive_read_next_header (self->filter, &entry) == ARCHIVE_OK)
    return TRUE;
  if (self->below_error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->below_error));
  else
    coracle_throw (error, CORACLE_ERROR_CORRUPT, "decompressing: %s", archive_error_string (self->filter));
  return FALSE;
}

static void
inflate_free (ByteStream *stream)
{
  InflateStream *self = (InflateStream *) stream;
  if (self->filter != NULL)
    archive_read_free (self->filter);
  if (self->zstd != NULL)
    ZSTD_freeDCtx (self->zstd);
  turn_give (self);
  g_clear_error (&self->below_error);
  g_free (self->gzip);
  g_free (self->input);
  byte_stream_free (self->below);
  g_free (self);
}

ByteStream *
inflate_open (ByteStream *below, Compression *ret_compression, GError **error)
{
  InflateStream *self = g_new0 (InflateStream, 1);
  g_autoptr (ByteStream) stream = &self->base;
  self->base = (ByteStream){ .read = plain_read, .free = inflate_free };
  self->below = below;
  self->input = g_malloc (INPUT_SIZE);
  gssize n = byte_stream_read_full (below, self->input, 6, error);
  if (n < 0)
    return NULL;
  self->have = (size_t) n;
  self->ended = n < 6;
  Compression compression = compression_detect (self->input, self->have);
  switch (compression)
    {
    case COMPRESSION_GZIP:
      self->base.read = gzip_read;
      self->gzip = g_new0 (struct inflate_state, 1);
      isal_inflate_init (self->gzip);
      self->gzip->crc_flag = ISAL_GZIP;
      break;
    case COMPRESSION_ZSTD:
      self->base.read = zstd_read;
      self->zstd = ZSTD_createDCtx ();
      if (self->zstd == NULL || ZSTD_isError (ZSTD_DCtx_setParameter (self->zstd, ZSTD_d_windowLogMax, INFLATE_WINDOW_LOG_MAX)))
        {
          coracle_throw (error, CORACLE_ERROR_SYSTEM, "zstd: no memory for a decoder");
          return NULL;
        }
      break;
    case COMPRESSION_XZ:
    case COMPRESSION_BZIP2:
      self->base.read = filter_read;
      if (!filter_begin (self, error))
        return NULL;
      break;
    case COMPRESSION_NONE:
      break;
    }
  if (ret_compression != NULL)
    *ret_compression = compression;
  return g_steal_pointer (&stream);
}

/* ---- a tar */

/* is_tar: does @block look like a member's header, or like an archive without any? Source: POSIX ustar, "chksum". */
static gboolean
is_tar (const guint8 *block, gssize size)
{
  guint64 sum = 0;
  gboolean zeros = TRUE;
  if (size < TAR_BLOCK)
    return FALSE;
  for (int i = 0; i < TAR_BLOCK; i++)
    {
      zeros = zeros && block[i] == 0;
      sum += i >= 148 && i < 156 ? ' ' : block[i];
    }
  char text[9] = { 0 };
  memcpy (text, block + 148, 8);
  return zeros || g_ascii_strtoull (text + strspn (text, " "), NULL, 8) == sum;
}

ByteStream *
inflate_tar (ByteStream *below)
{
  guint8 block[TAR_BLOCK];
  ByteStream *stream = inflate_open (below, NULL, NULL);
  gssize n = stream != NULL ? byte_stream_read_full (stream, block, sizeof block, NULL) : -1;
  if (is_tar (block, n))
    return byte_stream_prefixed (block, sizeof block, stream);
  byte_stream_free (stream);
  return NULL;
}
