#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"

static char *folder;

static void
set_environment (const char *conf)
{
  g_autofree char *file = g_strconcat (folder, "/storage.conf", NULL);
  g_assert_true (g_file_set_contents (file, conf != NULL ? conf : "", -1, NULL));
  setenv ("CONTAINERS_STORAGE_CONF", file, 1);
  setenv ("HOME", "/home/u", 1);
  setenv ("USER", "u", 1);
  unsetenv ("XDG_DATA_HOME");
  unsetenv ("XDG_CACHE_HOME");
  setenv ("XDG_RUNTIME_DIR", "/run/user/7", 1);
}

static void
check (const char *root_arg, const char *run_arg, const char *root, const char *run_root)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ConfigPaths) paths = config_paths_new (root_arg, run_arg, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (paths->root, ==, root);
  g_assert_cmpstr (paths->run_root, ==, run_root);
}

static void
test_defaults (void)
{
  set_environment (NULL);
  gboolean real_root = geteuid () == 0;
  check (NULL, NULL, real_root ? "/var/lib/coracle" : "/home/u/.local/share/coracle", real_root ? "/run/coracle" : "/run/user/7/coracle");
  check ("/a/../b", NULL, "/b", real_root ? "/run/coracle" : "/run/user/7/coracle");
  g_autofree char *here = g_get_current_dir (), *relative = g_build_filename (here, "x", NULL);
  check ("x", "/r", relative, "/r");
  if (real_root)
    return;
  setenv ("XDG_DATA_HOME", "/data", 1);
  unsetenv ("XDG_RUNTIME_DIR");
  g_autofree char *session = g_strdup_printf ("/run/user/%u", (unsigned) geteuid ());
  g_autofree char *in_session = g_build_filename (session, "coracle", NULL);
  g_autofree char *tmp = g_strdup_printf ("/tmp/coracle-run-%u", (unsigned) geteuid ());
  struct stat st;
  check (NULL, NULL, "/data/coracle", lstat (session, &st) == 0 && st.st_uid == geteuid () ? in_session : tmp);
  setenv ("XDG_DATA_HOME", "data", 1);
  g_autoptr (GError) error = NULL;
  g_assert_null (config_paths_new (NULL, NULL, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
}

static void
test_storage_conf (void)
{
  set_environment ("[storage]\ndriver = \"overlay\"\ngraphroot = \"$HOME/big\"\nrunroot = \"/r/$USER\"\n");
  check (NULL, NULL, "/home/u/big/coracle", "/r/u/coracle");
  check ("/a", "/b", "/a", "/b");
  set_environment ("[storage]\ngraphroot = \"/var/lib/containers/storage\"\nrunroot = \"/run/containers/storage\"\n");
  g_autoptr (ConfigPaths) usual = config_paths_new (NULL, NULL, NULL);
  g_assert_false (g_str_has_prefix (usual->root, "/var/lib/containers"));
  g_assert_null (usual->mount_program);
  static const char *const programs[] = { "[storage.options.overlay]\nmount_program = \"/opt/fo\"\n", "[storage.options]\nmount_program = \"/opt/fo\"\n",
                                          "[storage.options]\nmount_program = \"/opt/old\"\noverlay.mount_program = \"/opt/fo\"\n" };
  for (size_t i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      set_environment (programs[i]);
      g_autoptr (ConfigPaths) paths = config_paths_new (NULL, NULL, NULL);
      g_assert_cmpstr (paths->mount_program, ==, "/opt/fo");
    }
  static const char *const broken[] = { "[storage]\ngraphroot = \"relative\"\n", "[storage\n" };
  for (size_t i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autoptr (GError) error = NULL;
      set_environment (broken[i]);
      g_assert_null (config_paths_new (NULL, NULL, &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, "storage.conf: "));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("coracle-test-XXXXXX", NULL);
  g_test_add_func ("/paths/defaults", test_defaults);
  g_test_add_func ("/paths/storage-conf", test_storage_conf);
  int status = g_test_run ();
  g_assert_cmpint (path_remove_tree (AT_FDCWD, folder), ==, 0);
  g_free (folder);
  return status;
}
