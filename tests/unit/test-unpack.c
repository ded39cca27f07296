/* The rules of unpacking: what a hostile or odd tar may do, and may not. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/archive/member.h"
#include "storage/unpack.h"
#include "tests/unit/tar-builder.h"

static gboolean namespaced;   /* uid 0 of a user namespace that maps 0 to 99, or just 0: whiteouts can be made, owners set and refused */
static uint32_t ids;          /* how many are mapped */

static gboolean
write_text (const char *path, const char *text)
{
  cleanup_fd int fd = open (path, O_WRONLY | O_CLOEXEC);
  return fd >= 0 && write (fd, text, strlen (text)) == (ssize_t) strlen (text);
}

/* enter_namespace: root lets a child write a map of 100 ids from outside; anybody else maps himself. */
static void
enter_namespace (void)
{
  uid_t uid = geteuid ();
  gid_t gid = getegid ();
  int ready[2];
  g_assert_cmpint (pipe2 (ready, O_CLOEXEC), ==, 0);
  pid_t parent = getpid (), child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      char byte, path[64];
      (void) close (ready[1]);
      if (uid != 0 || read (ready[0], &byte, 1) != 1)
        _exit (1);
      (void) snprintf (path, sizeof path, "/proc/%d/uid_map", (int) parent);
      gboolean done = write_text (path, "0 0 100");
      (void) snprintf (path, sizeof path, "/proc/%d/gid_map", (int) parent);
      _exit (done && write_text (path, "0 0 100") ? 0 : 1);
    }
  (void) close (ready[0]);
  gboolean made = unshare (CLONE_NEWUSER) == 0;
  if (made && uid == 0)
    (void) write (ready[1], "x", 1);
  (void) close (ready[1]);
  int status;
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  ids = 100;
  if (made && status != 0)
    {
      g_autofree char *own = g_strdup_printf ("0 %u 1", (unsigned) uid), *group = g_strdup_printf ("0 %u 1", (unsigned) gid);
      ids = 1;
      made = write_text ("/proc/self/setgroups", "deny") && write_text ("/proc/self/uid_map", own) && write_text ("/proc/self/gid_map", group);
    }
  namespaced = made && geteuid () == 0;
}

#define NEEDS_NAMESPACE(n) \
  if (!namespaced || ids < (n)) \
    { \
      g_test_skip (namespaced ? "only one id is mapped: run as root for this" : "user namespaces cannot be made here"); \
      (void) g_byte_array_unref (tar_end (&f->tar)); \
      return; \
    }

/* Every test has OUTER/in, where the tar goes, and OUTER/secret, which nothing may touch. */
typedef struct {
  char *outer;
  int outer_fd, in_fd;
  Tar tar;
  UnpackStats stats;
  gboolean single;
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
  UnpackOptions options = { .layer = layer, .single = f->single };
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

/* ---- names */

static void
test_normalise (void)
{
  static const struct { const char *name, *path; } cases[] = {
    { "a", "a" }, { "./a/", "a" }, { "/a//b/./c", "a/b/c" }, { "./", "" }, { ".", "" }, { "/", "" }, { "a/../b", "b" }, { "a/b/../../c", "c" }, { "a/..", "" }, { "...", "..." },
    { "..", NULL }, { "../a", NULL }, { "a/../../b", NULL }, { "/..", NULL }, { "", NULL },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = NULL;
      g_autoptr (GError) error = NULL;
      gboolean done = member_normalise (cases[i].name, &path, &error);
      g_assert_cmpstr (path, ==, cases[i].path);
      if (cases[i].path == NULL)
        g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
      g_assert_cmpint (done, ==, cases[i].path != NULL);
    }
  g_autofree char *shown = member_shown ("a\x1b[2J\xff");
  g_assert_cmpstr (shown, ==, "a\\x1b[2J\xef\xbf\xbd");
}

static void
test_dotdot (Fixture *f, gconstpointer data)
{
  tar_file (&f->tar, "fine", "x");
  tar_file (&f->tar, "a/../../secret", "evil");
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "a/../../secret: the name leads out of the archive");
}

