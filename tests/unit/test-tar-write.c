/* Layers into a tar: where each begins is a guess that may be wrong, in a file and in a pipe. */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <isa-l/igzip_lib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/output.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"

static char *top;

/* gzip_member: @size bytes of @letter, as one gzip member; appends to @out. */
static void
gzip_member (GByteArray *out, char letter, size_t size)
{
  g_autofree guint8 *data = g_malloc (size), *packed = g_malloc (size + 4096);
  memset (data, letter, size);
  struct isal_zstream stream;
  isal_deflate_stateless_init (&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.next_in = data;
  stream.avail_in = (guint32) size;
  stream.next_out = packed;
  stream.avail_out = (guint32) size + 4096;
  g_assert_cmpint (isal_deflate_stateless (&stream), ==, COMP_OK);
  g_byte_array_append (out, packed, (guint) size + 4096 - stream.avail_out);
}

static int
file_of (const GByteArray *bytes)
{
  int fd = memfd_create ("blob", MFD_CLOEXEC);
  g_assert_cmpint (fd_write_all (fd, bytes->data, bytes->len), ==, 0);
  return fd;
}

static void
expect_member (const char *tar, gsize *at, const char *name, const char *letters, const size_t *sizes)
{
  char block[TAR_BLOCK];
  gsize size = 0;
  for (guint i = 0; letters[i] != '\0'; i++)
    size += sizes[i];
  tar_header (block, TAR_FILE, name, NULL, 0444, (gint64) size);
  g_assert_cmpmem (tar + *at, TAR_BLOCK, block, TAR_BLOCK);
  *at += TAR_BLOCK;
  for (guint i = 0; letters[i] != '\0'; i++)
    for (gsize j = 0; j < sizes[i]; j++)
      g_assert_true (tar[(*at)++] == letters[i]);
  for (; *at % TAR_BLOCK != 0; ++*at)
    g_assert_true (tar[*at] == '\0');
}

static const size_t first_sizes[] = { 70001 }, second_sizes[] = { 300000, 5000 }, shorter_sizes[] = { 100, 400000 }, plain_sizes[] = { 777 };

/* write_all: right, too small a guess, too large a one, plain, right again. */
static void
write_all (Output *output)
{
  g_autoptr (GByteArray) first = g_byte_array_new (), second = g_byte_array_new (), third = g_byte_array_new (), plain = g_byte_array_new ();
  gzip_member (first, 'a', first_sizes[0]);
  gzip_member (second, 'b', second_sizes[0]);
  gzip_member (second, 'c', second_sizes[1]);
  gzip_member (third, 'd', shorter_sizes[0]);
  gzip_member (third, 'e', shorter_sizes[1]);
  g_byte_array_set_size (plain, (guint) plain_sizes[0]);
  memset (plain->data, 'f', plain_sizes[0]);
  cleanup_fd int a = file_of (first), b = file_of (second), c = file_of (third), d = file_of (plain);
  const TarLayer layers[] = {
    { "one", a, first->len, 0444 }, { "two", b, second->len, 0444 }, { "three", c, third->len, 0444 }, { "four", d, plain->len, 0444 }, { "five", a, first->len, 0444 },
  };
  g_autoptr (GError) error = NULL;
  g_assert_true (tar_add_layers (output, layers, G_N_ELEMENTS (layers), NULL, NULL, &error) && tar_end (output, &error) && output_commit (output, &error));
  g_assert_no_error (error);
}

static void
expect_all (const char *tar, gsize size)
{
  gsize at = 0;
  expect_member (tar, &at, "one", "a", first_sizes);
  expect_member (tar, &at, "two", "bc", second_sizes);
  expect_member (tar, &at, "three", "de", shorter_sizes);
  expect_member (tar, &at, "four", "f", plain_sizes);
  expect_member (tar, &at, "five", "a", first_sizes);
  g_assert_cmpuint (size, ==, at + 2 * TAR_BLOCK);
}

static void
file_in (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "x.tar", NULL), *data = NULL;
  gsize size;
  g_autoptr (Output) output = output_open (path, FALSE, NULL);
  g_assert_true (output_random (output));
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  write_all (output);
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  expect_all (data, size);
  g_autoptr (GError) error = NULL;
  g_assert_null (output_open (path, FALSE, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_EXISTS);
  (void) g_unlink (path);
}

static void
test_file (void)
{
  file_in (top);
}

/* A filesystem in memory has no way around its pages: then as any file. */
static void
test_memory (void)
{
  g_autofree char *folder = g_strdup ("/dev/shm/test-tar-write-XXXXXX");
  if (g_mkdtemp (folder) == NULL)
    {
      g_test_skip ("/dev/shm cannot be written");
      return;
    }
  file_in (folder);
  (void) g_rmdir (folder);
}

static gpointer
read_pipe (gpointer data)
{
  GByteArray *all = g_byte_array_new ();
  guint8 piece[65536];
  for (ssize_t n = 1; n > 0;)
    {
      n = read (GPOINTER_TO_INT (data), piece, sizeof piece);
      if (n > 0)
        g_byte_array_append (all, piece, (guint) n);
    }
  return all;
}

static void
test_pipe (void)
{
  g_autofree char *path = g_build_filename (top, "fifo", NULL);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  cleanup_fd int reader = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  Output *output = output_open (path, FALSE, NULL);
  g_assert_false (output_random (output));
  g_assert_cmpint (fcntl (reader, F_SETFL, 0), ==, 0);
  GThread *thread = g_thread_new ("reader", read_pipe, GINT_TO_POINTER (reader));
  write_all (output);
  output_free (output);
  g_autoptr (GByteArray) all = g_thread_join (thread);
  expect_all ((const char *) all->data, all->len);
  (void) g_unlink (path);
}

static void
test_large (void)
{
  char block[TAR_BLOCK];
  tar_header (block, TAR_FILE, "x", NULL, 0644, ((gint64) 1 << 33) - 1);
  g_assert_cmpmem (block + 124, 12, "77777777777\0", 12);
  tar_header (block, TAR_FILE, "x", NULL, 0644, (gint64) 1 << 33);
  g_assert_cmpmem (block + 124, 12, "\x80\0\0\0\0\0\0\x02\0\0\0\0", 12);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  top = g_dir_make_tmp ("test-tar-write-XXXXXX", NULL);
  g_test_add_func ("/tar-write/file", test_file);
  g_test_add_func ("/tar-write/memory", test_memory);
  g_test_add_func ("/tar-write/pipe", test_pipe);
  g_test_add_func ("/tar-write/large", test_large);
  int r = g_test_run ();
  (void) g_rmdir (top);
  g_free (top);
  return r;
}
