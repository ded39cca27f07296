/* zstd:chunked as its readers have it: the whole is the tar; each piece is where the table says; of the tar-split and the contents comes the same tar again. And what has no table. */
#include <glib.h>
#include <string.h>
#include <zstd.h>

#include "pkg/archive/chunked.h"
#include "pkg/archive/crc64.h"
#include "pkg/archive/inflate.h"
#include "tests/unit/tar-builder.h"

#define MIB ((size_t) 1 << 20)

static gboolean
append (const void *data, size_t size, void *user, GError **error)
{
  g_byte_array_append (user, data, (guint) size);
  return TRUE;
}

static GByteArray *
chunked (const GByteArray *tar, json_t **ret_annotations)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ByteStream) in = byte_stream_from_data (tar->data, tar->len);
  GByteArray *out = g_byte_array_new ();
  g_assert_true (chunked_stream (in, -1, append, out, ret_annotations, &error));
  g_assert_no_error (error);
  return out;
}

static void
assert_inflates (const GByteArray *out, const GByteArray *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ByteStream) in = inflate_open (byte_stream_from_data (out->data, out->len), NULL, &error);
  g_autofree guint8 *back = g_malloc (expected->len + 1);
  g_assert_no_error (error);
  gssize n = byte_stream_read_full (in, back, expected->len + 1, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (back, (gsize) n, expected->data, expected->len);
}

/* unpacked: zstd of @packed bytes at @offset of @blob. */
static GByteArray *
unpacked (const GByteArray *blob, guint64 offset, guint64 packed)
{
  g_autoptr (GError) error = NULL;
  GByteArray *all = g_byte_array_new ();
  guint8 piece[4096];
  gssize n;
  g_assert_cmpuint (offset + packed, <=, blob->len);
  g_autoptr (ByteStream) in = inflate_open (byte_stream_from_data (blob->data + offset, packed), NULL, &error);
  while ((n = byte_stream_read (in, piece, sizeof piece, &error)) > 0)
    g_byte_array_append (all, piece, (guint) n);
  g_assert_no_error (error);
  return all;
}

static guint64
number (const guint8 *data)
{
  guint64 n;
  memcpy (&n, data, 8);
  return GUINT64_FROM_LE (n);
}

/* table: @which of the footer's two, after comparing footer, annotations and checksum. */
static GByteArray *
table (const GByteArray *blob, json_t *annotations, gboolean split)
{
  const guint8 *footer = blob->data + blob->len - 64, *at = footer + (split ? 32 : 0);
  g_assert_cmpmem (footer + 56, 8, "GNUlInUx", 8);
  g_autofree char *position = split ? g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, number (at), number (at + 8), number (at + 16))
                                    : g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":1", number (at), number (at + 8), number (at + 16));
  g_assert_cmpstr (json_string_value (json_object_get (annotations, split ? CHUNKED_ANNOTATION_TARSPLIT : CHUNKED_ANNOTATION_POSITION)), ==, position);
  g_autofree char *digest = digest_of (blob->data + number (at), number (at + 8));
  if (!split)
    g_assert_cmpstr (json_string_value (json_object_get (annotations, CHUNKED_ANNOTATION_CHECKSUM)), ==, digest);
  GByteArray *data = unpacked (blob, number (at), number (at + 8));
  g_assert_cmpuint (data->len, ==, number (at + 16));
  return data;
}

static json_int_t
field (json_t *entry, const char *key)
{
  return json_integer_value (json_object_get (entry, key));
}

