#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/runtime/hook.h"
#include "pkg/runtime/plan_build.h"
#include "tests/unit/plan-check.h"

static ConfigPaths paths = { .root = (char *) "/r", .run_root = (char *) "/q", .cache = (char *) "/c", .libexec = (char *) "/l" };
static const char *const cleanup[] = { "/bin/coracle", "container", "cleanup", NULL };

static GByteArray *
build (const char *text, gboolean make_nodes, GError **error)
{
  json_error_t problem;
  json_auto_t *config = json_loads (text, 0, &problem);
  g_assert_nonnull (config);
  RuntimeOptions options = { .paths = &paths, .bundle = "/bundle", .id = "0123456789abcdef", .run_dir = 11, .out_fd = 1, .err_fd = 2, .client = 12, .listener = -1, .notify = -1, .notify_host = -1, .log = { .fd = -1, .dir = -1 }, .stdin_read = -1, .stdin_write = -1,
                             .slirp = "tap", .slirp_size = 4, .make_nodes = make_nodes, .rows = 24, .columns = 80, .preserve_fds = 2, .stop_signal = 15, .timeout_us = 7, .cleanup = cleanup };
  g_autoptr (GArray) joins = NULL;
  GByteArray *bytes = runtime_plan_build (config, &options, &joins, error);
  for (guint i = 0; joins != NULL && i < joins->len; i++)
    (void) close (g_array_index (joins, int, i));
  g_assert_true (bytes == NULL || plan_ok (bytes));
  return bytes;
}