static void
test_long_names (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) name = g_string_new ("d");
  while (name->len < 3000)
    g_string_append_printf (name, "/%0100d", (int) name->len);
  tar_file (&f->tar, name->str, "deep");
  tar_symlink (&f->tar, "link", name->str);
  tar_file (&f->tar, "gr\xc3\xbc\xc3\x9f", "utf8");
  tar_file (&f->tar, "latin-\xfc-0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", "raw");
  unpack_ok (f);
  assert_text (f, name->str, "deep");
  assert_text (f, "link", "deep");
  assert_text (f, "gr\xc3\xbc\xc3\x9f", "utf8");
  assert_text (f, "latin-\xfc-0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", "raw");
}

static void
test_gnu_long_name (Fixture *f, gconstpointer data)
{
  archive_write_free (f->tar.archive);
  g_byte_array_set_size (f->tar.bytes, 0);
  f->tar.archive = archive_write_new ();
  archive_write_set_format_gnutar (f->tar.archive);
  archive_write_open (f->tar.archive, f->tar.bytes, NULL, tar_take, NULL);
  g_autofree char *name = g_strnfill (200, 'n');
  tar_file (&f->tar, name, "gnu");
  unpack_ok (f);
  assert_text (f, name, "gnu");
}

static void
test_overlong (Fixture *f, gconstpointer data)
{
  g_autofree char *part = g_strnfill (256, 'x');
  tar_file (&f->tar, part, "x");
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "a part of the name is too long");
}

static void
test_overlong_path (Fixture *f, gconstpointer data)
{
  g_autofree char *half = g_strnfill (2100, 'x');
  for (int i = 50; i < 2100; i += 50)
    half[i] = '/';
  g_autofree char *name = g_strconcat (half, "/", half, NULL);
  tar_file (&f->tar, name, "x");
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "the name is too long");
}

/* put_raw_header: a ustar header as it stands, for what libarchive would not write */
static void
put_raw_header (GByteArray *bytes, const char *name, size_t name_size, char type, const char *size_octal, const char *link)
{
  char header[512] = { 0 };
  unsigned sum = 0;
  memcpy (header, name, MIN (name_size, 100));
  memcpy (header + 100, "0000644", 8);
  (void) snprintf (header + 108, 8, "%07o", (unsigned) geteuid ());
  (void) snprintf (header + 116, 8, "%07o", (unsigned) getegid ());
  memcpy (header + 124, size_octal, strlen (size_octal));
  memcpy (header + 136, "00000000000", 12);
  header[156] = type;
  memcpy (header + 157, link, strlen (link));
  memcpy (header + 257, "ustar", 6);
  memcpy (header + 263, "00", 2);
  memset (header + 148, ' ', 8);
  for (size_t i = 0; i < sizeof header; i++)
    sum += (unsigned char) header[i];
  (void) snprintf (header + 148, 8, "%06o", sum);
  g_byte_array_append (bytes, (const guint8 *) header, sizeof header);
}

static void
unpack_raw (Fixture *f, GByteArray *bytes, CoracleErrorCode code, const char *text)
{
  g_autoptr (GError) error = NULL;
  gboolean done = unpack_bytes (f, bytes->data, bytes->len, TRUE, &error);
  (void) g_byte_array_unref (tar_end (&f->tar));
  if (text == NULL)
    {
      g_assert_no_error (error);
      g_assert_true (done);
      return;
    }
  g_assert_error (error, CORACLE_ERROR, (gint) code);
  if (strstr (error->message, text) == NULL)
    g_error ("\"%s\" is not in: %s", text, error->message);
}

/* a NUL in a PAX path: the name ends there, as it does for every system call */
static void
test_nul_name (Fixture *f, gconstpointer data)
{
  static const char record[] = "22 path=good\0/../../x\n";
  char block[1536] = { 0 };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  put_raw_header (bytes, "pax", 3, 'x', "00000000026", "");
  memcpy (block, record, sizeof record - 1);
  g_byte_array_append (bytes, (guint8 *) block, 512);
  put_raw_header (bytes, "plain", 5, '0', "00000000000", "");
  memset (block, 0, sizeof block);
  g_byte_array_append (bytes, (guint8 *) block, 1024);
  unpack_raw (f, bytes, 0, NULL);
  g_assert_true (exists_in (f, "good"));
}

