/* Decompression: what the common programs make, pieces of it, and what is broken. */
#include <glib.h>
#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

#include "pkg/archive/inflate.h"
#include "pkg/base/error.h"

static GByteArray *
gzip_of (const void *data, size_t size)
{
  GByteArray *out = g_byte_array_sized_new ((guint) size + 4096);
  struct isal_zstream stream;
  isal_deflate_init (&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.flush = NO_FLUSH;
  stream.next_in = (uint8_t *) data;
  stream.avail_in = (uint32_t) size;
  g_byte_array_set_size (out, 2 * (guint) size + 4096);
  stream.next_out = out->data;
  stream.avail_out = out->len;
  g_assert_cmpint (isal_deflate (&stream), ==, COMP_OK);
  g_assert_cmpint (stream.internal_state.state, ==, ZSTATE_END);
  g_byte_array_set_size (out, stream.total_out);
  return out;
}

static GByteArray *
zstd_of (const void *data, size_t size)
{
  GByteArray *out = g_byte_array_new ();
  g_byte_array_set_size (out, (guint) ZSTD_compressBound (size));
  size_t n = ZSTD_compress (out->data, out->len, data, size, 1);
  g_assert_false (ZSTD_isError (n));
  g_byte_array_set_size (out, (guint) n);
  return out;
}

/* sample: bytes that compress, but not to nothing */
static GByteArray *
sample (guint size)
{
  GByteArray *bytes = g_byte_array_sized_new (size);
  for (guint32 i = 0, state = 1; i < size; i++, state = state * 1664525 + 1013904223)
    {
      guint8 byte = (guint8) ((state >> 24) & 31);
      g_byte_array_append (bytes, &byte, 1);
    }
  return bytes;
}

/* a stream that gives little at a time */
typedef struct {
  ByteStream base;
  const guint8 *data;
  size_t left, step;
} Trickle;

static gssize
trickle_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  Trickle *self = (Trickle *) stream;
  size_t n = MIN (MIN (size, self->step), self->left);
  if (n > 0)
    memcpy (buffer, self->data, n);
  self->data += n;
  self->left -= n;
  return (gssize) n;
}

static void
trickle_free (ByteStream *stream)
{
}

static GByteArray *
inflate (const GByteArray *packed, size_t step, Compression *compression, GError **error)
{
  Trickle trickle = { { trickle_read, trickle_free }, packed->data, packed->len, step };
  g_autoptr (ByteStream) stream = inflate_open (&trickle.base, compression, error);
  if (stream == NULL)
    return NULL;
  char *data;
  size_t size;
  if (!byte_stream_read_all (stream, 64 << 20, &data, &size, error))
    return NULL;
  g_assert_cmpuint (trickle.left, ==, 0);
  return g_byte_array_new_take ((guint8 *) data, size);
}

static void
assert_inflates (const GByteArray *packed, const GByteArray *expected, Compression compression)
{
  static const size_t steps[] = { 1 << 20, 1000, 7 };
  for (size_t i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      Compression is = COMPRESSION_XZ;
      g_autoptr (GError) error = NULL;
      g_autoptr (GByteArray) bytes = inflate (packed, steps[i], &is, &error);
      g_assert_no_error (error);
      g_assert_cmpint (is, ==, compression);
      g_assert_cmpmem (bytes->data, bytes->len, expected->data, expected->len);
    }
}

static void
assert_corrupt (const GByteArray *packed, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) bytes = inflate (packed, 4096, NULL, &error);
  g_assert_null (bytes);
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, text));
}

static void
test_formats (void)
{
  static const guint sizes[] = { 0, 1, 5, 100, 300000 };
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GByteArray) bytes = sample (sizes[i]);
      g_autoptr (GByteArray) gz = gzip_of (bytes->data, bytes->len);
      g_autoptr (GByteArray) zst = zstd_of (bytes->data, bytes->len);
      assert_inflates (gz, bytes, COMPRESSION_GZIP);
      assert_inflates (zst, bytes, COMPRESSION_ZSTD);
      assert_inflates (bytes, bytes, COMPRESSION_NONE);
    }
}