static const char everything[] =
    "{\"ociVersion\":\"1.0.2\",\"hostname\":\"h\",\"domainname\":\"d\",\"root\":{\"path\":\"root\",\"readonly\":true},"
    "\"process\":{\"terminal\":true,\"user\":{\"uid\":1,\"gid\":2,\"umask\":63,\"additionalGids\":[3,4]},\"args\":[\"cmd\",\"a b\"],\"env\":[\"PATH=/x::/y\",\"E=\"],\"cwd\":\"/w\","
    "\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"],\"inheritable\":[],\"ambient\":[\"CAP_CHOWN\"]},"
    "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":-1},{\"type\":\"RLIMIT_CORE\",\"soft\":18446744073709551615.0,\"hard\":18446744073709551615.0}],"
    "\"oomScoreAdj\":-5,\"noNewPrivileges\":true},"
    "\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\",\"options\":[\"nosuid\",\"hidepid=2\"]},"
    "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"mode=755\"]},{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\"},"
    "{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\",\"options\":[\"ro\",\"x=y\"]},"
    "{\"destination\":\"/rel\",\"type\":\"bind\",\"source\":\"sub\",\"options\":[\"rbind\",\"ro\",\"rslave\"]},{\"destination\":\"/t\",\"type\":\"tmpfs\",\"options\":[\"tmpcopyup\"]}],"
    "\"hooks\":{\"prestart\":[{\"path\":\"/h1\",\"args\":[\"h1\",\"x\"],\"env\":[\"A=B\"],\"timeout\":9}],\"createRuntime\":[{\"path\":\"/h2\"}],\"createContainer\":[{\"path\":\"/h3\"}],"
    "\"startContainer\":[{\"path\":\"/h4\"}],\"poststart\":[{\"path\":\"/h5\"}]},\"annotations\":{\"k\":\"v\",\"io.coracle.device./dev/other\":\"/dev/null\"},"
    "\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},{\"type\":\"uts\",\"path\":\"/proc/self/ns/uts\"},{\"type\":\"mount\"}],"
    "\"sysctl\":{\"net.ipv4.ip_forward\":\"1\",\"kernel/dom.ain\":\"x\"},\"devices\":[{\"path\":\"/dev/other\",\"type\":\"c\",\"major\":1,\"minor\":3,\"fileMode\":432,\"uid\":5,\"gid\":6}],"
    "\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":[\"/proc/sys\"],\"rootfsPropagation\":\"rslave\"}}";

#define TEXT(ref) plan_text (plan, ref)
#define ITEM(type, list, i) (&((const type *) plan_bytes (plan, (list).at))[i])

/* an exec session: of config.json the process alone, and what the session says */
static void
test_exec (void)
{
  json_error_t problem;
  json_auto_t *config = json_loads ("{\"process\":{\"args\":[\"/bin/x\"],\"cwd\":\"/\",\"env\":[],\"user\":{\"uid\":1,\"gid\":2},\"capabilities\":{}}}", 0, &problem);
  g_assert_nonnull (config);
  const int kept[] = { 5, 9 };
  RuntimeExec exec = { .init_pidfd = 21, .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS, .cgroup = 22, .folder = 23, .kept = kept, .n_kept = 2 };
  RuntimeOptions options = { .exec = &exec, .paths = &paths, .id = "session", .run_dir = 11, .out_fd = 1, .err_fd = 2, .client = 12, .listener = -1, .notify = -1, .notify_host = -1,
                             .log = { .fd = -1, .dir = -1 }, .stdin_read = -1, .stdin_write = -1, .root_fd = -1 };
  g_autoptr (GArray) joins = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) bytes = runtime_plan_build (config, &options, &joins, &error);
  g_assert_no_error (error);
  g_assert_true (plan_ok (bytes));
  const RuntimePlan *plan = (const RuntimePlan *) (const void *) bytes->data;
  g_assert_cmpint (plan->exec_pidfd, ==, 21);
  g_assert_cmpint (plan->exec_cgroup, ==, 22);
  g_assert_cmpuint (plan->exec_flags, ==, exec.flags);
  g_assert_cmpuint (plan->kept.n, ==, 2);
  g_assert_cmpint (((const int32_t *) plan_bytes (plan, plan->kept.at))[1], ==, 9);
  g_assert_cmpint (plan->monitor.exec_dir, ==, 23);
  g_assert_cmpstr (plan->monitor.id, ==, "session");
  g_assert_cmpuint (plan->mounts.n, ==, 0);
  options.exec = NULL;
  options.bundle = "/bundle";
  g_autoptr (GByteArray) none = runtime_plan_build (config, &options, &joins, NULL);
  g_assert_null (none);
}

static void
check_process (const RuntimePlan *plan)
{
  g_assert_cmpuint (plan->argv.n, ==, 2);
  g_assert_cmpstr (TEXT (*ITEM (PlanRef, plan->argv, 1)), ==, "a b");
  g_assert_cmpuint (plan->envp.n, ==, 2);
  g_assert_cmpuint (plan->exec_paths.n, ==, 3);
  g_assert_cmpstr (TEXT (*ITEM (PlanRef, plan->exec_paths, 0)), ==, "/x/cmd");
  g_assert_cmpstr (TEXT (*ITEM (PlanRef, plan->exec_paths, 1)), ==, "./cmd");
  g_assert_cmpstr (TEXT (plan->cwd), ==, "/w");
  g_assert_true (plan->terminal && plan->no_new_privileges && plan->has_umask && plan->has_oom_score_adj);
  g_assert_cmpuint (plan->umask, ==, 077);
  g_assert_cmpint (plan->oom_score_adj, ==, -5);
  g_assert_cmpuint (plan->uid, ==, 1);
  g_assert_cmpuint (plan->gid, ==, 2);
  g_assert_cmpuint (plan->groups.n, ==, 2);
  g_assert_cmpuint (*ITEM (uint32_t, plan->groups, 1), ==, 4);
  g_assert_cmphex (plan->caps.bounding, ==, 1 << 0 | 1 << 5);
  g_assert_cmphex (plan->caps.effective, ==, 1 << 5);
  g_assert_cmphex (plan->caps.inheritable, ==, 0);
  g_assert_cmphex (plan->caps.ambient, ==, 1 << 0);
  g_assert_cmpuint (plan->limits.n, ==, 2);
  g_assert_cmpint (ITEM (PlanLimit, plan->limits, 0)->resource, ==, RLIMIT_NOFILE);
  g_assert_cmpuint (ITEM (PlanLimit, plan->limits, 0)->soft, ==, 10);
  g_assert_cmpuint (ITEM (PlanLimit, plan->limits, 0)->hard, ==, RLIM_INFINITY);
  g_assert_cmpuint (ITEM (PlanLimit, plan->limits, 1)->soft, ==, RLIM_INFINITY);
}

static void
check_mounts (const RuntimePlan *plan)
{
  g_assert_cmpuint (plan->mounts.n, ==, 6);
  const PlanMount *mounts = ITEM (PlanMount, plan->mounts, 0);
  g_assert_cmpint (mounts[0].kind, ==, PLAN_MOUNT_FS);
  g_assert_cmpint (mounts[0].flags, ==, PLAN_NO_LINK);
  g_assert_cmphex (mounts[0].attr_set, ==, MOUNT_ATTR_NOSUID);
  g_assert_cmpuint (mounts[0].options.n, ==, 1);
  g_assert_cmpstr (TEXT (*ITEM (PlanRef, mounts[0].options, 0)), ==, "hidepid=2");
  g_assert_cmpint (mounts[1].flags, ==, PLAN_DEV | PLAN_KEEP_MODE);
  g_assert_cmpint (mounts[2].flags, ==, PLAN_PTS);
  g_assert_cmpstr (TEXT (mounts[3].fstype), ==, "cgroup2");
  g_assert_cmpint (mounts[3].flags, ==, PLAN_FALLBACK_BIND | PLAN_RECURSIVE);
  g_assert_cmpuint (mounts[3].options.n, ==, 0);
  g_assert_cmpint (mounts[4].kind, ==, PLAN_MOUNT_BIND);
  g_assert_cmpstr (TEXT (mounts[4].source), ==, "/bundle/sub");
  g_assert_cmpint (mounts[4].flags, ==, PLAN_RECURSIVE);
  g_assert_cmphex (mounts[4].attr_set, ==, MOUNT_ATTR_RDONLY);
  g_assert_cmphex (mounts[4].propagation, ==, MS_SLAVE);
  g_assert_true (mounts[4].propagation_recursive);
  g_assert_cmpint (mounts[5].flags, ==, PLAN_COPYUP);
}

static void
check_rest (const RuntimePlan *plan, gboolean make_nodes)
{
  g_assert_cmpstr (TEXT (plan->rootfs), ==, "/bundle/root");
  g_assert_true (plan->root_readonly && plan->loopback && !plan->pdeathsig);
  g_assert_cmphex (plan->root_propagation, ==, MS_SLAVE | MS_REC);
  g_assert_cmpstr (TEXT (plan->hostname), ==, "h");
  g_assert_cmpstr (TEXT (plan->domainname), ==, "d");
  g_assert_cmphex (plan->clone_flags, ==, CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS);
  g_assert_cmpuint (plan->joins.n, ==, 1);
  g_assert_cmphex (ITEM (PlanJoin, plan->joins, 0)->flag, ==, CLONE_NEWUTS);
  g_assert_cmpuint (plan->sysctls.n, ==, 2);
  g_assert_cmpstr (TEXT (ITEM (PlanSysctl, plan->sysctls, 0)->key), ==, "sys/net/ipv4/ip_forward");
  g_assert_cmpstr (TEXT (ITEM (PlanSysctl, plan->sysctls, 1)->key), ==, "sys/kernel/dom.ain");
  g_assert_cmpuint (plan->devices.n, ==, 7);
  const PlanDevice *device = ITEM (PlanDevice, plan->devices, 6);
  g_assert_cmpstr (TEXT (device->path), ==, "/dev/other");
  g_assert_cmpstr (TEXT (device->source), ==, make_nodes ? NULL : "/dev/null");
  g_assert_cmphex (device->mode, ==, S_IFCHR | 0660);
  g_assert_cmpuint (device->minor, ==, 3);
  g_assert_cmpuint (device->gid, ==, 6);
  g_assert_cmpuint (plan->hooks_runtime.n, ==, 2);
  g_assert_cmpstr (TEXT (ITEM (PlanHook, plan->hooks_runtime, 0)->path), ==, "/h1");
  g_assert_cmpuint (ITEM (PlanHook, plan->hooks_runtime, 0)->timeout_seconds, ==, 9);
  g_assert_cmpstr (TEXT (ITEM (PlanHook, plan->hooks_runtime, 1)->path), ==, "/h2");
  g_assert_cmpuint (plan->hooks_container.n + plan->hooks_start.n, ==, 2);
  g_assert_nonnull (strstr (TEXT (plan->state_json), "\"k\":\"v\""));
  g_assert_cmpstr (TEXT (*ITEM (PlanRef, plan->masked, 0)), ==, "/proc/kcore");
  g_assert_cmpstr (TEXT (*ITEM (PlanRef, plan->readonly, 0)), ==, "/proc/sys");
  g_assert_cmpstr (TEXT (plan->slirp_program), ==, "/l/coracle-slirp");
  g_assert_cmpuint (plan->rows, ==, 24);
  g_assert_cmpuint (plan->kept.n, ==, 2);
  g_assert_cmpint (*ITEM (int32_t, plan->kept, 1), ==, 4);
  g_assert_cmpint (*ITEM (int32_t, plan->kept_from, 1), ==, 4);
  g_assert_cmpint (plan->monitor.run_dir, ==, 11);
  g_assert_cmpint (plan->monitor.client, ==, 12);
  g_assert_cmpuint (plan->monitor.timeout_us, ==, 7);
  g_assert_cmpstr (plan->monitor.cleanup[2], ==, "cleanup");
  g_assert_cmpstr (plan->monitor.cleanup[3], ==, "");
}

static void
test_everything (void)
{
  for (int make_nodes = 0; make_nodes < 2; make_nodes++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GByteArray) bytes = build (everything, make_nodes, &error);
      g_assert_no_error (error);
      const RuntimePlan *plan = (const RuntimePlan *) (const void *) bytes->data;
      check_process (plan);
      check_mounts (plan);
      check_rest (plan, make_nodes);
    }
}