/* ---- links that lead out */

static void
test_links_out (Fixture *f, gconstpointer data)
{
  g_autofree char *absolute = g_strconcat (f->outer, "/in", NULL);
  tar_symlink (&f->tar, "up", "..");
  tar_file (&f->tar, "up/secret", "evil");           /* in/secret: ".." of the root is the root */
  tar_symlink (&f->tar, "root", "/");
  tar_file (&f->tar, "root/one", "1");
  tar_symlink (&f->tar, "second", "root");
  tar_symlink (&f->tar, "third", "second/../../..");
  tar_file (&f->tar, "third/two", "2");
  tar_dir (&f->tar, "third/folder", 0711);
  unpack_ok (f);
  assert_text (f, "secret", "evil");
  assert_text (f, "one", "1");
  assert_text (f, "two", "2");
  g_assert_cmpint (stat_in (f, "folder").st_mode & 07777, ==, 0711);
  g_assert_cmpint (faccessat (f->outer_fd, "two", F_OK, 0), <, 0);
  g_assert_cmpint (faccessat (f->outer_fd, "folder", F_OK, 0), <, 0);
}

static void
test_absolute_link_out (Fixture *f, gconstpointer data)
{
  tar_symlink (&f->tar, "out", f->outer);
  tar_file (&f->tar, "out/secret", "evil");
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "out: a link that leads nowhere is used as a folder");
}

static void
test_write_through_link (Fixture *f, gconstpointer data)
{
  tar_symlink (&f->tar, "file", "../secret");
  tar_file (&f->tar, "file", "mine");
  unpack_ok (f);
  g_assert_true (S_ISREG (stat_in (f, "file").st_mode));
  assert_text (f, "file", "mine");
}

static void
test_link_loop (Fixture *f, gconstpointer data)
{
  tar_symlink (&f->tar, "a", "b");
  tar_symlink (&f->tar, "b", "a");
  tar_file (&f->tar, "a/x", "x");
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "no folder");
}

/* a folder whose descriptor is kept gives way to a link: what follows must go where the link leads, inside */
static void
test_swapped (Fixture *f, gconstpointer data)
{
  tar_dir (&f->tar, "elsewhere", 0755);
  tar_file (&f->tar, "d/sub/x", "x");
  tar_symlink (&f->tar, "d", "elsewhere");
  tar_file (&f->tar, "d/sub/y", "y");
  tar_symlink (&f->tar, "elsewhere/up", "../../..");
  tar_file (&f->tar, "d/up/secret", "inside");
  unpack_ok (f);
  assert_text (f, "elsewhere/sub/y", "y");
  assert_text (f, "secret", "inside");
  g_assert_false (exists_in (f, "elsewhere/sub/x"));
}

static void
test_hardlink_out (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  static const char zeros[1024];
  put_raw_header (bytes, "h", 1, '1', "00000000000", "../secret");
  g_byte_array_append (bytes, (const guint8 *) zeros, 1024);
  unpack_raw (f, bytes, CORACLE_ERROR_CORRUPT, "hard link h: ../secret: the name leads out");
}

static void
test_hardlink_through_link (Fixture *f, gconstpointer data)
{
  tar_symlink (&f->tar, "out", "..");
  tar_hardlink (&f->tar, "h", "out/secret");
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "hard link h: its target out/secret is not a file before it in this layer");
}

static void
test_hardlink_to_link (Fixture *f, gconstpointer data)
{
  tar_symlink (&f->tar, "out", "../secret");
  tar_hardlink (&f->tar, "h", "out");
  unpack_ok (f);
  g_assert_true (S_ISLNK (stat_in (f, "h").st_mode));
}

static void
test_hardlink_forward (Fixture *f, gconstpointer data)
{
  tar_hardlink (&f->tar, "h", "later");
  tar_file (&f->tar, "later", "x");
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "its target later is not a file before it");
}

static void
test_hardlink_folder (Fixture *f, gconstpointer data)
{
  tar_dir (&f->tar, "d", 0755);
  tar_hardlink (&f->tar, "h", "d");
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "its target d is not a file");
}

