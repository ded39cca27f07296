#include "pkg/archive/stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

gssize
byte_stream_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  return stream->read (stream, buffer, size, error);
}

gssize
byte_stream_read_full (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  size_t have = 0;
  while (have < size)
    {
      gssize n = byte_stream_read (stream, (char *) buffer + have, size - have, error);
      if (n < 0)
        return -1;
      if (n == 0)
        break;
      have += (size_t) n;
    }
  return (gssize) have;
}

gboolean
byte_stream_read_all (ByteStream *stream, size_t limit, char **ret_data, size_t *ret_size, GError **error)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  char piece[16384];
  for (;;)
    {
      gssize n = byte_stream_read (stream, piece, sizeof piece, error);
      if (n < 0)
        return FALSE;
      if (n == 0)
        break;
      if (all->len + (size_t) n > limit)
        return coracle_throw (error, CORACLE_ERROR_CORRUPT, "larger than the %zu bytes allowed", limit);
      g_byte_array_append (all, (const guint8 *) piece, (guint) n);
    }
  *ret_size = all->len;
  g_byte_array_append (all, (const guint8 *) "", 1);
  *ret_data = (char *) g_byte_array_free (g_steal_pointer (&all), FALSE);
  return TRUE;
}

void
byte_stream_free (ByteStream *stream)
{
  if (stream != NULL)
    stream->free (stream);
}

/* ---- a descriptor */

typedef struct {
  ByteStream base;
  int fd;
  gint64 offset, left;   /* of a range */
} FdStream;

static gssize
fd_stream_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  FdStream *self = (FdStream *) stream;
  ssize_t n;
  do
    n = read (self->fd, buffer, size);
  while (n < 0 && errno == EINTR);
  if (n >= 0)
    return n;
  int errsv = errno;
  coracle_throw_errno (error, errsv, "reading");
  return -1;
}

static void
fd_stream_free (ByteStream *stream)
{
  fd_close (((FdStream *) stream)->fd);
  g_free (stream);
}

ByteStream *
byte_stream_from_fd (int fd)
{
  FdStream *self = g_new0 (FdStream, 1);
  self->base = (ByteStream){ .read = fd_stream_read, .free = fd_stream_free };
  self->fd = fd;
  return &self->base;
}

static gssize
range_stream_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  FdStream *self = (FdStream *) stream;
  if (self->left == 0)
    return 0;
  ssize_t n;
  do
    n = pread (self->fd, buffer, MIN (size, (size_t) self->left), self->offset);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    {
      int errsv = errno;
      coracle_throw_errno (error, errsv, "reading");
      return -1;
    }
  if (n == 0)
    {
      coracle_throw (error, CORACLE_ERROR_CORRUPT, "cut short: %" G_GINT64_FORMAT " bytes are missing", self->left);
      return -1;
    }
  self->offset += n;
  self->left -= n;
  return n;
}

static void
plain_stream_free (ByteStream *stream)
{
  g_free (stream);
}

ByteStream *
byte_stream_from_range (int fd, gint64 offset, gint64 size)
{
  FdStream *self = g_new0 (FdStream, 1);
  self->base = (ByteStream){ .read = range_stream_read, .free = plain_stream_free };
  self->fd = fd;
  self->offset = offset;
  self->left = size;
  return &self->base;
}

/* ---- memory */

typedef struct {
  ByteStream base;
  const char *data;
  size_t left;
} DataStream;

static gssize
data_stream_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  DataStream *self = (DataStream *) stream;
  size_t n = MIN (size, self->left);
  if (n > 0)
    memcpy (buffer, self->data, n);
  self->data += n;
  self->left -= n;
  return (gssize) n;
}

ByteStream *
byte_stream_from_data (const void *data, size_t size)
{
  DataStream *self = g_new0 (DataStream, 1);
  self->base = (ByteStream){ .read = data_stream_read, .free = plain_stream_free };
  self->data = data;
  self->left = size;
  return &self->base;
}

/* ---- bytes that were read ahead, put back */

typedef struct {
  ByteStream base;
  ByteStream *below;
  char *data;
  size_t at, size;
} PrefixedStream;

static gssize
prefixed_stream_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  PrefixedStream *self = (PrefixedStream *) stream;
  if (self->at == self->size)
    return byte_stream_read (self->below, buffer, size, error);
  size_t n = MIN (size, self->size - self->at);
  memcpy (buffer, self->data + self->at, n);
  self->at += n;
  return (gssize) n;
}

static void
prefixed_stream_free (ByteStream *stream)
{
  PrefixedStream *self = (PrefixedStream *) stream;
  byte_stream_free (self->below);
  g_free (self->data);
  g_free (self);
}

ByteStream *
byte_stream_prefixed (const void *data, size_t size, ByteStream *below)
{
  PrefixedStream *self = g_new0 (PrefixedStream, 1);
  self->base = (ByteStream){ .read = prefixed_stream_read, .free = prefixed_stream_free };
  self->below = below;
  self->data = g_memdup2 (data, size);
  self->size = size;
  return &self->base;
}

/* ---- tee and observer */

typedef struct {
  ByteStream base;
  ByteStream *below;
  Digest *digest;
  int fd;
  gint64 *count, limit, passed;
  ByteObserver observer;
  void *observer_data;
} TeeStream;

static gssize
tee_stream_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  TeeStream *self = (TeeStream *) stream;
  gssize n = byte_stream_read (self->below, buffer, size, error);
  if (n <= 0)
    return n;
  self->passed += n;
  if (self->limit >= 0 && self->passed > self->limit)
    {
      coracle_throw (error, CORACLE_ERROR_CORRUPT, "longer than the %" G_GINT64_FORMAT " bytes it should have", self->limit);
      return -1;
    }
  if (self->digest != NULL)
    digest_update (self->digest, buffer, (size_t) n);
  int r = self->fd >= 0 ? fd_write_all (self->fd, buffer, (size_t) n) : 0;
  if (r < 0)
    {
      coracle_throw_errno (error, -r, "writing the blob");
      return -1;
    }
  if (self->count != NULL)
    *self->count = self->passed;
  if (self->observer != NULL)
    self->observer (self->passed, self->observer_data);
  return n;
}

static void
tee_stream_free (ByteStream *stream)
{
  byte_stream_free (((TeeStream *) stream)->below);
  g_free (stream);
}

ByteStream *
byte_stream_tee (ByteStream *below, Digest *digest, int fd, gint64 *count, gint64 limit)
{
  TeeStream *self = g_new0 (TeeStream, 1);
  self->base = (ByteStream){ .read = tee_stream_read, .free = tee_stream_free };
  self->below = below;
  self->digest = digest;
  self->fd = fd;
  self->count = count;
  self->limit = limit;
  return &self->base;
}

ByteStream *
byte_stream_observe (ByteStream *below, ByteObserver observer, void *data)
{
  TeeStream *self = (TeeStream *) byte_stream_tee (below, NULL, -1, NULL, -1);
  self->observer = observer;
  self->observer_data = data;
  return &self->base;
}