/* One bit each: two meanings on one bit would show in neither's own test. */
static void
test_flags (void)
{
  static const int flags[] = { PLAN_COPYUP, PLAN_RECURSIVE, PLAN_FALLBACK_BIND, PLAN_DEV, PLAN_PTS, PLAN_KEEP_MODE, PLAN_KEEP_OWNER, PLAN_NO_LINK };
  int seen = 0;
  for (size_t i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      g_assert_cmpint (seen & flags[i], ==, 0);
      g_assert_cmpint (flags[i], <=, 0xff); /* PlanMount.flags */
      seen |= flags[i];
    }
}

static void
test_smallest (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) bytes = build ("{\"root\":{\"path\":\"/r\"},\"process\":{\"args\":[\"/bin/x\"]}}", FALSE, &error);
  g_assert_no_error (error);
  const RuntimePlan *plan = (const RuntimePlan *) (const void *) bytes->data;
  g_assert_cmphex (plan->clone_flags, ==, CLONE_NEWNS);
  g_assert_true (plan->pdeathsig && plan->monitor.kill_group && !plan->loopback && !plan->has_umask && !plan->has_oom_score_adj);
  g_assert_cmpuint (plan->exec_paths.n, ==, 1);
  g_assert_cmphex (plan->caps.bounding | plan->caps.effective | plan->caps.inheritable, ==, 0);
  g_assert_null (TEXT (plan->cwd));
}