static void
test_root_replaced (Fixture *f, gconstpointer data)
{
  tar_symlink (&f->tar, "./", "/etc");
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "replaces the root folder");
}

static void
test_file_as_folder (Fixture *f, gconstpointer data)
{
  tar_file (&f->tar, "a", "x");
  tar_file (&f->tar, "a/b", "x");
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "no folder");
}

/* ---- replacing */

static void
test_replace (Fixture *f, gconstpointer data)
{
  tar_file (&f->tar, "file", "old and longer");
  tar_file (&f->tar, "file", "new");
  tar_file (&f->tar, "folder/inside", "x");
  tar_file (&f->tar, "folder", "file now");
  tar_file (&f->tar, "target/kept", "kept");
  tar_symlink (&f->tar, "link", "target");
  tar_dir (&f->tar, "link", 0700);
  tar_dir (&f->tar, "target", 0711);
  tar_symlink (&f->tar, "target/kept2", "kept");
  tar_file (&f->tar, "over", "x");
  tar_symlink (&f->tar, "over", "file");
  unpack_ok (f);
  assert_text (f, "file", "new");
  assert_text (f, "folder", "file now");
  g_assert_true (S_ISDIR (stat_in (f, "link").st_mode));
  g_assert_false (exists_in (f, "link/kept"));
  assert_text (f, "target/kept", "kept");
  g_assert_cmpint (stat_in (f, "target").st_mode & 07777, ==, 0711);
  g_assert_true (S_ISLNK (stat_in (f, "over").st_mode));
}

/* ---- metadata */

static void
test_modes (Fixture *f, gconstpointer data)
{
  struct archive_entry *old = tar_entry ("ro", S_IFDIR | 0555);
  archive_entry_set_mtime (old, 500000000, 42);
  tar_put (&f->tar, old, NULL, 0);
  tar_file (&f->tar, "ro/file", "in a read-only folder");
  tar_dir (&f->tar, "ro/none", 0755);
  tar_dir (&f->tar, "ro/none", 0000);
  tar_file (&f->tar, "ro/none/deep", "x");
  tar_put (&f->tar, tar_entry ("suid", S_IFREG | 06755), "x", 1);
  tar_put (&f->tar, tar_entry ("sticky", S_IFDIR | 01777), NULL, 0);
  tar_put (&f->tar, tar_entry ("secret-file", S_IFREG | 0), "x", 1);
  unpack_ok (f);
  struct stat ro = stat_in (f, "ro"), suid = stat_in (f, "suid");
  g_assert_cmpint (ro.st_mode & 07777, ==, 0555);
  g_assert_cmpint (ro.st_mtim.tv_sec, ==, 500000000);
  g_assert_cmpint (ro.st_mtim.tv_nsec, ==, 42);
  g_assert_cmpint (suid.st_mode & 07777, ==, 06755);
  g_assert_cmpint (suid.st_mtim.tv_sec, ==, 1000000000);
  g_assert_cmpint (suid.st_mtim.tv_nsec, ==, 123456789);
  g_assert_cmpint (stat_in (f, "ro/none").st_mode & 07777, ==, 0);
  g_assert_cmpint (stat_in (f, "sticky").st_mode & 07777, ==, 01777);
  g_assert_cmpint (stat_in (f, "secret-file").st_mode & 07777, ==, 0);
}

static void
test_owners (Fixture *f, gconstpointer data)
{
  NEEDS_NAMESPACE (100);
  struct archive_entry *entry = tar_entry ("owned", S_IFREG | 04755);
  archive_entry_set_uid (entry, 7);
  archive_entry_set_gid (entry, 9);
  tar_put (&f->tar, entry, "x", 1);
  entry = tar_entry ("folder", S_IFDIR | 02755);
  archive_entry_set_gid (entry, 9);
  tar_put (&f->tar, entry, NULL, 0);
  entry = tar_entry ("link", S_IFLNK | 0777);
  archive_entry_set_symlink (entry, "owned");
  archive_entry_set_uid (entry, 8);
  tar_put (&f->tar, entry, NULL, 0);
  unpack_ok (f);
  g_assert_cmpint (stat_in (f, "owned").st_uid, ==, 7);
  g_assert_cmpint (stat_in (f, "owned").st_gid, ==, 9);
  g_assert_cmpint (stat_in (f, "owned").st_mode & 07777, ==, 04755);
  g_assert_cmpint (stat_in (f, "folder").st_gid, ==, 9);
  g_assert_cmpint (stat_in (f, "folder").st_mode & 07777, ==, 02755);
  g_assert_cmpint (stat_in (f, "link").st_uid, ==, 8);
}

