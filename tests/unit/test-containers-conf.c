#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/config/containers_conf.h"
#include "pkg/toml/toml.h"

static char *folder;

static char *
write_file (const char *name, const char *text)
{
  char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static void
assert_conf (const char *want)
{
  g_autoptr (GError) error = NULL;
  json_t *conf = containers_conf_read (&error);
  g_assert_no_error (error);
  char *text = json_dumps (conf, JSON_COMPACT | JSON_SORT_KEYS);
  g_assert_cmpstr (text, ==, want);
  free (text);
  json_decref (conf);
}

static void
test_one_and_override (void)
{
  g_autofree char *one = write_file ("one.conf", "[containers]\nenv = ['A=1', 'B=2']\ntz = 'UTC'\n[engine.volume_plugins]\nx = '/x'\n");
  g_autofree char *two = write_file ("two.conf", "[containers]\nenv = ['C=3']\n[engine.volume_plugins]\ny = '/y'\n");
  setenv ("CONTAINERS_CONF", one, 1);
  unsetenv ("CONTAINERS_CONF_OVERRIDE");
  assert_conf ("{\"containers\":{\"env\":[\"A=1\",\"B=2\"],\"tz\":\"UTC\"},\"engine\":{\"volume_plugins\":{\"x\":\"/x\"}}}");
  setenv ("CONTAINERS_CONF_OVERRIDE", two, 1);
  assert_conf ("{\"containers\":{\"env\":[\"C=3\"],\"tz\":\"UTC\"},\"engine\":{\"volume_plugins\":{\"x\":\"/x\",\"y\":\"/y\"}}}");
}

static void
test_append (void)
{
  static const struct { const char *one, *two, *three, *want; } cases[] = {
    { "a = ['1']", "a = ['2']", "a = ['3']", "{\"a\":[\"3\"]}" },
    { "a = ['1']", "a = ['2', {append = true}]", "", "{\"a\":[\"1\",\"2\"]}" },
    { "a = ['1']", "a = ['2', {append = true}]", "a = ['3']", "{\"a\":[\"1\",\"2\",\"3\"]}" },
    { "a = ['1', {append = true}]", "a = ['2']", "a = ['3', {append = false}]", "{\"a\":[\"3\"]}" },
    { "a = 1", "a = ['2', {append = true}]", "", "{\"a\":[\"2\"]}" },
    { "a = ['1']", "a = true", "", "{\"a\":true}" },
    { "[t]\na = 1\nb = 2", "[t]\na = 3", "t = 4", "{\"t\":4}" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      json_t *conf = json_object ();
      const char *const texts[] = { cases[i].one, cases[i].two, cases[i].three };
      for (size_t k = 0; k < G_N_ELEMENTS (texts); k++)
        {
          g_autoptr (GError) error = NULL;
          json_t *over = toml_parse (texts[k], &error);
          g_assert_no_error (error);
          containers_conf_merge (conf, over);
          json_decref (over);
        }
      containers_conf_finish (conf);
      char *text = json_dumps (conf, JSON_COMPACT | JSON_SORT_KEYS);
      g_assert_cmpstr (text, ==, cases[i].want);
      free (text);
      json_decref (conf);
    }
}

static void
test_broken (void)
{
  static const struct { const char *text, *problem; } cases[] = {
    { "[containers\n", "line 1" },
    { "[containers]\nenv = [\n", "line 3" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = write_file ("broken.conf", cases[i].text);
      setenv ("CONTAINERS_CONF", path, 1);
      g_assert_null (containers_conf_read (&error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, cases[i].problem));
      g_assert_nonnull (strstr (error->message, "broken.conf"));
    }
  setenv ("CONTAINERS_CONF", "/nonexistent/x.conf", 1);
  g_autoptr (GError) error = NULL;
  g_assert_null (containers_conf_read (&error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
}

/* The user's own files, in order; only who is not root has them. */
static void
test_user_files (void)
{
  if (geteuid () == 0)
    {
      g_test_skip ("root has no file of its own");
      return;
    }
  unsetenv ("CONTAINERS_CONF");
  unsetenv ("CONTAINERS_CONF_OVERRIDE");
  g_autofree char *config = g_build_filename (folder, "config", NULL);
  setenv ("XDG_CONFIG_HOME", config, 1);
  g_autofree char *a = write_file ("config/containers/containers.conf", "[coracle-test]\nx = 1\ny = 1\nz = 1\n");
  g_autofree char *c = write_file ("config/containers/containers.conf.d/20.conf", "[coracle-test]\nz = 3\n");
  g_autofree char *b = write_file ("config/containers/containers.conf.d/10.conf", "[coracle-test]\ny = 2\nz = 2\n");
  g_autofree char *d = write_file ("config/containers/containers.conf.d/30.txt", "[coracle-test]\nz = 4\n");
  g_autoptr (GError) error = NULL;
  json_t *conf = containers_conf_read (&error);
  g_assert_no_error (error);
  char *text = json_dumps (json_object_get (conf, "coracle-test"), JSON_COMPACT | JSON_SORT_KEYS);
  g_assert_cmpstr (text, ==, "{\"x\":1,\"y\":2,\"z\":3}");
  free (text);
  json_decref (conf);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("coracle-conf-XXXXXX", NULL);
  g_test_add_func ("/containers-conf/one-and-override", test_one_and_override);
  g_test_add_func ("/containers-conf/append", test_append);
  g_test_add_func ("/containers-conf/broken", test_broken);
  g_test_add_func ("/containers-conf/user-files", test_user_files);
  int status = g_test_run ();
  (void) path_remove_tree (AT_FDCWD, folder);
  g_free (folder);
  return status;
}