/* What is wrong with a config, put into the place of what the smallest has. */
static const struct {
  const char *process, *rest;
  CoracleErrorCode code;
  const char *part;
} wrong[] = {
  { "\"args\":[]", "", CORACLE_ERROR_INVALID, "process.args is empty" },
  { "\"args\":\"x\"", "", CORACLE_ERROR_INVALID, "process.args is empty" },
  { "\"args\":[\"x\"],\"cwd\":\"rel\"", "", CORACLE_ERROR_INVALID, "process.cwd rel" },
  { "\"args\":[\"x\"],\"oomScoreAdj\":1001", "", CORACLE_ERROR_INVALID, "oomScoreAdj" },
  { "\"args\":[\"x\"],\"oomScoreAdj\":\"1\"", "", CORACLE_ERROR_INVALID, "oomScoreAdj" },
  { "\"args\":[\"x\"],\"user\":{\"uid\":-1}", "", CORACLE_ERROR_INVALID, "uid is not a number" },
  { "\"args\":[\"x\"],\"user\":{\"gid\":4294967295}", "", CORACLE_ERROR_INVALID, "gid is not a number" },
  { "\"args\":[\"x\"],\"user\":{\"additionalGids\":[4294967296]}", "", CORACLE_ERROR_INVALID, "additionalGids" },
  { "\"args\":[\"x\"],\"user\":{\"umask\":4096}", "", CORACLE_ERROR_INVALID, "umask" },
  { "\"args\":[\"x\"],\"capabilities\":{\"ambient\":[\"CAP_X\"]}", "", CORACLE_ERROR_INVALID, "unknown capability CAP_X" },
  { "\"args\":[\"x\"],\"capabilities\":{\"bounding\":[7]}", "", CORACLE_ERROR_INVALID, "unknown capability" },
  { "\"args\":[\"x\"],\"rlimits\":[{\"type\":\"RLIMIT_X\",\"soft\":1,\"hard\":1}]", "", CORACLE_ERROR_INVALID, "unknown rlimit RLIMIT_X" },
  { "\"args\":[\"x\"],\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1}]", "", CORACLE_ERROR_INVALID, "RLIMIT_CPU" },
  { "\"args\":[\"x\"],\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1.5,\"hard\":2}]", "", CORACLE_ERROR_INVALID, "RLIMIT_CPU" },
  { "\"args\":[\"x\"]", ",\"linux\":{\"namespaces\":[{\"type\":\"user\"}]}", CORACLE_ERROR_UNSUPPORTED, "a user namespace that is not made beforehand" },
  { "\"args\":[\"x\"]", ",\"linux\":{\"personality\":{\"domain\":\"SVR4\"}}", CORACLE_ERROR_CANNOT_INVOKE, "unknown persona" },
  { "\"args\":[\"x\"]", ",\"linux\":{\"namespaces\":[{}]}", CORACLE_ERROR_UNSUPPORTED, "namespace type" },
  { "\"args\":[\"x\"]", ",\"linux\":{\"namespaces\":[{\"type\":\"uts\",\"path\":\"/nonexistent\"}]}", CORACLE_ERROR_NOT_FOUND, "/nonexistent" },
  { "\"args\":[\"x\"]", ",\"linux\":{\"sysctl\":{\"a\":1}}", CORACLE_ERROR_INVALID, "sysctl a" },
  { "\"args\":[\"x\"]", ",\"linux\":{\"sysctl\":{\"a/../../self/x\":\"1\"}}", CORACLE_ERROR_INVALID, "sysctl a/../.." },
  { "\"args\":[\"x\"]", ",\"linux\":{\"sysctl\":{\"\":\"1\"}}", CORACLE_ERROR_INVALID, "sysctl" },
  { "\"args\":[\"x\"]", ",\"linux\":{\"devices\":[{\"path\":\"/tmp/x\",\"type\":\"c\"}]}", CORACLE_ERROR_INVALID, "device /tmp/x" },
  { "\"args\":[\"x\"]", ",\"linux\":{\"devices\":[{\"path\":\"/dev/../x\",\"type\":\"c\"}]}", CORACLE_ERROR_INVALID, "device /dev/../x" },
  { "\"args\":[\"x\"]", ",\"linux\":{\"devices\":[{}]}", CORACLE_ERROR_INVALID, "device" },
  { "\"args\":[\"x\"]", ",\"linux\":{\"devices\":[{\"path\":\"/dev/x\",\"type\":\"z\"}]}", CORACLE_ERROR_INVALID, "unknown type z" },
  { "\"args\":[\"x\"]", ",\"linux\":{\"devices\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":-1}]}", CORACLE_ERROR_INVALID, "major" },
  { "\"args\":[\"x\"]", ",\"mounts\":[{\"destination\":\"rel\",\"type\":\"tmpfs\"}]", CORACLE_ERROR_INVALID, "mount destination rel" },
  { "\"args\":[\"x\"]", ",\"mounts\":[{\"type\":\"tmpfs\"}]", CORACLE_ERROR_INVALID, "mount destination" },
  { "\"args\":[\"x\"]", ",\"mounts\":[{\"destination\":\"/x\"}]", CORACLE_ERROR_INVALID, "no type" },
  { "\"args\":[\"x\"]", ",\"mounts\":[{\"destination\":\"/x\",\"options\":[\"bind\"]}]", CORACLE_ERROR_INVALID, "no source" },
  { "\"args\":[\"x\"]", ",\"mounts\":[7]", CORACLE_ERROR_INVALID, "mount destination" },
  { "\"args\":[\"x\"]", ",\"hooks\":{\"prestart\":[{}]}", CORACLE_ERROR_INVALID, "prestart hook" },
  { "\"args\":[\"x\"]", ",\"hooks\":{\"startContainer\":[{\"path\":\"rel\"}]}", CORACLE_ERROR_INVALID, "startContainer hook: path rel" },
  { "\"args\":[\"x\"]", ",\"hooks\":{\"createContainer\":[{\"path\":\"/x\",\"timeout\":0}]}", CORACLE_ERROR_INVALID, "timeout" },
};