static void
test_owner_unmapped (Fixture *f, gconstpointer data)
{
  NEEDS_NAMESPACE (1);
  struct archive_entry *entry = tar_entry ("far", S_IFREG | 0644);
  archive_entry_set_uid (entry, 70000);
  tar_put (&f->tar, entry, "x", 1);
  unpack_fails (f, CORACLE_ERROR_DENIED, "far belongs to 70000:0, which this user namespace does not map: give this user a larger range in /etc/subuid");
}

static void
test_single (Fixture *f, gconstpointer data)
{
  NEEDS_NAMESPACE (1);
  struct archive_entry *entry = tar_entry ("far", S_IFREG | 04755);
  archive_entry_set_uid (entry, 70000);
  tar_put (&f->tar, entry, "x", 1);
  f->single = TRUE;
  unpack_ok (f);
  g_assert_cmpint (stat_in (f, "far").st_uid, ==, 0);
  g_assert_cmpint (stat_in (f, "far").st_mode & 07777, ==, 04755);
}

static void
test_xattrs (Fixture *f, gconstpointer data)
{
  if (fsetxattr (f->in_fd, "user.probe", "1", 1, 0) < 0)
    {
      g_test_skip ("the temporary folder's filesystem has no user attributes");
      (void) g_byte_array_unref (tar_end (&f->tar));
      return;
    }
  struct archive_entry *entry = tar_entry ("file", S_IFREG | 0444);
  archive_entry_xattr_add_entry (entry, "user.kept", "value", 5);
  archive_entry_xattr_add_entry (entry, "trusted.overlay.opaque", "y", 1);
  archive_entry_xattr_add_entry (entry, "security.selinux", "label", 5);
  tar_put (&f->tar, entry, "x", 1);
  entry = tar_entry ("folder", S_IFDIR | 0755);
  archive_entry_xattr_add_entry (entry, "user.overlay.opaque", "y", 1);
  archive_entry_xattr_add_entry (entry, "user.overlay.redirect", "/etc", 4);
  tar_put (&f->tar, entry, NULL, 0);
  unpack_ok (f);
  g_autofree char *file = g_strconcat (f->outer, "/in/file", NULL), *folder = g_strconcat (f->outer, "/in/folder", NULL);
  char value[64];
  g_assert_cmpint (getxattr (file, "user.kept", value, sizeof value), ==, 5);
  g_assert_cmpint (getxattr (file, "trusted.overlay.opaque", value, sizeof value), <, 0);
  g_assert_cmpint (getxattr (folder, "user.overlay.opaque", value, sizeof value), <, 0);
  g_assert_cmpint (getxattr (folder, "user.overlay.redirect", value, sizeof value), <, 0);
  g_assert_cmpuint (f->stats.dropped_xattrs, >=, 4);
}

static void
test_capability (Fixture *f, gconstpointer data)
{
  NEEDS_NAMESPACE (1);
  static const unsigned char net_raw[20] = { 1, 0, 0, 2, 0, 0x20, 0, 0 };   /* VFS_CAP_REVISION_2, effective; CAP_NET_RAW permitted */
  struct archive_entry *entry = tar_entry ("ping", S_IFREG | 0755);
  archive_entry_xattr_add_entry (entry, "security.capability", net_raw, sizeof net_raw);
  if (ids >= 100)
    archive_entry_set_uid (entry, 3);   /* chown would clear it: it must come after */
  tar_put (&f->tar, entry, "x", 1);
  unpack_ok (f);
  g_autofree char *file = g_strconcat (f->outer, "/in/ping", NULL);
  unsigned char value[64];
  g_assert_cmpint (getxattr (file, "security.capability", value, sizeof value), ==, 20);
  g_assert_cmpmem (value, 20, net_raw, 20);
}

