#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/path.h"
#include "pkg/base/proc.h"

typedef struct {
  char *base, *victim, *outside, *kept;
} Fixture;

static char *
below (const char *folder, const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static void
fixture_init (Fixture *fixture, gconstpointer data)
{
  fixture->base = g_dir_make_tmp ("coracle-path-XXXXXX", NULL);
  fixture->victim = below (fixture->base, "victim");
  fixture->outside = below (fixture->base, "outside");
  fixture->kept = below (fixture->outside, "kept");
  g_autofree char *deep = below (fixture->victim, "a/b/c"), *file = below (deep, "file"), *link = below (fixture->victim, "link");
  g_assert_cmpint (g_mkdir_with_parents (deep, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (fixture->outside, 0755), ==, 0);
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_assert_true (g_file_set_contents (fixture->kept, "x", 1, NULL));
  g_assert_cmpint (symlink (fixture->outside, link), ==, 0);
}

static void
fixture_clear (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (path_remove_tree (AT_FDCWD, fixture->base), ==, 0);
  g_assert_false (g_file_test (fixture->base, G_FILE_TEST_EXISTS));
  g_free (fixture->base);
  g_free (fixture->victim);
  g_free (fixture->outside);
  g_free (fixture->kept);
}

static void
test_remove (Fixture *fixture, gconstpointer data)
{
  g_autofree char *closed = below (fixture->victim, "a/b");
  g_assert_cmpint (chmod (closed, 0), ==, 0);
  int base = open (fixture->base, O_PATH | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (path_remove_tree (base, "victim/a"), ==, 0);
  g_assert_cmpint (path_remove_tree (base, "victim"), ==, 0);
  g_assert_cmpint (path_remove_tree (base, "victim"), ==, 0);
  g_assert_cmpint (path_remove_tree (base, "nowhere/victim"), ==, 0);
  (void) close (base);
  g_assert_false (g_file_test (fixture->victim, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (fixture->kept, G_FILE_TEST_EXISTS));
}

/* in_mounts: what is mounted from the same filesystem has the same device number, and must survive all the same. */
static int
in_mounts (const Fixture *fixture)
{
  g_autofree char *point = below (fixture->victim, "a");
  if (unshare (getuid () == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
      || mount (fixture->outside, point, NULL, MS_BIND, NULL) < 0)
    return 77;
  if (path_remove_tree (AT_FDCWD, point) != -EBUSY)
    return 1;
  if (path_remove_tree (AT_FDCWD, fixture->victim) != -EBUSY)
    return 2;
  return g_file_test (fixture->kept, G_FILE_TEST_EXISTS) ? 0 : 3;
}

static void
test_remove_mounts (Fixture *fixture, gconstpointer data)
{
  int status;
  pid_t pid = fork ();
  if (pid == 0)
    _exit (in_mounts (fixture));
  g_assert_cmpint (proc_wait (pid, &status), ==, 0);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
    g_test_skip ("mounting is not allowed here");
  else
    g_assert_cmpint (status, ==, 0);
  g_assert_true (g_file_test (fixture->kept, G_FILE_TEST_EXISTS));
}

static void
test_list (Fixture *fixture, gconstpointer data)
{
  int base = open (fixture->base, O_PATH | O_DIRECTORY | O_CLOEXEC), file = open (fixture->kept, O_RDONLY | O_CLOEXEC), number = 0;
  g_autoptr (GPtrArray) names = path_list (base, &number);
  g_assert_cmpuint (names->len, ==, 2);
  g_assert_true (g_ptr_array_find_with_equal_func (names, "victim", g_str_equal, NULL));
  g_assert_true (g_ptr_array_find_with_equal_func (names, "outside", g_str_equal, NULL));
  g_assert_null (path_list (file, &number));
  g_assert_cmpint (number, ==, ENOTDIR);
  (void) close (base);
  (void) close (file);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/path/remove", Fixture, NULL, fixture_init, test_remove, fixture_clear);
  g_test_add ("/path/remove-mounts", Fixture, NULL, fixture_init, test_remove_mounts, fixture_clear);
  g_test_add ("/path/list", Fixture, NULL, fixture_init, test_list, fixture_clear);
  return g_test_run ();
}
