#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/spec/addhost.h"
#include "pkg/spec/device.h"
#include "pkg/spec/env.h"
#include "pkg/spec/security.h"
#include "pkg/spec/sysctl.h"
#include "pkg/spec/ulimit.h"
#include "pkg/spec/values.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static void
assert_text (const GError *error, const char *part)
{
  g_assert_nonnull (error);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" lacks \"%s\"", error->message, part);
}

static void
test_ulimit (void)
{
  struct rlimit now;
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &now), ==, 0);
  const char *const good[] = { "nofile=10:20", "core=0", "nofile=64", "stack=5:-1", NULL }, *const host[] = { "core=0", "host", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) list = spec_ulimits_parse (good, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (list->len, ==, 3);
  g_assert_cmpstr (g_array_index (list, SpecUlimit, 0).name, ==, "RLIMIT_NOFILE");
  g_assert_cmpuint (spec_ulimit_find (list, RLIMIT_NOFILE)->soft, ==, 64);
  g_assert_cmpuint (spec_ulimit_find (list, RLIMIT_NOFILE)->hard, ==, 64);
  g_assert_null (spec_ulimit_find (list, RLIMIT_CPU));
  g_autoptr (GArray) all = spec_ulimits_parse (host, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (all->len, ==, 16);
  g_assert_cmpuint (spec_ulimit_find (all, RLIMIT_NOFILE)->soft, ==, now.rlim_cur);
  g_autoptr (GArray) none = spec_ulimits_parse (NULL, &error);
  g_assert_cmpuint (none->len, ==, 0);
  static const char *const wrong[][2] = {
    { "nofile", "invalid ulimit argument: nofile" }, { "", "invalid ulimit argument" },
    { "files=1", "invalid ulimit type: files" },     { "nofile=1:2:3", "too many limit value arguments" },
    { "nofile=20:10", "must be less than or equal to hard limit: soft: 20, hard: 10" },
    { "nofile=x", "\"x\" is no limit" },             { "nofile=", "\"\" is no limit" },
    { "nofile=1:", "\"\" is no limit" },             { "nofile=-2", "\"-2\" is no limit" },
    { "nofile=99999999999999999999", "is no limit" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      const char *const one[] = { wrong[i][0], NULL };
      g_autoptr (GError) failed = NULL;
      g_assert_null (spec_ulimits_parse (one, &failed));
      assert_text (failed, wrong[i][1]);
    }
}

static void
test_device (void)
{
  const char *const good[] = { "/dev/null", "/dev/zero:/dev/other", "/dev/full:r", "/dev/null:/dev/x:mr", "/dev/zero:/dev/null:w", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = spec_devices_parse (good, &error);
  g_assert_no_error (error);
  static const struct {
    const char *source, *destination, *permissions;
    unsigned minor;
  } want[] = { { "/dev/zero", "/dev/null", "w", 5 }, { "/dev/zero", "/dev/other", "rwm", 5 }, { "/dev/full", "/dev/full", "r", 7 },
               { "/dev/null", "/dev/x", "rm", 3 } };
  g_assert_cmpuint (list->len, ==, G_N_ELEMENTS (want));
  for (guint i = 0; i < list->len; i++)
    {
      const SpecDevice *device = list->pdata[i];
      g_assert_cmpstr (device->source, ==, want[i].source);
      g_assert_cmpstr (device->destination, ==, want[i].destination);
      g_assert_cmpstr (device->permissions, ==, want[i].permissions);
      g_assert_cmpuint (device->minor, ==, want[i].minor);
      g_assert_cmpuint (device->major, ==, 1);
      g_assert_cmpint (device->type, ==, 'c');
    }
  static const struct {
    const char *text, *error;
    int code;
  } wrong[] = {
    { "", "invalid device specification", CORACLE_ERROR_INVALID },
    { "/dev/null:/a:r:w", "invalid device specification", CORACLE_ERROR_INVALID },
    { "dev/null", "must be absolute", CORACLE_ERROR_INVALID },
    { "/dev/null:xyz", "invalid device mode: xyz", CORACLE_ERROR_INVALID },
    { "/dev/null:rr", "invalid device mode: rr", CORACLE_ERROR_INVALID },
    { "/dev/null:/dev/x:rwx", "invalid device mode: rwx", CORACLE_ERROR_INVALID },
    { "/dev/null:/dev/x:", "invalid device mode: ", CORACLE_ERROR_INVALID },
    { "/dev/nonexistent", "stat /dev/nonexistent: no such file or directory", CORACLE_ERROR_NOT_FOUND },
    { "/etc/passwd", "/etc/passwd is not a device node", CORACLE_ERROR_INVALID },
    { "vendor.com/gpu=all", "not supported", CORACLE_ERROR_UNSUPPORTED },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      const char *const one[] = { wrong[i].text, NULL };
      g_autoptr (GError) failed = NULL;
      g_assert_null (spec_devices_parse (one, &failed));
      assert_text (failed, wrong[i].error);
      g_assert_cmpint (failed->code, ==, wrong[i].code);
    }
}

static void
test_device_folder (void)
{
  char *folder = g_dir_make_tmp ("test-device-XXXXXX", NULL);
  g_autofree char *sub = g_build_filename (folder, "sub", NULL), *node = g_build_filename (sub, "null", NULL);
  g_autofree char *file = g_build_filename (folder, "file", NULL), *text = g_strdup_printf ("%s:/dev/all:rw", folder);
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_assert_cmpint (mkdir (sub, 0700), ==, 0);
  /* only root may make one; the folder is then one without devices */
  gboolean made = mknod (node, S_IFCHR | 0600, makedev (1, 3)) == 0;
  const char *const one[] = { text, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = spec_devices_parse (one, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (list->len, ==, made ? 1 : 0);
  if (made)
    {
      const SpecDevice *device = list->pdata[0];
      g_assert_cmpstr (device->source, ==, node);
      g_assert_cmpstr (device->destination, ==, "/dev/all/sub/null");
      g_assert_cmpstr (device->permissions, ==, "rw");
    }
  g_assert_cmpint (path_remove_tree (AT_FDCWD, folder), ==, 0);
  g_free (folder);
}

static void
test_env (void)
{
  const char *const host[] = { "HOME=/h", "ENV1=a", "ENV2=b=c", "=odd", NULL };
  static const char *const added[] = { "A=1", "B=", "A=2", "HOME", "NOTTHERE", "ENV*", "ENV*=x", "C= sp ace ", "HASH=a # b" };
  g_auto (GStrv) env = NULL;
  g_autoptr (GError) error = NULL;
  for (size_t i = 0; i < G_N_ELEMENTS (added); i++)
    g_assert_true (spec_env_add (&env, added[i], host, &error));
  g_autofree char *joined = g_strjoinv ("|", env);
  g_assert_cmpstr (joined, ==, "A=2|B=|HOME=/h|ENV1=a|ENV2=b=c|ENV*=x|C= sp ace |HASH=a # b");
  g_assert_cmpstr (spec_env_get ((const char *const *) env, "ENV2"), ==, "b=c");
  g_assert_null (spec_env_get ((const char *const *) env, "ENV"));
  spec_env_unset (&env, "B");
  spec_env_unset (&env, "NOTTHERE");
  spec_env_set (&env, "A", "3");
  g_assert_cmpstr (env[0], ==, "A=3");
  g_assert_cmpstr (env[1], ==, "HOME=/h");
  g_assert_false (spec_env_add (&env, "=x", host, &error));
  g_assert_cmpstr (error->message, ==, "invalid variable: \"=x\"");
  g_clear_error (&error);
  g_assert_false (spec_env_add (&env, "", host, &error));
  g_auto (GStrv) all = NULL;
  spec_env_unset (&all, "X");
  spec_env_add_all (&all, host);
  g_assert_cmpuint (g_strv_length (all), ==, 3);
}

static void
test_env_file (void)
{
  const char *const host[] = { "HOME=/h", "ENV1=a", NULL };
  char *folder = g_dir_make_tmp ("test-env-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "env", NULL);
  g_assert_true (g_file_set_contents (path, "# comment\n\n  A=1\n\t# x\nHOME\nNO\nB=\"q\" # c\r\nENV*\nC=a=b\n\r\n  \nA=2", -1, NULL));
  g_auto (GStrv) env = NULL;
  g_autoptr (GError) error = NULL;
  g_assert_true (spec_env_add_file (&env, path, host, &error));
  g_assert_no_error (error);
  g_autofree char *joined = g_strjoinv ("|", env);
  g_assert_cmpstr (joined, ==, "A=2|HOME=/h|B=\"q\" # c|ENV1=a|C=a=b");
  g_assert_true (g_file_set_contents (path, "A=1\n=x\n", -1, NULL));
  g_assert_false (spec_env_add_file (&env, path, host, &error));
  assert_text (error, ":2: invalid variable: \"=x\"");
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (path, "A=1\0\n", 5, NULL));
  g_assert_false (spec_env_add_file (&env, path, host, &error));
  assert_text (error, "NUL byte");
  g_clear_error (&error);
  g_assert_false (spec_env_add_file (&env, "/nonexistent/env", host, &error));
  g_assert_cmpstr (error->message, ==, "open /nonexistent/env: no such file or directory");
  g_clear_error (&error);
  g_assert_false (spec_env_add_file (&env, folder, host, &error));
  assert_text (error, folder);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, folder), ==, 0);
  g_free (folder);
}

static void
test_sysctl (void)
{
  static const struct {
    const char *text, *name, *value, *path;
    SpecSysctlNamespace ns;
  } good[] = {
    { "net.ipv4.ip_forward=1", "net.ipv4.ip_forward", "1", "net/ipv4/ip_forward", SPEC_SYSCTL_NET },
    { "net/ipv4/conf/eth0.100/forwarding=1", "net/ipv4/conf/eth0.100/forwarding", "1", "net/ipv4/conf/eth0.100/forwarding", SPEC_SYSCTL_NET },
    { "net.ipv4.conf.eth0/100.forwarding=1", "net.ipv4.conf.eth0/100.forwarding", "1", "net/ipv4/conf/eth0.100/forwarding", SPEC_SYSCTL_NET },
    { "kernel.sem=1 2 3=4", "kernel.sem", "1 2 3=4", "kernel/sem", SPEC_SYSCTL_IPC },
    { "fs.mqueue.msg_max=", "fs.mqueue.msg_max", "", "fs/mqueue/msg_max", SPEC_SYSCTL_IPC },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *name = NULL, *value = NULL;
      SpecSysctlNamespace ns;
      g_autoptr (GError) error = NULL;
      g_assert_true (spec_sysctl_parse (good[i].text, &name, &value, &ns, &error));
      g_autofree char *path = spec_sysctl_path (name);
      g_assert_cmpstr (name, ==, good[i].name);
      g_assert_cmpstr (value, ==, good[i].value);
      g_assert_cmpstr (path, ==, good[i].path);
      g_assert_cmpint (ns, ==, good[i].ns);
      g_assert_true (spec_sysctl_check (name, value, ns, TRUE, TRUE, &error));
      g_assert_false (spec_sysctl_check (name, value, ns, ns != SPEC_SYSCTL_NET, ns != SPEC_SYSCTL_IPC, &error));
      assert_text (error, "can't be set since");
    }
  static const char *const wrong[][2] = {
    { "net.ipv4.ip_forward", "must be in the form of KEY=VALUE" }, { "=1", "must be in the form" },       { "kernel.panic=1", "is not allowed" },
    { "net/../kernel/panic=1", "no name of a kernel parameter" },  { "net..x=1", "no name" },             { "net.=1", "no name" },
    { "/net/x=1", "no name" },                                     { "kernel.semx=1", "is not allowed" }, { "fs.mqueue=1", "is not allowed" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      char *name = NULL, *value = NULL;
      SpecSysctlNamespace ns;
      g_autoptr (GError) error = NULL;
      g_assert_false (spec_sysctl_parse (wrong[i][0], &name, &value, &ns, &error));
      assert_text (error, wrong[i][1]);
      g_assert_null (name);
    }
}

static void
test_add_host (void)
{
  static const struct {
    const char *text, *names, *address, *error;
  } cases[] = {
    { "a:1.2.3.4", "a", "1.2.3.4", NULL },
    { "a;b;c.d:::1", "a b c.d", "::1", NULL },
    { "a:[fd00::2]", "a", "fd00::2", NULL },
    { "gw:host-gateway", "gw", NULL, NULL },
    { "a", NULL, NULL, "bad format for add-host: \"a\"" },
    { ":1.2.3.4", NULL, NULL, "bad format for add-host" },
    { "a;;b:1.2.3.4", NULL, NULL, "bad format for add-host" },
    { "a b:1.2.3.4", NULL, NULL, "bad format for add-host" },
    { "a\nb:1.2.3.4", NULL, NULL, "bad format for add-host" },
    { "a:", NULL, NULL, "invalid IP address in add-host: \"\"" },
    { "a:[", NULL, NULL, "invalid IP address in add-host" },
    { "a:1.2.3.400", NULL, NULL, "invalid IP address in add-host: \"1.2.3.400\"" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SpecAddHost) host = spec_add_host_parse (cases[i].text, &error);
      if (cases[i].error != NULL)
        {
          g_assert_null (host);
          assert_text (error, cases[i].error);
          continue;
        }
      g_assert_no_error (error);
      g_autofree char *names = g_strjoinv (" ", host->names);
      g_assert_cmpstr (names, ==, cases[i].names);
      g_assert_cmpstr (host->address, ==, cases[i].address);
    }
}

static void
test_security (void)
{
  const char *const good[] = { "seccomp=unconfined", "seccomp=/x.json", "no-new-privileges", "mask=/a:/b", "unmask=/proc/*:/sys/firmware", "mask=/c",
                               "proc-opts=hidepid=2,gid=5", "label=disable", "apparmor=unconfined", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SpecSecurity) security = spec_security_parse (good, &error);
  g_assert_no_error (error);
  g_autofree char *mask = g_strjoinv (" ", security->mask), *options = g_strjoinv (" ", security->proc_options);
  g_assert_cmpstr (security->seccomp, ==, "/x.json");
  g_assert_true (security->no_new_privileges);
  g_assert_false (security->unmask_all);
  g_assert_cmpstr (mask, ==, "/a /b /c");
  g_assert_cmpstr (options, ==, "hidepid=2 gid=5");
  g_assert_cmpstr (security->labels[0], ==, "disable");
  g_assert_true (spec_security_unmasks (security, "/proc/kcore"));
  g_assert_true (spec_security_unmasks (security, "/sys/firmware"));
  g_assert_false (spec_security_unmasks (security, "/proc/a/b"));
  g_assert_false (spec_security_unmasks (security, "/sys/fs/selinux"));
  const char *const more[] = { "no-new-privileges:true", "no-new-privileges=false", "label:disable", "systempaths=unconfined", NULL };
  g_autoptr (SpecSecurity) other = spec_security_parse (more, &error);
  g_assert_no_error (error);
  g_assert_false (other->no_new_privileges);
  g_assert_null (other->seccomp);
  g_assert_true (spec_security_unmasks (other, "/sys/fs/selinux"));
  g_autoptr (SpecSecurity) none = spec_security_parse (NULL, &error);
  g_assert_false (spec_security_unmasks (none, "/proc/kcore"));
  static const char *const wrong[][2] = {
    { "", "invalid --security-opt 2: \"\"" },       { "nothing=x", "invalid --security-opt 2: \"nothing=x\"" },
    { "seccomp", "invalid --security-opt 1: \"seccomp\"" }, { "seccomp=", "invalid --security-opt 1" },
    { "mask=a", "\"a\" must be an absolute path" }, { "unmask=/proc/../x", "must be an absolute path" },
    { "no-new-privileges=maybe", "must be \"true\" or \"false\"" }, { "systempaths=all", "must be \"unconfined\"" },
    { "proc-opts=a,,b", "an empty option" },        { "label=what", "invalid label" },
    { "label=type:", "invalid label" },             { "apparmor=some", "apparmor profile \"some\"" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      const char *const one[] = { wrong[i][0], NULL };
      g_autoptr (GError) failed = NULL;
      g_assert_null (spec_security_parse (one, &failed));
      assert_text (failed, wrong[i][1]);
    }
}

static void
test_user (void)
{
  static const struct {
    const char *text, *user, *group;
    int uid, gid;   /* -1 = a name */
    const char *error;
  } cases[] = {
    { "", NULL, NULL, -1, -1, NULL },
    { "root", "root", NULL, -1, -1, NULL },
    { "1000:100", "1000", "100", 1000, 100, NULL },
    { ":adm", NULL, "adm", -1, -1, NULL },
    { "www-data:7", "www-data", "7", -1, 7, NULL },
    { "2147483647", "2147483647", NULL, 2147483647, -1, NULL },
    { "2147483648", NULL, NULL, 0, 0, "in range 0-2147483647" },
    { "-1", NULL, NULL, 0, 0, "in range" },
    { "a:b:c", NULL, NULL, 0, 0, "must be USER[:GROUP]" },
    { "a b", NULL, NULL, 0, 0, "invalid user \"a b\"" },
    { "a\n", NULL, NULL, 0, 0, "invalid user" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SpecUser) user = spec_user_parse (cases[i].text, &error);
      if (cases[i].error != NULL)
        {
          g_assert_null (user);
          assert_text (error, cases[i].error);
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpstr (user->user, ==, cases[i].user);
      g_assert_cmpstr (user->group, ==, cases[i].group);
      g_assert_cmpint (user->user_is_id ? (int) user->uid : -1, ==, cases[i].uid);
      g_assert_cmpint (user->group_is_id ? (int) user->gid : -1, ==, cases[i].gid);
    }
}

static void
test_values (void)
{
  g_autoptr (GError) error = NULL;
  mode_t mask = 1;
  g_assert_true (spec_umask_parse ("0027", &mask, &error));
  g_assert_cmpint (mask, ==, 027);
  static const char *const masks[] = { "", "8", "00022", "0x1", "-1", " 22" };
  for (size_t i = 0; i < G_N_ELEMENTS (masks); i++)
    g_assert_false (spec_umask_parse (masks[i], &mask, NULL));
  guint64 bytes = 1;
  g_assert_true (spec_shm_size_parse ("64m", &bytes, &error));
  g_assert_cmpuint (bytes, ==, 67108864);
  g_assert_true (spec_shm_size_parse ("0", &bytes, &error));
  g_assert_cmpuint (bytes, ==, 0);
  g_assert_false (spec_shm_size_parse ("-1", &bytes, NULL));
  g_assert_false (spec_shm_size_parse ("much", &bytes, &error));
  assert_text (error, "--shm-size");
}

static void
test_timezone (void)
{
  char *folder = g_dir_make_tmp ("test-zone-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "Zone", NULL), *found = NULL;
  g_assert_true (g_file_set_contents (file, "TZif", -1, NULL));
  g_setenv ("TZDIR", folder, TRUE);
  g_autoptr (GError) error = NULL;
  g_assert_true (spec_timezone_file ("Zone", &found, &error));
  g_assert_cmpstr (found, ==, file);
  g_clear_pointer (&found, g_free);
  g_assert_true (spec_timezone_file ("", &found, &error));
  g_assert_null (found);
  static const char *const wrong[] = { "Nowhere", "../Zone", "/etc/passwd", "." };
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) failed = NULL;
      g_assert_false (spec_timezone_file (wrong[i], &found, &failed));
      assert_text (failed, "finding timezone: unknown time zone ");
    }
  g_unsetenv ("TZDIR");
  g_assert_cmpint (path_remove_tree (AT_FDCWD, folder), ==, 0);
  g_free (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/spec/ulimit", test_ulimit);
  g_test_add_func ("/spec/device", test_device);
  g_test_add_func ("/spec/device-folder", test_device_folder);
  g_test_add_func ("/spec/env", test_env);
  g_test_add_func ("/spec/env-file", test_env_file);
  g_test_add_func ("/spec/sysctl", test_sysctl);
  g_test_add_func ("/spec/add-host", test_add_host);
  g_test_add_func ("/spec/security", test_security);
  g_test_add_func ("/spec/user", test_user);
  g_test_add_func ("/spec/values", test_values);
  g_test_add_func ("/spec/timezone", test_timezone);
  return g_test_run ();
}