static void
test_sparse (Fixture *f, gconstpointer data)
{
  struct archive_entry *entry = tar_entry ("sparse", S_IFREG | 0644);
  archive_entry_set_size (entry, 64 << 20);
  archive_entry_sparse_add_entry (entry, 1 << 20, 4096);
  archive_entry_sparse_add_entry (entry, 32 << 20, 4096);
  g_assert_cmpint (archive_write_header (f->tar.archive, entry), >=, ARCHIVE_WARN);
  g_autofree char *zeros = g_malloc0 (64 << 20);
  memset (zeros + (1 << 20), 'a', 4096);
  memset (zeros + (32 << 20), 'b', 4096);
  g_assert_cmpint (archive_write_data (f->tar.archive, zeros, 64 << 20), ==, 64 << 20);
  archive_entry_free (entry);
  tar_file (&f->tar, "after", "x");
  unpack_ok (f);
  struct stat st = stat_in (f, "sparse");
  g_assert_cmpint (st.st_size, ==, 64 << 20);
  g_assert_cmpint (st.st_blocks, <, 1024);
  cleanup_fd int fd = openat (f->in_fd, "sparse", O_RDONLY | O_CLOEXEC);
  unsigned char byte;
  g_assert_cmpint (pread (fd, &byte, 1, (32 << 20) + 4095), ==, 1);
  g_assert_cmpint (byte, ==, 'b');
  assert_text (f, "after", "x");
}

/* ---- whiteouts and devices */

static gboolean
is_whiteout (Fixture *f, const char *name)
{
  struct stat st = stat_in (f, name);
  return S_ISCHR (st.st_mode) && st.st_rdev == makedev (0, 0);
}

