/* Compression in blocks: it is read again as one stream, is the same every time, also with several streams at once, and the common programs understand it. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "pkg/archive/compress.h"
#include "pkg/base/error.h"

#define MIB ((size_t) 1 << 20)

static GByteArray *
sample (size_t size)
{
  GByteArray *bytes = g_byte_array_new ();
  g_byte_array_set_size (bytes, (guint) size);
  guint32 state = 1;
  for (size_t i = 0; i < size; i++)
    {
      state = state * 1664525 + 1013904223;
      /* parts that compress, and parts that do not */
      bytes->data[i] = (i >> 18) & 1 ? (guint8) (state >> 24) : (guint8) ((state >> 24) & 7);
    }
  return bytes;
}

/* a stream over bytes, that may break off */
typedef struct {
  ByteStream base;
  const GByteArray *bytes;
  size_t at, breaks_at;
} Bytes;

static gssize
bytes_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  Bytes *self = (Bytes *) stream;
  if (self->at >= self->breaks_at)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "broken off"), -1;
  size_t n = MIN (MIN (size, self->bytes->len - self->at), 100000);
  if (n != 0)
    memcpy (buffer, self->bytes->data + self->at, n);
  self->at += n;
  return (gssize) n;
}

static void
bytes_free (ByteStream *stream)
{
  g_free (stream);
}

static ByteStream *
stream_of (const GByteArray *bytes, size_t breaks_at)
{
  Bytes *self = g_new0 (Bytes, 1);
  *self = (Bytes){ { bytes_read, bytes_free }, bytes, 0, breaks_at };
  return &self->base;
}

static gboolean
append (const void *data, size_t size, void *user, GError **error)
{
  g_byte_array_append (user, data, (guint) size);
  return TRUE;
}

static gboolean
refuse (const void *data, size_t size, void *user, GError **error)
{
  gint *calls = user;
  return ++*calls < 3 || coracle_throw (error, CORACLE_ERROR_NO_SPACE, "full");
}

static GByteArray *
compressed (const GByteArray *bytes, Compression to, int level)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ByteStream) in = stream_of (bytes, G_MAXSIZE);
  GByteArray *out = g_byte_array_new ();
  g_assert_true (compress_stream (in, to, level, append, out, &error));
  g_assert_no_error (error);
  return out;
}

static void
assert_inflates (const GByteArray *out, const GByteArray *expected, Compression as)
{
  g_autoptr (GError) error = NULL;
  Compression found;
  g_autoptr (ByteStream) in = inflate_open (stream_of (out, G_MAXSIZE), &found, &error);
  g_autofree guint8 *back = g_malloc (expected->len + 1);
  g_assert_no_error (error);
  g_assert_cmpint (found, ==, as);
  gssize n = byte_stream_read_full (in, back, expected->len + 1, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (back, (gsize) n, expected->data, expected->len);
}

static void
test_round_trip (void)
{
  static const size_t sizes[] = { 0, 1, 1000, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1, 9 * MIB + 12345 };
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GByteArray) bytes = sample (sizes[i]);
      g_autoptr (GByteArray) gzip = compressed (bytes, COMPRESSION_GZIP, -1), zstd = compressed (bytes, COMPRESSION_ZSTD, -1);
      assert_inflates (gzip, bytes, COMPRESSION_GZIP);
      assert_inflates (zstd, bytes, COMPRESSION_ZSTD);
      g_assert_true (sizes[i] < MIB || (gzip->len < bytes->len && zstd->len < bytes->len));
    }
}

static void
test_levels (void)
{
  g_autoptr (GByteArray) bytes = sample (3 * MIB);
  for (int level = 0; level <= 9; level++)
    {
      g_autoptr (GByteArray) out = compressed (bytes, COMPRESSION_GZIP, level);
      assert_inflates (out, bytes, COMPRESSION_GZIP);
    }
  for (int level = 1; level <= 20; level += 6)
    {
      g_autoptr (GByteArray) out = compressed (bytes, COMPRESSION_ZSTD, level);
      assert_inflates (out, bytes, COMPRESSION_ZSTD);
    }
}

static gpointer
compress_thread (gpointer data)
{
  return compressed (data, COMPRESSION_GZIP, -1);
}

static void
test_same (void)
{
  g_autoptr (GByteArray) bytes = sample (20 * MIB), first = compressed (bytes, COMPRESSION_GZIP, -1);
  GThread *threads[8];
  for (size_t i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("compress", compress_thread, bytes);
  for (size_t i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      g_autoptr (GByteArray) out = g_thread_join (threads[i]);
      g_assert_cmpmem (out->data, out->len, first->data, first->len);
    }
}

static void
test_failures (void)
{
  g_autoptr (GByteArray) bytes = sample (20 * MIB), out = g_byte_array_new ();
  for (size_t at = 0; at < 12 * MIB; at += 5 * MIB)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ByteStream) in = stream_of (bytes, at);
      g_assert_false (compress_stream (in, COMPRESSION_ZSTD, -1, append, out, &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
    }
  g_autoptr (GError) error = NULL;
  g_autoptr (ByteStream) in = stream_of (bytes, G_MAXSIZE);
  gint calls = 0;
  g_assert_false (compress_stream (in, COMPRESSION_GZIP, -1, refuse, &calls, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NO_SPACE);
  g_assert_cmpint (calls, ==, 3);
}

/* test_programs: gzip and zstd, where they are installed, find nothing wrong. */
static void
test_programs (void)
{
  static const struct { Compression to; const char *argv[4]; } programs[] = { { COMPRESSION_GZIP, { "gzip", "-t", NULL } }, { COMPRESSION_ZSTD, { "zstd", "-q", "-t", NULL } } };
  g_autoptr (GByteArray) bytes = sample (5 * MIB + 7);
  for (size_t i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree char *found = g_find_program_in_path (programs[i].argv[0]), *folder = g_dir_make_tmp ("coracle-compress-XXXXXX", NULL);
      g_autofree char *path = g_build_filename (folder, programs[i].to == COMPRESSION_GZIP ? "x.gz" : "x.zst", NULL);
      g_autoptr (GByteArray) out = compressed (bytes, programs[i].to, -1);
      g_assert_true (g_file_set_contents (path, (const char *) out->data, out->len, NULL));
      const char *argv[5] = { programs[i].argv[0], programs[i].argv[1], programs[i].argv[2], NULL, NULL };
      argv[argv[2] == NULL ? 2 : 3] = path;
      int status = 0;
      if (found != NULL)
        g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
      g_assert_cmpint (status, ==, 0);
      (void) g_remove (path);
      (void) g_rmdir (folder);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/compress/round-trip", test_round_trip);
  g_test_add_func ("/compress/levels", test_levels);
  g_test_add_func ("/compress/same", test_same);
  g_test_add_func ("/compress/failures", test_failures);
  g_test_add_func ("/compress/programs", test_programs);
  return g_test_run ();
}