/* content_of: the file's, put together from its pieces, each with its digest. @i: its place in the table. */
static GByteArray *
content_of (const GByteArray *blob, json_t *entries, size_t i)
{
  json_t *entry = json_array_get (entries, i);
  GByteArray *all = g_byte_array_new ();
  guint64 end = (guint64) field (entry, "endOffset");
  size_t last = i;
  while (g_strcmp0 (json_string_value (json_object_get (json_array_get (entries, last + 1), "type")), "chunk") == 0)
    last++;
  for (size_t p = i; p <= last; p++)
    {
      json_t *piece = json_array_get (entries, p);
      guint64 from = (guint64) field (piece, "offset"), to = p < last ? (guint64) field (json_array_get (entries, p + 1), "offset") : end;
      g_autoptr (GByteArray) data = unpacked (blob, from, to - from);
      g_autofree char *digest = digest_of (data->data, data->len);
      g_assert_cmpstr (json_string_value (json_object_get (piece, "name")), ==, json_string_value (json_object_get (entry, "name")));
      g_assert_cmpint (field (piece, "chunkOffset"), ==, (json_int_t) all->len);
      if (last > i)
        {
          g_assert_cmpstr (json_string_value (json_object_get (piece, "chunkDigest")), ==, digest);
          g_assert_cmpint (field (piece, "chunkSize"), ==, (json_int_t) data->len);
        }
      g_byte_array_append (all, data->data, data->len);
    }
  g_autofree char *digest = digest_of (all->data, all->len);
  g_assert_cmpstr (json_string_value (json_object_get (entry, "digest")), ==, digest);
  g_assert_cmpint (field (entry, "size"), ==, (json_int_t) all->len);
  return all;
}

static json_t *
find (json_t *entries, const char *name, size_t *ret_index)
{
  json_t *entry;
  size_t i;
  json_array_foreach (entries, i, entry)
    if (strcmp (json_string_value (json_object_get (entry, "name")), name) == 0)
      {
        if (ret_index != NULL)
          *ret_index = i;
        return entry;
      }
  return NULL;
}

/* add_line: of the tar-split, to the tar that is put together. */
static void
add_line (const GByteArray *blob, json_t *entries, const char *line, GByteArray *tar)
{
  json_auto_t *object = json_loads (line, 0, NULL);
  const char *payload = json_string_value (json_object_get (object, "payload")), *name = json_string_value (json_object_get (object, "name"));
  gsize n = 0;
  g_autofree guint8 *bytes = payload != NULL ? g_base64_decode (payload, &n) : NULL;
  size_t i;
  g_assert_nonnull (object);
  if (field (object, "type") == 2)
    {
      g_byte_array_append (tar, bytes, (guint) n);
      return;
    }
  g_assert_cmpint (field (object, "type"), ==, 1);
  g_assert_nonnull (find (entries, name, &i));
  if (field (object, "size") == 0)
    return;
  g_autoptr (GByteArray) content = content_of (blob, entries, i);
  guint64 sum = GUINT64_TO_BE (crc64_update (0, content->data, content->len));
  g_assert_cmpmem (bytes, n, &sum, 8);
  g_byte_array_append (tar, content->data, content->len);
}

/* assert_chunked: all of it; the table's entries are returned. */
static json_t *
assert_chunked (const GByteArray *tar)
{
  json_auto_t *annotations = NULL;
  g_autoptr (GByteArray) blob = chunked (tar, &annotations), again = g_byte_array_new ();
  assert_inflates (blob, tar);
  g_assert_nonnull (annotations);
  g_autoptr (GByteArray) toc = table (blob, annotations, FALSE), split = table (blob, annotations, TRUE);
  json_auto_t *root = json_loadb ((const char *) toc->data, toc->len, 0, NULL);
  json_t *entries = json_object_get (root, "entries");
  const guint8 *footer = blob->data + blob->len - 64;
  g_autofree char *digest = digest_of (blob->data + number (footer + 32), number (footer + 40));
  g_assert_cmpint (field (root, "version"), ==, 1);
  g_assert_cmpstr (json_string_value (json_object_get (root, "tarSplitDigest")), ==, digest);
  g_byte_array_append (split, (const guint8 *) "", 1);
  g_auto (GStrv) lines = g_strsplit ((const char *) split->data, "\n", -1);
  for (guint i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++)
    {
      json_auto_t *line = json_loads (lines[i], 0, NULL);
      g_assert_cmpint (field (line, "position"), ==, i);
      add_line (blob, entries, lines[i], again);
    }
  g_assert_cmpmem (again->data, again->len, tar->data, tar->len);
  return json_incref (entries);
}

