#include <string.h>

#include "pkg/seccomp/caps.h"
#include "pkg/spec/spec.h"

static const char *const args[] = { "cmd", "\"linux\":{", NULL }, *const env[] = { "A=\"rlimits\":[", NULL };

static SpecInput
input_new (void)
{
  return (SpecInput){ .rootfs = "/root/fs", .args = args, .env = env, .cwd = "/w", .umask = 022, .caps_bounding = 0x21, .caps_effective = 0x20, .shm_size = 65536000,
                      .hostname = "h", .own_user_namespace = TRUE };
}

static json_t *
find_mount (json_t *config, const char *destination)
{
  size_t i;
  json_t *item;
  json_array_foreach (json_object_get (config, "mounts"), i, item)
    if (strcmp (json_string_value (json_object_get (item, "destination")), destination) == 0)
      return item;
  return NULL;
}

static const char *
text (json_t *object, const char *key)
{
  return json_string_value (json_object_get (object, key));
}

static gboolean
in_array (json_t *array, const char *word)
{
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    if (g_strcmp0 (json_string_value (item), word) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
has_option (json_t *config, const char *destination, const char *option)
{
  json_t *mount = find_mount (config, destination);
  g_assert_nonnull (mount);
  return in_array (json_object_get (mount, "options"), option);
}

/* find_namespace: the entry of a type, NULL = the host's. */
static json_t *
find_namespace (json_t *config, const char *type)
{
  size_t i;
  json_t *item, *found = NULL;
  json_array_foreach (json_object_get (json_object_get (config, "linux"), "namespaces"), i, item)
    if (strcmp (text (item, "type"), type) == 0)
      {
        g_assert_null (found);
        found = item;
      }
  return found;
}

static void
test_defaults (void)
{
  SpecInput input = input_new ();
  json_auto_t *config = spec_build (&input);
  static const char *const places[] = { "/proc", "/dev", "/dev/pts", "/dev/mqueue", "/dev/shm", "/sys", "/sys/fs/cgroup" };
  for (size_t i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_assert_nonnull (find_mount (config, places[i]));
      g_assert_true (has_option (config, places[i], "nosuid"));
    }
  g_assert_true (has_option (config, "/sys", "ro") && has_option (config, "/sys/fs/cgroup", "ro") && has_option (config, "/dev/shm", "size=65536000"));
  static const char *const types[] = { "pid", "network", "ipc", "uts", "mount", "cgroup" };
  for (size_t i = 0; i < G_N_ELEMENTS (types); i++)
    g_assert_null (text (find_namespace (config, types[i]), "path"));
  g_assert_cmpuint (json_array_size (json_object_get (json_object_get (config, "linux"), "namespaces")), ==, G_N_ELEMENTS (types));
  json_t *linux_section = json_object_get (config, "linux"), *process = json_object_get (config, "process"), *caps = json_object_get (process, "capabilities");
  g_assert_true (in_array (json_object_get (linux_section, "maskedPaths"), "/proc/keys") && in_array (json_object_get (linux_section, "maskedPaths"), "/proc/kcore"));
  g_assert_true (in_array (json_object_get (linux_section, "readonlyPaths"), "/proc/sys") && in_array (json_object_get (linux_section, "readonlyPaths"), "/proc/sysrq-trigger"));
  g_assert_cmpuint (json_array_size (json_object_get (caps, "bounding")), ==, 2);
  g_assert_true (in_array (json_object_get (caps, "effective"), "CAP_KILL") && in_array (json_object_get (caps, "permitted"), "CAP_KILL"));
  g_assert_cmpuint (json_array_size (json_object_get (caps, "inheritable")) + json_array_size (json_object_get (caps, "ambient")), ==, 0);
  g_assert_cmpstr (text (process, "cwd"), ==, "/w");
  g_assert_cmpstr (text (config, "hostname"), ==, "h");
  g_assert_null (json_object_get (process, "noNewPrivileges"));
  g_assert_null (json_object_get (process, "oomScoreAdj"));
  g_assert_null (json_object_get (config, "hooks"));
}

/* A namespace of the host's, or one that is joined: the entry, and the mounts that depend on it. */
static void
test_namespaces (void)
{
  SpecInput input = input_new ();
  SpecNamespace *const spaces[] = { &input.pid, &input.network, &input.ipc, &input.uts, &input.cgroup };
  static const char *const types[] = { "pid", "network", "ipc", "uts", "cgroup" };
  for (size_t i = 0; i < G_N_ELEMENTS (spaces); i++)
    {
      *spaces[i] = (SpecNamespace){ SPEC_HOST, NULL };
      json_auto_t *host = spec_build (&input);
      g_assert_null (find_namespace (host, types[i]));
      g_assert_nonnull (find_namespace (host, "mount"));
      *spaces[i] = (SpecNamespace){ SPEC_PATH, "/ns" };
      json_auto_t *joined = spec_build (&input);
      g_assert_cmpstr (text (find_namespace (joined, types[i]), "path"), ==, "/ns");
      *spaces[i] = (SpecNamespace){ SPEC_PRIVATE, NULL };
    }
  /* what a user namespace of its own may not mount is bound; real root may */
  for (int own = 0; own < 2; own++)
    {
      input = input_new ();
      input.own_user_namespace = own;
      input.pid.kind = input.network.kind = input.cgroup.kind = SPEC_HOST;
      json_auto_t *config = spec_build (&input);
      g_assert_cmpstr (text (find_mount (config, "/proc"), "type"), ==, own ? "bind" : "proc");
      g_assert_cmpstr (text (find_mount (config, "/sys"), "type"), ==, own ? "bind" : "sysfs");
      g_assert_true (has_option (config, "/sys", "ro"));
      g_assert_null (find_mount (config, "/sys/fs/cgroup"));
    }
}

static void
test_security (void)
{
  SpecInput input = input_new ();
  input.privileged = TRUE;
  json_auto_t *privileged = spec_build (&input);
  json_t *linux_section = json_object_get (privileged, "linux");
  g_assert_cmpuint (json_array_size (json_object_get (linux_section, "maskedPaths")) + json_array_size (json_object_get (linux_section, "readonlyPaths")), ==, 0);
  g_assert_true (has_option (privileged, "/sys", "rw"));

  static const char *const words[] = { "unmask=/proc/keys:/proc/sys", "mask=/my/own", "no-new-privileges", "proc-opts=hidepid=2", NULL };
  g_autoptr (SpecSecurity) security = spec_security_parse (words, NULL);
  g_assert_nonnull (security);
  input = input_new ();
  input.security = security;
  json_auto_t *config = spec_build (&input);
  linux_section = json_object_get (config, "linux");
  json_t *masked = json_object_get (linux_section, "maskedPaths");
  g_assert_true (!in_array (masked, "/proc/keys") && in_array (masked, "/proc/kcore") && in_array (masked, "/my/own"));
  g_assert_true (!in_array (json_object_get (linux_section, "readonlyPaths"), "/proc/sys") && in_array (json_object_get (linux_section, "readonlyPaths"), "/proc/bus"));
  g_assert_true (json_is_true (json_object_get (json_object_get (config, "process"), "noNewPrivileges")));
  g_assert_true (has_option (config, "/proc", "hidepid=2"));
}

/* A mount of the user's takes the place of a default one, and comes after the others. */
static void
test_mounts (void)
{
  json_auto_t *mounts = json_pack ("[{s:s, s:s, s:s, s:[s]}, {s:s, s:s, s:s, s:[s]}]", "destination", "/dev/shm", "type", "bind", "source", "/mine", "options", "bind", "destination", "/x", "type",
                                   "tmpfs", "source", "tmpfs", "options", "ro");
  SpecInput input = input_new ();
  input.mounts = mounts;
  json_auto_t *config = spec_build (&input);
  g_assert_cmpstr (text (find_mount (config, "/dev/shm"), "source"), ==, "/mine");
  json_t *all = json_object_get (config, "mounts");
  g_assert_cmpstr (text (json_array_get (all, json_array_size (all) - 1), "destination"), ==, "/x");
}

/* The text: limits are unsigned, the filter stands where it belongs, and the same words in strings are left alone. */
static void
test_text (void)
{
  json_auto_t *rlimits = json_pack ("[{s:s, s:I, s:I}, {s:s, s:I, s:I}]", "type", "RLIMIT_CORE", "soft", (json_int_t) -1, "hard", (json_int_t) -2, "type", "RLIMIT_CPU", "soft", (json_int_t) 5,
                                    "hard", (json_int_t) -1);
  int oom = -7;
  SpecInput input = input_new ();
  input.rlimits = rlimits;
  input.oom_score_adj = &oom;
  json_auto_t *config = spec_build (&input);
  g_autofree char *with = spec_text (config, "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}"), *without = spec_text (config, NULL);
  g_assert_nonnull (strstr (with, "\"soft\":18446744073709551615,\"hard\":18446744073709551614"));
  g_assert_nonnull (strstr (with, "\"soft\":5,\"hard\":18446744073709551615"));
  g_assert_nonnull (strstr (with, "\"oomScoreAdj\":-7"));
  json_auto_t *read = json_loads (with, JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, NULL), *bare = json_loads (without, JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, NULL);
  g_assert_nonnull (read);
  g_assert_cmpstr (text (json_object_get (json_object_get (read, "linux"), "seccomp"), "defaultAction"), ==, "SCMP_ACT_ERRNO");
  g_assert_null (json_object_get (json_object_get (bare, "linux"), "seccomp"));
  json_t *process = json_object_get (read, "process");
  g_assert_cmpstr (json_string_value (json_array_get (json_object_get (process, "args"), 1)), ==, args[1]);
  g_assert_cmpstr (json_string_value (json_array_get (json_object_get (process, "env"), 0)), ==, env[0]);
  g_assert_nonnull (json_object_get (json_object_get (read, "linux"), "namespaces"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/spec/defaults", test_defaults);
  g_test_add_func ("/spec/namespaces", test_namespaces);
  g_test_add_func ("/spec/security", test_security);
  g_test_add_func ("/spec/mounts-taken", test_mounts);
  g_test_add_func ("/spec/text", test_text);
  return g_test_run ();
}