static gboolean
is_opaque (Fixture *f, const char *name)
{
  g_autofree char *path = g_strconcat (f->outer, "/in/", name, NULL);
  char value;
  return getxattr (path, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

static void
test_whiteouts (Fixture *f, gconstpointer data)
{
  NEEDS_NAMESPACE (1);
  tar_file (&f->tar, "etc/.wh.gone", "");
  tar_file (&f->tar, "opaque/.wh..wh..opq", "");
  tar_file (&f->tar, "opaque/new", "new");
  tar_file (&f->tar, ".wh..wh.plnk", "aufs");
  tar_file (&f->tar, ".wh.again", "");
  tar_file (&f->tar, "again/below", "x");           /* hidden below, but a folder here: opaque */
  tar_file (&f->tar, ".wh.now-file", "");
  tar_file (&f->tar, "now-file", "file");
  tar_file (&f->tar, "was/below", "x");
  tar_file (&f->tar, ".wh.was", "");                /* speaks of lower layers only */
  tar_file (&f->tar, "was-file", "stays");
  tar_file (&f->tar, ".wh.was-file", "");
  tar_dir (&f->tar, "again", 0755);
  tar_file (&f->tar, ".wh.directly", "");
  tar_dir (&f->tar, "directly", 0755);
  unpack_ok (f);
  g_assert_true (is_opaque (f, "directly"));
  g_assert_true (is_whiteout (f, "etc/gone"));
  g_assert_true (is_opaque (f, "opaque"));
  assert_text (f, "opaque/new", "new");
  g_assert_false (exists_in (f, "opaque/.wh..wh..opq"));
  g_assert_false (exists_in (f, ".wh..wh.plnk"));
  g_assert_true (is_opaque (f, "again"));
  assert_text (f, "again/below", "x");
  assert_text (f, "now-file", "file");
  g_assert_true (is_opaque (f, "was"));
  assert_text (f, "was/below", "x");
  assert_text (f, "was-file", "stays");
}

static void
test_whiteout_dots (Fixture *f, gconstpointer data)
{
  tar_file (&f->tar, "a/.wh...", "");
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "a/.wh...: not a valid whiteout");
}

static void
test_whiteout_plain (Fixture *f, gconstpointer data)
{
  tar_file (&f->tar, ".wh.name", "a name like another");
  g_autoptr (GByteArray) bytes = tar_end (&f->tar);
  g_autoptr (GError) error = NULL;
  g_assert_true (unpack_bytes (f, bytes->data, bytes->len, FALSE, &error));
  assert_text (f, ".wh.name", "a name like another");
}

static void
test_devices (Fixture *f, gconstpointer data)
{
  struct archive_entry *entry = tar_entry ("dev/sda", S_IFBLK | 0660);
  archive_entry_set_rdevmajor (entry, 8);
  tar_put (&f->tar, entry, NULL, 0);
  tar_put (&f->tar, tar_entry ("dev/fake-whiteout", S_IFCHR | 0660), NULL, 0);
  tar_put (&f->tar, tar_entry ("dev/fifo", S_IFIFO | 0600), NULL, 0);
  unpack_ok (f);
  g_assert_cmpuint (f->stats.skipped_devices, ==, 2);
  g_assert_false (exists_in (f, "dev/sda"));
  g_assert_false (exists_in (f, "dev/fake-whiteout"));
  g_assert_true (S_ISFIFO (stat_in (f, "dev/fifo").st_mode));
}

/* ---- broken streams */

static void
test_truncated (Fixture *f, gconstpointer data)
{
  tar_file (&f->tar, "one", "1");
  g_autofree char *big = g_strnfill (5000, 'b');
  tar_file (&f->tar, "two", big);
  g_autoptr (GByteArray) bytes = tar_end (&f->tar);
  guint first_end = 0;
  for (guint size = 1; size < bytes->len - 1024; size += 97)
    {
      g_autoptr (GError) error = NULL;
      if (unpack_bytes (f, bytes->data, size, TRUE, &error))
        first_end = size;   /* between two members: without an end mark that is an end, as for tar */
      else
        g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
      g_assert_cmpuint (f->stats.members, <=, 1);
      g_assert_cmpint (path_remove_tree (f->in_fd, "one"), ==, 0);
      g_assert_cmpint (path_remove_tree (f->in_fd, "two"), ==, 0);
    }
  g_assert_cmpuint (first_end, <, bytes->len - 1024 - 5000);
}

static void
test_corrupted (Fixture *f, gconstpointer data)
{
  tar_file (&f->tar, "one", "1");
  tar_file (&f->tar, "two", "2");
  g_autoptr (GByteArray) bytes = tar_end (&f->tar);
  char *second = memmem (bytes->data, bytes->len, "two", 4);
  g_assert_nonnull (second);
  second[1] = 'X';
  g_autoptr (GError) error = NULL;
  g_assert_false (unpack_bytes (f, bytes->data, bytes->len, TRUE, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
}

static void
test_trailing (Fixture *f, gconstpointer data)
{
  tar_file (&f->tar, "one", "1");
  g_autoptr (GByteArray) bytes = tar_end (&f->tar);
  g_autoptr (GError) error = NULL;
  guint whole = bytes->len;
  g_byte_array_set_size (bytes, whole + (3 << 20));
  memset (bytes->data + whole, 0, 3 << 20);
  g_assert_true (unpack_bytes (f, bytes->data, bytes->len, TRUE, &error));
  g_assert_no_error (error);
  for (guint at = whole; at < bytes->len; at += (1 << 20) + 12345)
    {
      bytes->data[at] = 1;
      g_assert_false (unpack_bytes (f, bytes->data, bytes->len, TRUE, &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
      g_assert_cmpstr (error->message, ==, "not a sound tar archive: there is data after its end");
      g_clear_error (&error);
      bytes->data[at] = 0;
    }
}

typedef struct {
  ByteStream base;
  guint64 given;
} Zeros;

static gssize
zeros_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  memset (buffer, 0, size);
  ((Zeros *) stream)->given += size;
  return ((Zeros *) stream)->given > ((guint64) 1 << 30) ? 0 : (gssize) size;
}

static void
zeros_free (ByteStream *stream)
{
}

static void
test_zeros (Fixture *f, gconstpointer data)
{
  Zeros zeros = { .base = { zeros_read, zeros_free } };
  UnpackOptions options = { .layer = TRUE };
  g_autoptr (GError) error = NULL;
  (void) g_byte_array_unref (tar_end (&f->tar));
  g_assert_false (unpack_tar (f->in_fd, &zeros.base, &options, &f->stats, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
  g_assert_cmpstr (error->message, ==, "not a sound tar archive: too much padding after its end");
  g_assert_cmpuint (zeros.given, <, (guint64) 80 << 20);
}

static void
test_empty (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = tar_end (&f->tar);
  g_autoptr (GError) error = NULL;
  g_assert_true (unpack_bytes (f, bytes->data, 0, TRUE, &error));
  g_assert_cmpuint (f->stats.members, ==, 0);
  g_assert_true (unpack_bytes (f, bytes->data, bytes->len, TRUE, &error));
  g_assert_cmpuint (f->stats.members, ==, 0);
}

/* a PAX header that says it has 2 GiB, and one whose attributes are larger than any filesystem takes */
static void
test_header_bomb (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  put_raw_header (bytes, "pax", 3, 'x', "20000000000", "");
  g_byte_array_set_size (bytes, 8 << 20);
  unpack_raw (f, bytes, CORACLE_ERROR_CORRUPT, "not a sound tar archive");
}

static void
test_xattr_bomb (Fixture *f, gconstpointer data)
{
  struct archive_entry *entry = tar_entry ("bomb", S_IFREG | 0644);
  g_autofree char *value = g_strnfill (60000, 'v');
  for (int i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("user.bomb%d", i);
      archive_entry_xattr_add_entry (entry, name, value, 60000);
    }
  tar_put (&f->tar, entry, NULL, 0);
  unpack_fails (f, CORACLE_ERROR_CORRUPT, "bomb: its extended attributes are too large");
}

/* one folder per member, so that the kept descriptors go round */
static void
test_many_folders (Fixture *f, gconstpointer data)
{
  for (int i = 0; i < 300; i++)
    {
      g_autofree char *name = g_strdup_printf ("d%d/e/f%d", i % 30, i);
      tar_file (&f->tar, name, name);
    }
  unpack_ok (f);
  assert_text (f, "d7/e/f187", "d7/e/f187");
  g_assert_cmpuint (f->stats.members, ==, 300);
}

int
main (int argc, char **argv)
{
  enter_namespace ();
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/unpack/" name, Fixture, NULL, setup, function, teardown)
  g_test_add_func ("/unpack/normalise", test_normalise);
  ADD ("plain", test_plain);
  ADD ("dotdot", test_dotdot);
  ADD ("long-names", test_long_names);
  ADD ("gnu-long-name", test_gnu_long_name);
  ADD ("overlong", test_overlong);
  ADD ("overlong-path", test_overlong_path);
  ADD ("nul-name", test_nul_name);
  ADD ("links-out", test_links_out);
  ADD ("absolute-link-out", test_absolute_link_out);
  ADD ("write-through-link", test_write_through_link);
  ADD ("link-loop", test_link_loop);
  ADD ("swapped", test_swapped);
  ADD ("hardlink-out", test_hardlink_out);
  ADD ("hardlink-through-link", test_hardlink_through_link);
  ADD ("hardlink-to-link", test_hardlink_to_link);
  ADD ("hardlink-forward", test_hardlink_forward);
  ADD ("hardlink-folder", test_hardlink_folder);
  ADD ("root-replaced", test_root_replaced);
  ADD ("file-as-folder", test_file_as_folder);
  ADD ("replace", test_replace);
  ADD ("modes", test_modes);
  ADD ("owners", test_owners);
  ADD ("owner-unmapped", test_owner_unmapped);
  ADD ("single", test_single);
  ADD ("xattrs", test_xattrs);
  ADD ("capability", test_capability);
  ADD ("sparse", test_sparse);
  ADD ("whiteouts", test_whiteouts);
  ADD ("whiteout-dots", test_whiteout_dots);
  ADD ("whiteout-plain", test_whiteout_plain);
  ADD ("devices", test_devices);
  ADD ("truncated", test_truncated);
  ADD ("corrupted", test_corrupted);
  ADD ("trailing", test_trailing);
  ADD ("zeros", test_zeros);
  ADD ("empty", test_empty);
  ADD ("header-bomb", test_header_bomb);
  ADD ("xattr-bomb", test_xattr_bomb);
  ADD ("many-folders", test_many_folders);
  return g_test_run ();
}
