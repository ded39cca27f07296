/* A packed folder: the same bytes each time, what overlay's marks become, and what comes out again. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "storage/copy_tree.h"
#include "storage/pack.h"
#include "storage/unpack.h"

static char *top;
static int top_fd;

static int
make_folder (const char *name)
{
  g_assert_cmpint (mkdirat (top_fd, name, 0755), ==, 0);
  int fd = openat (top_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
write_file (int dir, const char *name, const char *text)
{
  cleanup_fd int fd = openat (dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  g_assert_cmpint (fd_write_all (fd, text, strlen (text)), ==, 0);
}

static char *
read_text (int dir, const char *name)
{
  char *text = NULL;
  g_assert_true (path_read_file (dir, name, 1 << 20, &text, NULL, NULL));
  return text;
}

/* fill: a bit of everything */
static void
fill (int dir)
{
  static const char name[] = "a name of more than a hundred characters, which does not fit the header of an old tar archive, so that another is needed before it";
  write_file (dir, "b", "text");
  write_file (dir, name, "long");
  g_assert_cmpint (linkat (dir, "b", dir, "a-second-name", 0), ==, 0);
  g_assert_cmpint (symlinkat ("/etc/passwd", dir, "link"), ==, 0);
  g_assert_cmpint (mkdirat (dir, "folder", 0750), ==, 0);
  write_file (dir, "folder/\xff\xc3\xbc", "name in no encoding");
  g_assert_cmpint (mkfifoat (dir, "pipe", 0600), ==, 0);
  cleanup_fd int hole = openat (dir, "hole", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  g_assert_cmpint (ftruncate (hole, 64 << 20), ==, 0);
  g_assert_cmpint (pwrite (hole, "middle", 6, 32 << 20), ==, 6);
  cleanup_fd int only = openat (dir, "only-hole", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  g_assert_cmpint (ftruncate (only, 8 << 20), ==, 0);
}

static char *
pack_to_text (int dir, const PackOptions *options, size_t *ret_size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ByteStream) stream = pack_stream (dir, options, NULL, NULL, &error);
  char *data = NULL;
  g_assert_no_error (error);
  g_assert_true (byte_stream_read_all (stream, 16 << 20, &data, ret_size, &error));
  g_assert_no_error (error);
  return data;
}

static void
unpack_to (int dir, const char *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ByteStream) tar = byte_stream_from_data (data, size);
  const UnpackOptions options = { .single = TRUE };
  UnpackStats stats;
  unpack_tar (dir, tar, &options, &stats, &error);
  g_assert_no_error (error);
}

static void
check_filled (int dir)
{
  struct stat one, two;
  g_autofree char *text = read_text (dir, "b"), *odd = read_text (dir, "folder/\xff\xc3\xbc");
  g_assert_cmpstr (text, ==, "text");
  g_assert_cmpstr (odd, ==, "name in no encoding");
  g_assert_cmpint (fstatat (dir, "b", &one, 0), ==, 0);
  g_assert_cmpint (fstatat (dir, "a-second-name", &two, 0), ==, 0);
  g_assert_cmpuint (one.st_ino, ==, two.st_ino);
  g_assert_cmpint (fstatat (dir, "hole", &one, 0), ==, 0);
  g_assert_cmpint (one.st_size, ==, 64 << 20);
  g_assert_cmpint (one.st_blocks, <, 1024);
  g_assert_cmpint (fstatat (dir, "only-hole", &one, 0), ==, 0);
  g_assert_cmpint (one.st_size, ==, 8 << 20);
  cleanup_fd int hole = openat (dir, "hole", O_RDONLY | O_CLOEXEC);
  char middle[7] = "";
  g_assert_cmpint (pread (hole, middle, 6, 32 << 20), ==, 6);
  g_assert_cmpstr (middle, ==, "middle");
}

static void
test_there_and_back (void)
{
  cleanup_fd int from = make_folder ("from"), to = make_folder ("to");
  size_t size, again_size;
  const PackOptions options = { .root = TRUE };
  fill (from);
  g_autofree char *data = pack_to_text (from, &options, &size), *again = pack_to_text (from, &options, &again_size);
  g_assert_cmpmem (data, size, again, again_size);
  g_assert_cmpuint (size, <, 1 << 20);
  unpack_to (to, data, size);
  check_filled (to);
}

