/* cgroup: on a tree of plain files, and messages taken apart that were put together. The kernel's own part is in tests/system/270-cgroup.bats. */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/cgroup/cgroup_child.h"
#include "pkg/cgroup/enable.h"
#include "pkg/cgroup/scope.h"

typedef struct {
  char *mount;
  int fd;
} Tree;

static void
put (const Tree *tree, const char *path, const char *text)
{
  g_autofree char *whole = g_build_filename (tree->mount, path, NULL), *folder = g_path_get_dirname (whole);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (whole, text, -1, NULL));
}

static void
text_is (const Tree *tree, const char *path, const char *wanted)
{
  g_autofree char *text = cgroup_read (tree->fd, path);
  g_assert_cmpstr (text, ==, wanted);
}

static void
tree_start (Tree *tree, gconstpointer data)
{
  tree->mount = g_dir_make_tmp ("cgroup-XXXXXX", NULL);
  tree->fd = open (tree->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (tree->fd, >=, 0);
}

static void
tree_end (Tree *tree, gconstpointer data)
{
  g_autofree char *folder = g_path_get_dirname (tree->mount), *name = g_path_get_basename (tree->mount);
  cleanup_fd int above = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (path_remove_tree (above, name), ==, 0);
  fd_close (tree->fd);
  g_free (tree->mount);
}

static void
test_own_path (void)
{
  const struct {
    const char *text, *path;
  } cases[] = {
    { "0::/user.slice/a b\n", "/user.slice/a b" },
    { "9:name=systemd:/\n0::/x\n", "/x" },
    { "9:name=systemd:/\n", NULL },
    { "", NULL },
    { NULL, NULL },
    { "10::/no\n", NULL },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = cgroup_own_path (cases[i].text);
      g_assert_cmpstr (path, ==, cases[i].path);
    }
}

static void
test_place (Tree *tree, gconstpointer data)
{
  if (geteuid () == 0)
    {
      g_test_skip ("root may write everything");
      return;
    }
  g_auto (CgroupPlace) place = { 0 };
  put (tree, "cgroup.procs", "");
  put (tree, "user/cgroup.procs", "");
  put (tree, "user/shell/cgroup.procs", "");
  g_autofree char *top = g_build_filename (tree->mount, "cgroup.procs", NULL), *shell = g_build_filename (tree->mount, "user/shell/cgroup.procs", NULL);
  g_assert_cmpint (chmod (top, 0444), ==, 0);
  cgroup_place_look (tree->mount, "0::/user/shell\n", &place);
  g_assert_cmpstr (place.own, ==, "/user/shell");
  g_assert_cmpstr (place.delegated, ==, "/user");
  g_assert_cmpstr (cgroup_manager_name ("cgroupfs", &place), ==, "cgroupfs");
  cgroup_place_clear (&place);
  /* one that is not ours between does not count: nothing could be moved out of it */
  g_assert_cmpint (chmod (shell, 0444), ==, 0);
  cgroup_place_look (tree->mount, "0::/user/shell\n", &place);
  g_assert_null (place.delegated);
  cgroup_place_clear (&place);
  g_assert_cmpint (chmod (top, 0644), ==, 0);
  cgroup_place_look (tree->mount, "0::/user\n", &place);
  g_assert_cmpstr (place.delegated, ==, "/");
  cgroup_place_clear (&place);
  cgroup_place_look (tree->mount, "0::/../..\n", &place);
  g_assert_true (place.own == NULL && place.delegated == NULL);
}

static void
test_check (void)
{
  const struct {
    CgroupRequest request;
    const char *problem;
  } cases[] = {
    { { .mode = "foo" }, "*invalid cgroup mode \"foo\": invalid argument" },
    { { .manager = "foo" }, "*cgroup manager must be one of cgroupfs and systemd*" },
    { { .mode = "split", .parent = "/x" }, "cannot specify --cgroup-mode=split with a cgroup-parent: invalid argument" },
    { { .mode = "disabled", .parent = "/x" }, "cannot set cgroup parent if not creating cgroups: invalid argument" },
    { { .manager = "systemd", .parent = "/x" }, "did not receive systemd slice*" },
    { { .manager = "cgroupfs", .parent = "a.slice" }, "systemd slice received*" },
    { { .parent = "/a/../b" }, "*must not contain .." },
    { { .mode = "enabled", .manager = "systemd", .parent = "a.slice" }, NULL },
    { { .mode = "no-conmon" }, NULL },
    { { NULL }, NULL },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_true (cgroup_check (&cases[i].request, &error) == (cases[i].problem == NULL));
      if (cases[i].problem != NULL)
        g_assert_true (g_pattern_match_simple (cases[i].problem, error->message));
    }
}

static void
test_words (void)
{
  g_assert_true (enable_word ("cpu io memory", "cpu") && enable_word ("cpu io memory", "io") && enable_word ("cpu io memory", "memory") && enable_word ("a\nb", "b"));
  g_assert_false (enable_word ("cpuset io", "cpu") || enable_word ("", "cpu") || enable_word (NULL, "cpu") || enable_word ("xcpu", "cpu"));
  guint64 value = 0;
  g_assert_true (cgroup_value ("a 1\noom 3\noom_kill 5\n", "oom_kill", &value) && value == 5);
  g_assert_false (cgroup_value ("a 1\n", "b", &value) || cgroup_value ("b x\n", "b", &value) || cgroup_value ("", "b", &value));
}

static void
test_weights (void)
{
  const struct {
    guint64 shares, weight;
  } cpu[] = { { 0, 1 }, { 2, 1 }, { 1024, 100 }, { 262144, 10000 }, { 1000000, 10000 } };
  for (size_t i = 0; i < G_N_ELEMENTS (cpu); i++)
    g_assert_cmpuint (cgroup_weight_from_shares (cpu[i].shares), ==, cpu[i].weight);
  g_assert_cmpuint (cgroup_weight_from_shares (512), >, 40);
  g_assert_cmpuint (cgroup_weight_from_shares (512), <, 70);
  g_assert_cmpuint (cgroup_weight_from_blkio (10), ==, 1);
  g_assert_cmpuint (cgroup_weight_from_blkio (1000), ==, 10000);
}

static void
test_limits (Tree *tree, gconstpointer data)
{
  static const char *const files[] = { "memory.max", "memory.low", "memory.swap.max", "cpu.weight", "cpu.max", "cpuset.cpus", "cpuset.mems", "pids.max", "io.weight", "io.max", "memory.high" };
  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    put (tree, files[i], "");
  put (tree, "cgroup.controllers", "cpuset cpu io memory pids");
  Cgroup group = { tree->mount, tree->fd, NULL };
  json_auto_t *resources = json_loads ("{\"memory\":{\"limit\":1000,\"reservation\":500,\"swap\":3000},\"cpu\":{\"shares\":1024,\"quota\":50000,\"cpus\":\"0-1\",\"mems\":\"0\"},"
                                       "\"pids\":{\"limit\":-1},\"blockIO\":{\"weight\":500,\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":1,\"rate\":7}]},"
                                       "\"unified\":{\"memory.high\":\"900\"}}",
                                       0, NULL);
  g_autoptr (GError) error = NULL;
  g_assert_true (cgroup_limit (&group, resources, &error));
  g_assert_no_error (error);
  const struct {
    const char *file, *text;
  } wanted[] = {
    { "memory.max", "1000" },
    { "memory.low", "500" },
    { "memory.swap.max", "2000" },
    { "cpu.weight", "100" },
    { "cpu.max", "50000 100000" },
    { "cpuset.cpus", "0-1" },
    { "cpuset.mems", "0" },
    { "pids.max", "max" },
    { "io.weight", "4950" },
    { "io.max", "8:1 rbps=7" },
    { "memory.high", "900" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (wanted); i++)
    text_is (tree, wanted[i].file, wanted[i].text);
}

static void
test_limits_fail (Tree *tree, gconstpointer data)
{
  put (tree, "group/cgroup.controllers", "pids");
  put (tree, "group/pids.max", "");
  g_autofree char *path = g_build_filename (tree->mount, "group", NULL);
  cleanup_fd int fd = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  const Cgroup group = { path, fd, NULL }, none = { NULL, -1, (char *) "nobody knows" };
  const struct {
    const Cgroup *group;
    const char *resources, *problem;
  } cases[] = {
    { &group, "{\"memory\":{\"limit\":1}}", "controller `memory` is not available under */group/cgroup.controllers: *Delegate=*" },
    { &group, "{\"memory\":{\"swap\":1}}", "cannot set swap limit without the memory limit" },
    { &group, "{\"memory\":{\"swappiness\":1}}", "cannot set memory swappiness with cgroupv2" },
    { &group, "{\"memory\":{\"disableOOMKiller\":true}}", "cannot disable OOM killer with cgroupv2" },
    { &group, "{\"unified\":{\"pids.none\":\"1\"}}", "*`pids.none`*" },
    { &group, "{\"unified\":{\"../x.y\":\"1\"}}", "*not a file of a cgroup" },
    { &none, "{\"pids\":{\"limit\":1}}", "controller `pids` is not available: the container has no cgroup of its own: nobody knows" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      json_auto_t *resources = json_loads (cases[i].resources, 0, NULL);
      g_assert_false (cgroup_limit (cases[i].group, resources, &error));
      if (!g_pattern_match_simple (cases[i].problem, error->message))
        g_error ("%s", error->message);
    }
}

static void
test_usage (Tree *tree, gconstpointer data)
{
  CgroupUsage usage;
  g_autoptr (GError) error = NULL;
  g_assert_false (cgroup_usage_read (tree->fd, &usage, &error));
  put (tree, "cpu.stat", "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n");
  g_assert_true (cgroup_usage_read (tree->fd, &usage, NULL));
  g_assert_true (usage.cpu_usec == 1500 && usage.system_usec == 500 && !usage.has_memory && !usage.has_pids && !usage.has_io);
  put (tree, "memory.current", "5000\n");
  put (tree, "memory.max", "max\n");
  put (tree, "memory.stat", "anon 1\ninactive_file 1000\n");
  put (tree, "pids.current", "3\n");
  put (tree, "io.stat", "8:0 rbytes=10 wbytes=20 rios=1 wios=2\n8:1 rbytes=1 wbytes=2\n");
  g_assert_true (cgroup_usage_read (tree->fd, &usage, NULL));
  g_assert_true (usage.memory == 4000 && usage.memory_limit == 0 && usage.pids == 3 && usage.read_bytes == 11 && usage.written_bytes == 22);
}

static void
test_child (Tree *tree, gconstpointer data)
{
  g_assert_cmpuint (cgroup_child_oom_kills (-1), ==, 0);
  g_assert_cmpuint (cgroup_child_oom_kills (tree->fd), ==, 0);
  put (tree, "memory.events", "low 0\nhigh 0\nmax 7\noom 3\noom_kill 12\noom_group_kill 0\n");
  g_assert_cmpuint (cgroup_child_oom_kills (tree->fd), ==, 12);
  put (tree, "cgroup.procs", "");
  g_assert_cmpint (cgroup_child_enter (tree->fd), ==, 0);
  text_is (tree, "cgroup.procs", "0");
}

static void
test_of (Tree *tree, gconstpointer data)
{
  g_autofree char *path = g_build_filename (tree->mount, "group", NULL), *note = g_build_filename ("id", CGROUP_FILE, NULL);
  g_autoptr (GError) error = NULL;
  g_assert_false (cgroup_freeze (tree->fd, "id", &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  g_assert_true (cgroup_attach (tree->fd, "id", 1, NULL));
  put (tree, note, path);
  put (tree, "group/cgroup.events", "populated 1\nfrozen 1\n");
  put (tree, "group/cgroup.freeze", "");
  put (tree, "group/cgroup.procs", "");
  g_assert_true (cgroup_is_frozen (tree->fd, "id"));
  g_assert_true (cgroup_freeze (tree->fd, "id", NULL));
  text_is (tree, "group/cgroup.freeze", "1");
  g_assert_true (cgroup_attach (tree->fd, "id", 17, NULL));
  text_is (tree, "group/cgroup.procs", "17");
  put (tree, "group/cgroup.events", "populated 1\nfrozen 0\n");
  g_assert_true (cgroup_thaw (tree->fd, "id", NULL));
  g_assert_false (cgroup_is_frozen (tree->fd, "id"));
  g_autofree char *gone = g_build_filename (tree->mount, "nothing", NULL);
  g_assert_cmpint (cgroup_remove (gone), ==, 0);
}

/* A call's bytes, read back by the same reader that reads answers. */
static void
test_message (void)
{
  g_autoptr (GByteArray) start = scope_message_start ("a.scope", "user.slice", 42), attach = scope_message_attach ("a.scope", "/container", 42);
  GByteArray *const all[] = { start, attach };
  for (size_t i = 0; i < G_N_ELEMENTS (all); i++)
    {
      ScopeMessage message = { 0 };
      g_assert_cmpint (scope_message_size (all[i]->data, all[i]->len), ==, all[i]->len);
      g_assert_true (scope_message_read (all[i]->data, all[i]->len, &message));
      g_assert_cmpint (message.type, ==, 1);
      g_assert_cmpstr (message.member, ==, i == 0 ? "StartTransientUnit" : "AttachProcessesToUnit");
      g_assert_cmpstr (message.texts[0], ==, "a.scope");
      g_assert_cmpstr (message.texts[1], ==, i == 0 ? "replace" : "/container");
      scope_message_clear (&message);
      /* whatever is cut off or changed is refused or read, never trusted */
      for (guint n = 0; n < all[i]->len; n++)
        {
          g_assert_cmpint (scope_message_size (all[i]->data, n), ==, 0);
          all[i]->data[n] ^= 0x55;
          if (scope_message_read (all[i]->data, all[i]->len, &message))
            scope_message_clear (&message);
          all[i]->data[n] ^= 0x55;
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cgroup/own-path", test_own_path);
  g_test_add_func ("/cgroup/check", test_check);
  g_test_add_func ("/cgroup/words", test_words);
  g_test_add_func ("/cgroup/weights", test_weights);
  g_test_add_func ("/cgroup/message", test_message);
#define TREE_TEST(name, function) g_test_add ("/cgroup/" name, Tree, NULL, tree_start, function, tree_end)
  TREE_TEST ("place", test_place);
  TREE_TEST ("limits", test_limits);
  TREE_TEST ("limits-fail", test_limits_fail);
  TREE_TEST ("usage", test_usage);
  TREE_TEST ("child", test_child);
  TREE_TEST ("of", test_of);
  return g_test_run ();
}