static void
add_random (Tar *tar, const char *name, size_t size)
{
  g_autofree guint8 *data = g_malloc (size);
  guint32 state = (guint32) size;
  for (size_t i = 0; i < size; i++)
    data[i] = (guint8) ((state = state * 1664525 + 1013904223) >> 24);
  tar_put (tar, tar_entry (name, AE_IFREG | 0644), data, size);
}

static const char *
text_of (json_t *entries, const char *name, const char *key)
{
  return json_string_value (json_object_get (find (entries, name, NULL), key));
}

static void
test_members (void)
{
  Tar tar = tar_new ();
  struct archive_entry *entry = tar_entry ("d/", AE_IFDIR | 01777);
  archive_entry_xattr_add_entry (entry, "user.note", "a\0b", 3);
  tar_put (&tar, entry, NULL, 0);
  tar_file (&tar, "d/empty", "");
  tar_file (&tar, "d/file", "some text");
  tar_file (&tar, "d/g\xc3\xbc\"\\", "quoted");
  g_autofree char *deep = g_strdup_printf ("d/%0200d/%0100d", 1, 2);
  tar_file (&tar, deep, "long");
  entry = tar_entry ("d/link", AE_IFLNK | 0777);
  archive_entry_set_symlink (entry, "../elsewhere");
  tar_put (&tar, entry, NULL, 0);
  entry = tar_entry ("d/hard", AE_IFREG | 0644);
  archive_entry_set_hardlink (entry, "d/file");
  tar_put (&tar, entry, NULL, 0);
  entry = tar_entry ("d/null", AE_IFCHR | 0666);
  archive_entry_set_rdevmajor (entry, 1);
  archive_entry_set_rdevminor (entry, 3);
  tar_put (&tar, entry, NULL, 0);
  tar_put (&tar, tar_entry ("d/fifo", AE_IFIFO | 0600), NULL, 0);
  entry = tar_entry ("d/old", AE_IFREG | 04755);
  archive_entry_set_mtime (entry, -1, 0);
  archive_entry_set_uid (entry, 3000000);
  tar_put (&tar, entry, "x", 1);
  add_random (&tar, "d/whole", 10240);
  add_random (&tar, "big", 3 * MIB + 77);
  g_autoptr (GByteArray) bytes = tar_end (&tar);
  json_auto_t *entries = assert_chunked (bytes);
  g_assert_cmpstr (text_of (entries, "d/", "type"), ==, "dir");
  g_assert_cmpint (field (find (entries, "d/", NULL), "mode"), ==, 01777);
  g_assert_cmpstr (json_string_value (json_object_get (json_object_get (find (entries, "d/", NULL), "xattrs"), "user.note")), ==, "YQBi");
  g_assert_null (json_object_get (find (entries, "d/empty", NULL), "digest"));
  g_assert_cmpstr (text_of (entries, "d/file", "modtime"), ==, "2001-09-09T01:46:40.123456789Z");
  g_assert_nonnull (find (entries, "d/g\xc3\xbc\"\\", NULL));
  g_assert_nonnull (find (entries, deep, NULL));
  g_assert_cmpstr (text_of (entries, "d/link", "linkName"), ==, "../elsewhere");
  g_assert_cmpstr (text_of (entries, "d/hard", "type"), ==, "hardlink");
  g_assert_cmpstr (text_of (entries, "d/null", "type"), ==, "char");
  g_assert_cmpint (field (find (entries, "d/null", NULL), "devMajor"), ==, 1);
  g_assert_cmpint (field (find (entries, "d/null", NULL), "devMinor"), ==, 3);
  g_assert_cmpstr (text_of (entries, "d/fifo", "type"), ==, "fifo");
  g_assert_cmpint (field (find (entries, "d/old", NULL), "uid"), ==, 3000000);
  g_assert_cmpint (field (find (entries, "d/old", NULL), "mode"), ==, 04755);
  g_assert_cmpstr (text_of (entries, "d/old", "modtime"), ==, "1969-12-31T23:59:59Z");
}

