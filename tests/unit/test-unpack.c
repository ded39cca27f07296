/* The rules of unpacking: what a hostile or odd tar may do, and may not. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/archive/member.h"
#include "storage/unpack.h"
#include "tests/unit/tar-builder.h"

/* Every test has OUTER/in, where the tar goes, and OUTER/secret, which nothing may touch. */
typedef struct {
  char *outer;
  int outer_fd, in_fd;
  Tar tar;
  UnpackStats stats;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->outer = g_dir_make_tmp ("coracle-unpack-XXXXXX", NULL);
  f->outer_fd = open (f->outer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (mkdirat (f->outer_fd, "in", 0755), ==, 0);
  f->in_fd = openat (f->outer_fd, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (path_write_file (f->outer_fd, "secret", "secret", 6, 0600, FALSE), ==, 0);
  f->tar = tar_new ();
}

static void
teardown (Fixture *f, gconstpointer data)
{
  char *text = NULL;
  size_t size;
  g_assert_true (path_read_file (f->outer_fd, "secret", 100, &text, &size, NULL));
  g_assert_cmpstr (text, ==, "secret");
  g_free (text);
  fd_close (f->in_fd);
  fd_close (f->outer_fd);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, f->outer), ==, 0);
  g_free (f->outer);
}

static gboolean
unpack_bytes (Fixture *f, const void *data, size_t size, gboolean layer, GError **error)
{
  g_autoptr (ByteStream) stream = byte_stream_from_data (data, size);
  UnpackOptions options = { .layer = layer };
  return unpack_tar (f->in_fd, stream, &options, &f->stats, error);
}

static void
unpack_ok (Fixture *f)
{
  g_autoptr (GByteArray) bytes = tar_end (&f->tar);
  g_autoptr (GError) error = NULL;
  gboolean done = unpack_bytes (f, bytes->data, bytes->len, TRUE, &error);
  g_assert_no_error (error);
  g_assert_true (done);
}

static void
unpack_fails (Fixture *f, CoracleErrorCode code, const char *text)
{
  g_autoptr (GByteArray) bytes = tar_end (&f->tar);
  g_autoptr (GError) error = NULL;
  g_assert_false (unpack_bytes (f, bytes->data, bytes->len, TRUE, &error));
  g_assert_error (error, CORACLE_ERROR, (gint) code);
  if (strstr (error->message, text) == NULL)
    g_error ("\"%s\" is not in: %s", text, error->message);
}

static struct stat
stat_in (Fixture *f, const char *name)
{
  struct stat st;
  int r = fstatat (f->in_fd, name, &st, AT_SYMLINK_NOFOLLOW);
  if (r < 0)
    g_error ("%s: %s", name, g_strerror (errno));
  return st;
}

static gboolean
exists_in (Fixture *f, const char *name)
{
  struct stat st;
  return fstatat (f->in_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
assert_text (Fixture *f, const char *name, const char *expected)
{
  char *text = NULL;
  size_t size;
  GError *error = NULL;
  path_read_file (f->in_fd, name, 1 << 20, &text, &size, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, expected);
  g_free (text);
}

static void
test_plain (Fixture *f, gconstpointer data)
{
  tar_dir (&f->tar, "./", 0750);
  tar_dir (&f->tar, "./etc", 0755);
  tar_file (&f->tar, "./etc/hostname", "boat");
  tar_file (&f->tar, "/usr/bin/tool", "binary");
  tar_symlink (&f->tar, "bin", "usr/bin");
  tar_hardlink (&f->tar, "tool", "./usr/bin/tool");
  tar_put (&f->tar, tar_entry ("pipe", S_IFIFO | 0622), NULL, 0);
  mode_t before = umask (077);
  unpack_ok (f);
  umask (before);
  assert_text (f, "etc/hostname", "boat");
  assert_text (f, "bin/tool", "binary");
  g_assert_cmpint (stat_in (f, "tool").st_ino, ==, stat_in (f, "usr/bin/tool").st_ino);
  g_assert_cmpint (stat_in (f, ".").st_mode & 07777, ==, 0750);
  g_assert_cmpint (stat_in (f, "pipe").st_mode, ==, S_IFIFO | 0622);
  g_assert_cmpint (stat_in (f, "usr").st_mode & 07777, ==, 0755);
  g_assert_cmpint (stat_in (f, "etc/hostname").st_mode & 07777, ==, 0644);
  g_assert_cmpuint (f->stats.members, ==, 7);
  g_assert_cmpuint (f->stats.bytes, ==, 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/unpack/" name, Fixture, NULL, setup, function, teardown)
  ADD ("plain", test_plain);
  (void) unpack_fails;
  (void) exists_in;
  return g_test_run ();
}