/* several members in a row are one stream: pigz, stargz and zstd:chunked write so */
static void
test_members (void)
{
  g_autoptr (GByteArray) one = sample (70000);
  g_autoptr (GByteArray) twice = sample (70000);
  g_byte_array_append (twice, one->data, one->len);
  g_autoptr (GByteArray) gz = gzip_of (one->data, one->len);
  g_autoptr (GByteArray) second = gzip_of (one->data, one->len);
  g_byte_array_append (gz, second->data, second->len);
  assert_inflates (gz, twice, COMPRESSION_GZIP);
  g_autoptr (GByteArray) zst = zstd_of (one->data, one->len);
  g_autoptr (GByteArray) again = zstd_of (one->data, one->len);
  static const guint8 skippable[] = { 0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c' };
  g_byte_array_append (zst, skippable, sizeof skippable);
  g_byte_array_append (zst, again->data, again->len);
  assert_inflates (zst, twice, COMPRESSION_ZSTD);
  g_byte_array_prepend (zst, skippable, sizeof skippable);
  assert_inflates (zst, twice, COMPRESSION_ZSTD);
}

static void
test_broken_gzip (void)
{
  g_autoptr (GByteArray) bytes = sample (50000);
  g_autoptr (GByteArray) gz = gzip_of (bytes->data, bytes->len);
  guint whole = gz->len;
  for (guint cut = 2; cut < whole; cut += 997)
    {
      g_autoptr (GByteArray) part = g_byte_array_new ();
      g_byte_array_append (part, gz->data, cut);
      assert_corrupt (part, "gzip: cut short");
    }
  gz->data[whole - 5] ^= 1;
  assert_corrupt (gz, "gzip: the checksum is wrong");
  gz->data[whole - 5] ^= 1;
  g_byte_array_append (gz, (const guint8 *) "rest", 4);
  assert_corrupt (gz, "gzip: something follows");
  gz->data[2] = 7;
  assert_corrupt (gz, "gzip: the header");
}

static void
test_broken_zstd (void)
{
  g_autoptr (GByteArray) bytes = sample (50000);
  g_autoptr (GByteArray) zst = zstd_of (bytes->data, bytes->len);
  guint whole = zst->len;
  for (guint cut = 4; cut < whole; cut += 997)
    {
      g_autoptr (GByteArray) part = g_byte_array_new ();
      g_byte_array_append (part, zst->data, cut);
      assert_corrupt (part, "zstd: cut short");
    }
  g_byte_array_append (zst, (const guint8 *) "rest", 4);
  assert_corrupt (zst, "zstd: ");
}

/* frame: of "hello", that asks for the window which @descriptor means (RFC 8878 3.1.1.1.2) */
static GByteArray *
frame (guint8 descriptor)
{
  const guint8 bytes[] = { 0x28, 0xb5, 0x2f, 0xfd, 0, descriptor, 1 | 5 << 3, 0, 0, 'h', 'e', 'l', 'l', 'o' };
  return g_byte_array_append (g_byte_array_new (), bytes, sizeof bytes);
}

static void
test_zstd_window (void)
{
  g_autoptr (GByteArray) hello = g_byte_array_append (g_byte_array_new (), (const guint8 *) "hello", 5);
  g_autoptr (GByteArray) most = frame (17 << 3), more = frame (17 << 3 | 1), huge = frame (0xff);
  assert_inflates (most, hello, COMPRESSION_ZSTD);
  assert_corrupt (more, "zstd: it takes 144 MiB of memory to inflate; at most 128 MiB are given");
  assert_corrupt (huge, "zstd: it takes 3932160 MiB of memory");
  /* a single segment is as large as its content: 2^33 bytes, behind a dictionary's id of four */
  const guint8 single[] = { 0x28, 0xb5, 0x2f, 0xfd, 0xe3, 1, 2, 3, 4, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0 };
  g_autoptr (GByteArray) whole = g_byte_array_append (g_byte_array_new (), single, sizeof single);
  assert_corrupt (whole, "zstd: it takes 8192 MiB of memory");
  /* not the first frame, and after one that is skipped */
  g_autoptr (GByteArray) later = frame (0);
  static const guint8 skipped[] = { 0x5f, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 'a', 'b' };
  g_byte_array_append (later, skipped, sizeof skipped);
  g_byte_array_append (later, more->data, more->len);
  assert_corrupt (later, "zstd: it takes 144 MiB");
}

static gint turn_done;

static gpointer
inflate_large (gpointer data)
{
  g_autoptr (GByteArray) packed = frame (17 << 3);
  g_autoptr (ByteStream) stream = inflate_open (byte_stream_from_data (packed->data, packed->len), NULL, NULL);
  char text[8];
  inflate_take_turns (stream);
  g_assert_cmpint (byte_stream_read (stream, text, sizeof text, NULL), ==, 5);
  g_atomic_int_set (&turn_done, 1);
  return NULL;
}

static void
test_zstd_turns (void)
{
  g_autoptr (GByteArray) large = frame (17 << 3), small = frame (0);
  ByteStream *first = inflate_open (byte_stream_from_data (large->data, large->len), NULL, NULL);
  g_autoptr (ByteStream) second = inflate_open (byte_stream_from_data (small->data, small->len), NULL, NULL);
  char text[8];
  inflate_take_turns (first);
  inflate_take_turns (second);
  g_assert_cmpint (byte_stream_read (first, text, sizeof text, NULL), ==, 5);
  /* small ones wait for nobody */
  g_assert_cmpint (byte_stream_read (second, text, sizeof text, NULL), ==, 5);
  GThread *other = g_thread_new ("large", inflate_large, NULL);
  g_usleep (50000);
  g_assert_cmpint (g_atomic_int_get (&turn_done), ==, 0);
  byte_stream_free (first);
  g_thread_join (other);
  g_assert_cmpint (g_atomic_int_get (&turn_done), ==, 1);
}

static void
test_streams (void)
{
  g_autoptr (Digest) digest = digest_new ();
  gint64 count = 0;
  g_autoptr (ByteStream) stream = byte_stream_tee (byte_stream_prefixed ("ab", 2, byte_stream_from_data ("c", 1)), digest, -1, &count, 3);
  g_autofree char *text = NULL;
  size_t size;
  g_assert_true (byte_stream_read_all (stream, 3, &text, &size, NULL));
  g_autofree char *is = digest_end (digest);
  g_assert_cmpstr (text, ==, "abc");
  g_assert_cmpint (count, ==, 3);
  /* FIPS 180-2, B.1 */
  g_assert_cmpstr (is, ==, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  g_autoptr (ByteStream) longer = byte_stream_tee (byte_stream_from_data ("abcd", 4), NULL, -1, NULL, 3);
  g_autoptr (GError) error = NULL;
  g_assert_false (byte_stream_read_all (longer, 10, &text, &size, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
  g_clear_error (&error);
  g_autoptr (ByteStream) limited = byte_stream_from_data ("abcd", 4);
  g_assert_false (byte_stream_read_all (limited, 3, &text, &size, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/inflate/formats", test_formats);
  g_test_add_func ("/inflate/members", test_members);
  g_test_add_func ("/inflate/broken-gzip", test_broken_gzip);
  g_test_add_func ("/inflate/broken-zstd", test_broken_zstd);
  g_test_add_func ("/inflate/zstd-window", test_zstd_window);
  g_test_add_func ("/inflate/zstd-turns", test_zstd_turns);
  g_test_add_func ("/inflate/streams", test_streams);
  return g_test_run ();
}