/* what two versions of a file share is the same pieces, wherever it stands */
static void
test_pieces (void)
{
  Tar one = tar_new (), two = tar_new ();
  g_autofree char *body = g_malloc (MIB + 10);
  guint32 state = 7;
  for (size_t i = 0; i < MIB + 10; i++)
    body[i] = (char) ((state = state * 1664525 + 1013904223) >> 24);
  tar_put (&one, tar_entry ("f", AE_IFREG | 0644), body + 10, MIB);
  tar_put (&two, tar_entry ("f", AE_IFREG | 0644), body, MIB + 10);
  g_autoptr (GByteArray) with_one = tar_end (&one), with_two = tar_end (&two);
  json_auto_t *first = assert_chunked (with_one), *second = assert_chunked (with_two);
  g_autoptr (GHashTable) digests = g_hash_table_new (g_str_hash, g_str_equal);
  json_t *entry;
  size_t i, shared = 0;
  json_array_foreach (first, i, entry)
    g_hash_table_add (digests, (char *) json_string_value (json_object_get (entry, "chunkDigest")));
  json_array_foreach (second, i, entry)
    shared += g_hash_table_contains (digests, json_string_value (json_object_get (entry, "chunkDigest")));
  g_assert_cmpuint (json_array_size (first), >, 6);
  g_assert_cmpuint (json_array_size (first), <, 40);
  g_assert_cmpuint (shared, >=, json_array_size (first) - 2);
}

static void
test_no_members (void)
{
  Tar tar = tar_new ();
  g_autoptr (GByteArray) bytes = tar_end (&tar);
  json_auto_t *entries = assert_chunked (bytes);
  g_assert_cmpuint (json_array_size (entries), ==, 0);
  /* more zeros than there must be, as tar writes them */
  g_byte_array_set_size (bytes, 10240);
  memset (bytes->data, 0, 10240);
  json_auto_t *again = assert_chunked (bytes);
  g_assert_cmpuint (json_array_size (again), ==, 0);
}

static void
assert_plain (const GByteArray *tar)
{
  json_auto_t *annotations = NULL;
  g_autoptr (GByteArray) blob = chunked (tar, &annotations);
  assert_inflates (blob, tar);
  g_assert_null (annotations);
}

static GByteArray *
tar_of (const char *first, const char *second)
{
  Tar tar = tar_new ();
  tar_file (&tar, first, "one");
  tar_file (&tar, second, "two");
  return tar_end (&tar);
}

static void
test_strange (void)
{
  g_autoptr (GByteArray) twice = tar_of ("a/b", "./a//b"), cut = tar_of ("a", "b"), sum = tar_of ("a", "b"), tail = tar_of ("a", "b"), noise = g_byte_array_new ();
  assert_plain (twice);
  g_byte_array_set_size (cut, cut->len - 1024 - 100);
  assert_plain (cut);
  sum->data[0] ^= 1;
  assert_plain (sum);
  g_byte_array_append (tail, (const guint8 *) "more", 4);
  assert_plain (tail);
  assert_plain (noise);
  for (guint i = 0; i < 5000; i++)
    g_byte_array_append (noise, (const guint8 *) "noise", 5);
  assert_plain (noise);
}

/* Source: the check value that catalogues of checksums give for CRC-64/GO-ISO. */
static void
test_crc64 (void)
{
  g_autofree guint8 *many = g_malloc0 (1000);
  g_assert_cmphex (crc64_update (0, (const guint8 *) "123456789", 9), ==, 0xb90956c775a41001);
  g_assert_cmphex (crc64_update (crc64_update (0, many, 333), many, 667), ==, crc64_update (0, many, 1000));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/chunked/members", test_members);
  g_test_add_func ("/chunked/pieces", test_pieces);
  g_test_add_func ("/chunked/no-members", test_no_members);
  g_test_add_func ("/chunked/strange", test_strange);
  g_test_add_func ("/chunked/crc64", test_crc64);
  return g_test_run ();
}