static void
test_marks (void)
{
  cleanup_fd int from = make_folder ("marks");
  g_assert_cmpint (mkdirat (from, "anew", 0755), ==, 0);
  cleanup_fd int anew = openat (from, "anew", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fsetxattr (anew, "user.overlay.opaque", "y", 1, 0) < 0 || mknodat (from, "gone", S_IFCHR, 0) < 0)
    {
      g_test_skip ("no whiteouts or no attributes on this filesystem");
      return;
    }
  write_file (from, "file", "x");
  g_assert_cmpint (fsetxattr (from, "user.overlay.impure", "y", 1, 0), ==, 0);
  size_t size, plain_size;
  const PackOptions layer = { .layer = TRUE }, plain = { 0 };
  g_autofree char *data = pack_to_text (from, &layer, &size), *other = pack_to_text (from, &plain, &plain_size);
  g_assert_nonnull (memmem (data, size, ".wh.gone", 9));
  g_assert_nonnull (memmem (data, size, "anew/.wh..wh..opq", 18));
  g_assert_null (memmem (data, size, "user.overlay", 12));
  g_assert_null (memmem (other, plain_size, ".wh.", 4));
}

static gboolean
refuse (void *data, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "not any more");
}

static void
test_stream_ends (void)
{
  cleanup_fd int from = make_folder ("stream");
  const PackOptions options = { 0 };
  g_autoptr (GError) error = NULL;
  char *data = NULL;
  size_t size;
  fill (from);
  ByteStream *stream = pack_stream (from, &options, refuse, NULL, &error);
  g_assert_false (byte_stream_read_all (stream, 16 << 20, &data, &size, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  byte_stream_free (stream);
  /* one that is given up before its end */
  g_clear_error (&error);
  write_file (from, "big", "x");
  cleanup_fd int big = openat (from, "big", O_WRONLY | O_CLOEXEC);
  g_autofree char *block = g_malloc0 (4 << 20);
  memset (block, 'x', 4 << 20);
  g_assert_cmpint (fd_write_all (big, block, 4 << 20), ==, 0);
  byte_stream_free (pack_stream (from, &options, NULL, NULL, &error));
}

static void
test_copy (void)
{
  cleanup_fd int from = make_folder ("copy-from"), to = make_folder ("copy-to");
  g_autoptr (GError) error = NULL;
  CopyOptions options = { 0 };
  fill (from);
  g_assert_true (copy_content (from, to, &options, &error));
  check_filled (to);
  /* again, over itself; and the folder as a whole */
  g_assert_true (copy_content (from, to, &options, &error));
  check_filled (to);
  g_assert_true (copy_entry (top_fd, "copy-from", to, "whole", &options, &error));
  cleanup_fd int whole = openat (to, "whole", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check_filled (whole);
  /* into itself: once */
  g_assert_true (copy_entry (top_fd, "copy-to", to, "self", &options, &error));
  g_assert_cmpint (faccessat (to, "self/self", F_OK, AT_SYMLINK_NOFOLLOW), <, 0);
}

static void
test_copy_refuses (void)
{
  cleanup_fd int from = make_folder ("kind-from"), to = make_folder ("kind-to"), outside = make_folder ("outside");
  g_autoptr (GError) error = NULL;
  CopyOptions options = { 0 };
  write_file (outside, "key", "secret");
  g_assert_cmpint (mkdirat (from, "x", 0755), ==, 0);
  write_file (from, "x/key", "evil");
  g_assert_cmpint (symlinkat ("../outside", to, "x"), ==, 0);
  g_assert_false (copy_content (from, to, &options, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_EXISTS);
  g_clear_error (&error);
  options.overwrite = TRUE;
  g_assert_true (copy_content (from, to, &options, &error));
  g_autofree char *kept = read_text (outside, "key"), *there = read_text (to, "x/key");
  g_assert_cmpstr (kept, ==, "secret");
  g_assert_cmpstr (there, ==, "evil");
  g_assert_false (copy_entry (from, "nosuch", to, "y", &options, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  top = g_strdup ("/tmp/test-pack-XXXXXX");
  g_assert_nonnull (g_mkdtemp (top));
  top_fd = open (top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_test_add_func ("/pack/there-and-back", test_there_and_back);
  g_test_add_func ("/pack/overlay-marks", test_marks);
  g_test_add_func ("/pack/stream-ends", test_stream_ends);
  g_test_add_func ("/copy/all-kinds", test_copy);
  g_test_add_func ("/copy/refuses", test_copy_refuses);
  int status = g_test_run ();
  g_autofree char *name = g_path_get_basename (top);
  cleanup_fd int tmp = open ("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  (void) path_remove_tree (tmp, name);
  fd_close (top_fd);
  g_free (top);
  return status;
}
