/* Where the words of `cp` lead. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/copy_place.h"

static int root_fd;

static void
test_parse (void)
{
  static const struct { const char *text, *container, *path; gboolean stream, slash, dot; } cases[] = {
    { "file", NULL, "file", FALSE, FALSE, FALSE }, { "-", NULL, "-", TRUE, FALSE, FALSE }, { "c:/x/", "c", "/x/", FALSE, TRUE, FALSE }, { "c:x/.", "c", "x/.", FALSE, FALSE, TRUE },
    { "./a:b", NULL, "./a:b", FALSE, FALSE, FALSE }, { "/a:b", NULL, "/a:b", FALSE, FALSE, FALSE }, { ":/x", NULL, "/x", FALSE, FALSE, FALSE }, { "c:", "c", "", FALSE, FALSE, FALSE },
    { "c:-", "c", "-", FALSE, FALSE, FALSE }, { ".", NULL, ".", FALSE, FALSE, TRUE }, { "c:a:b", "c", "a:b", FALSE, FALSE, FALSE }, { ":-", NULL, "-", FALSE, FALSE, FALSE },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (CopyPlace) place = COPY_PLACE_INIT;
      copy_place_parse (cases[i].text, &place);
      g_assert_cmpstr (place.container, ==, cases[i].container);
      g_assert_cmpstr (place.path, ==, cases[i].path);
      g_assert_cmpint (place.stream, ==, cases[i].stream);
      g_assert_cmpint (place.slash, ==, cases[i].slash);
      g_assert_cmpint (place.dot, ==, cases[i].dot);
    }
}

static void
make_tree (void)
{
  g_assert_cmpint (mkdirat (root_fd, "d", 0755), ==, 0);
  g_assert_cmpint (mkdirat (root_fd, "d/sub", 0755), ==, 0);
  cleanup_fd int file = openat (root_fd, "d/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  g_assert_cmpint (symlinkat ("d/file", root_fd, "to-file"), ==, 0);
  g_assert_cmpint (symlinkat ("/d/sub/", root_fd, "to-folder"), ==, 0);
  g_assert_cmpint (symlinkat ("to-file", root_fd, "to-link"), ==, 0);
  g_assert_cmpint (symlinkat ("/nowhere/x", root_fd, "far"), ==, 0);
  g_assert_cmpint (symlinkat ("missing", root_fd, "dangling"), ==, 0);
  g_assert_cmpint (symlinkat ("loop", root_fd, "loop"), ==, 0);
  g_assert_cmpint (symlinkat ("/", root_fd, "to-root"), ==, 0);
  g_assert_cmpint (symlinkat ("../../../../../../../../etc/passwd", root_fd, "out"), ==, 0);
}

/* the name that is found, "?" and its name when it is not there, or the error */
static char *
look (const char *path, const char *cwd)
{
  g_auto (CopyPlace) place = COPY_PLACE_INIT;
  g_autofree char *word = g_strconcat ("c:", path, NULL);
  copy_place_parse (word, &place);
  int r = copy_place_find_container (&place, root_fd, cwd);
  return r < 0 ? g_strdup (g_strerror (-r)) : g_strconcat (place.exists ? "" : "?", place.name, NULL);
}

static void
test_find (void)
{
  const struct { const char *path, *cwd, *found; } cases[] = {
    { "/d/file", "/", "file" }, { "file", "/d", "file" }, { "to-link", "/", "file" }, { "/to-folder", "/", "sub" }, { "/to-folder/", "/", "sub" }, { "/to-folder/.", "/", "sub" },
    { "/", "/d", "." }, { ".", "/d", "d" }, { "..", "/d", "." }, { "../..", "/d", "." }, { "/d/sub/..", "/", "." }, { "/d/new", "/", "?new" }, { "/dangling", "/", "?missing" },
    { "/to-root", "/", "." }, { "/to-root/d", "/", "d" }, { "/d/file/", "/", "file" }, { "///d//sub///", "/", "sub" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *found = look (cases[i].path, cases[i].cwd);
      g_assert_cmpstr (found, ==, cases[i].found);
    }
  const struct { const char *path; int errsv; } failures[] = { { "/no/x", ENOENT }, { "/far", ENOENT }, { "/loop", ELOOP }, { "/d/file/x", ENOTDIR }, { "/out", ENOENT } };
  for (size_t i = 0; i < G_N_ELEMENTS (failures); i++)
    {
      g_autofree char *found = look (failures[i].path, "/");
      g_assert_cmpstr (found, ==, g_strerror (failures[i].errsv));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  char top[] = "/tmp/test-place-XXXXXX";
  g_assert_nonnull (g_mkdtemp (top));
  root_fd = open (top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  make_tree ();
  g_test_add_func ("/copy-place/parse", test_parse);
  g_test_add_func ("/copy-place/find", test_find);
  int status = g_test_run ();
  cleanup_fd int tmp = open ("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  (void) path_remove_tree (tmp, top + sizeof "/tmp/" - 1);
  fd_close (root_fd);
  return status;
}