static void
test_wrong (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = g_strdup_printf ("{\"root\":{\"path\":\"/r\"},\"process\":{%s}%s}", wrong[i].process, wrong[i].rest);
      g_test_message ("%s", text);
      g_assert_null (build (text, FALSE, &error));
      g_assert_error (error, CORACLE_ERROR, (int) wrong[i].code);
      g_assert_nonnull (strstr (error->message, wrong[i].part));
    }
  g_autoptr (GError) error = NULL;
  g_assert_null (build ("{\"process\":{\"args\":[\"x\"]}}", FALSE, &error));
  g_assert_nonnull (strstr (error->message, "root.path"));
}

/* Vectors lie on init's stack: what the kernel would refuse is refused before. */
static void
test_long (void)
{
  g_autoptr (GString) text = g_string_new ("{\"root\":{\"path\":\"/r\"},\"process\":{\"args\":[\"x\"");
  for (int i = 0; i < 262144; i++)
    g_string_append (text, ",\"\"");
  g_string_append (text, "]}}");
  g_autoptr (GError) error = NULL;
  g_assert_null (build (text->str, FALSE, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CANNOT_INVOKE);
}

static void
test_stages (void)
{
  g_assert_null (runtime_stage_name (STAGE_NONE));
  g_assert_null (runtime_stage_name (STAGE_END));
  g_assert_null (runtime_stage_name ((RuntimeStage) -1));
  for (int stage = STAGE_NONE + 1; stage < STAGE_END; stage++)
    {
      const char *name = runtime_stage_name ((RuntimeStage) stage);
      g_test_message ("stage %d", stage);
      g_assert_nonnull (name);
      g_assert_cmpuint (strlen (name), >, 3);
    }
}

/* The state that hooks read: valid JSON once the marks are filled in, with nothing of the user's taken for a mark. */
static void
test_state (void)
{
  json_auto_t *config = json_loads ("{\"root\":{\"path\":\"/r\"},\"annotations\":{\"@PID@\":\"@STATUS@ \\\" @\"}}", 0, NULL);
  g_autofree char *state = runtime_hook_state (config, "id", "/b");
  g_assert_null (strstr (strstr (state, "@PID@") + 1, "@PID@"));
  g_auto (GStrv) first = g_strsplit (state, "@STATUS@", -1);
  g_assert_cmpuint (g_strv_length (first), ==, 2);
  g_autofree char *with_status = g_strjoinv ("running", first);
  g_auto (GStrv) second = g_strsplit (with_status, "@PID@", -1);
  g_autofree char *whole = g_strjoinv ("42", second);
  json_auto_t *json = json_loads (whole, 0, NULL);
  g_assert_nonnull (json);
  g_assert_cmpint (json_integer_value (json_object_get (json, "pid")), ==, 42);
  g_assert_cmpstr (json_string_value (json_object_get (json, "status")), ==, "running");
  g_assert_cmpstr (json_string_value (json_object_get (json_object_get (json, "annotations"), "@PID@")), ==, "@STATUS@ \" @");
}

static void
test_hooks_run (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *file = g_build_filename (g_get_tmp_dir (), "coracle-test-hook.XXXXXX", NULL);
  int fd = g_mkstemp (file);
  g_assert_cmpint (fd, >=, 0);
  (void) close (fd);
  json_auto_t *hooks = json_pack ("[{s:s, s:[s, s, s], s:[s]}, {s:s}, {s:s, s:[s, s, s], s:i}, {s:s, s:[s, s, s, s]}]", "path", "/bin/sh", "args", "sh", "-c", "cat >\"$F\"; exit 4", "env", file,
                                  "path", "/nonexistent", "path", "/bin/sh", "args", "sh", "-c", "exec sleep 1000", "timeout", 1, "path", "/bin/sh", "args", "sh", "-c", "echo last >>\"$1\"", file);
  g_autofree char *variable = g_strconcat ("F=", file, NULL);
  json_array_set_new (json_object_get (json_array_get (hooks, 0), "env"), 0, json_string (variable));
  /* $0 is the first after the script */
  json_array_insert_new (json_object_get (json_array_get (hooks, 3), "args"), 3, json_string ("sh"));
  gint64 began = g_get_monotonic_time ();
  g_assert_false (runtime_hooks_run (hooks, "<@STATUS@ @PID@>", 7, "stopped", &error));
  g_assert_cmpint (g_get_monotonic_time () - began, <, 200 * G_USEC_PER_SEC);
  g_assert_nonnull (strstr (error->message, "/bin/sh: exit status 4"));
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (file, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "<stopped 7>last\n");
  g_assert_true (runtime_hooks_run (NULL, "", 0, "running", NULL));
  (void) unlink (file);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plan/exec", test_exec);
  g_test_add_func ("/plan/everything", test_everything);
  g_test_add_func ("/plan/flags", test_flags);
  g_test_add_func ("/plan/smallest", test_smallest);
  g_test_add_func ("/plan/wrong", test_wrong);
  g_test_add_func ("/plan/long", test_long);
  g_test_add_func ("/plan/stages", test_stages);
  g_test_add_func ("/plan/state", test_state);
  g_test_add_func ("/plan/hooks-run", test_hooks_run);
  return g_test_run ();
}
