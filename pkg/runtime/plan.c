#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/runtime/mountopt.h"
#include "pkg/runtime/hook.h"
#include "pkg/runtime/plan_build.h"
#include "pkg/seccomp/caps.h"
#include "pkg/spec/spec.h"

enum { VECTOR_MAX = 262144 };

typedef struct {
  GByteArray *bytes;
  json_t *config;
  const RuntimeOptions *options;
  GArray *join_fds;
} Build;

/* The plan moves while bytes are appended: always reached anew. */
static RuntimePlan *
plan_of (Build *build)
{
  return (RuntimePlan *) (void *) build->bytes->data;
}

static PlanRef
add_bytes (Build *build, const void *data, size_t size)
{
  static const guint8 zeros[8];
  g_byte_array_append (build->bytes, zeros, (8 - build->bytes->len % 8) % 8);
  PlanRef at = build->bytes->len;
  if (size > 0)
    g_byte_array_append (build->bytes, data, (guint) size);
  return at;
}

static PlanRef
add_text (Build *build, const char *text)
{
  return text == NULL ? 0 : add_bytes (build, text, strlen (text) + 1);
}

static PlanList
add_list (Build *build, GArray *records)
{
  PlanList list = { .n = records->len };
  list.at = add_bytes (build, records->data, (size_t) records->len * g_array_get_element_size (records));
  return list;
}

static PlanList
add_strings (Build *build, const char *const *strings)
{
  g_autoptr (GArray) refs = g_array_new (FALSE, FALSE, sizeof (PlanRef));
  for (; strings != NULL && *strings != NULL; strings++)
    {
      PlanRef ref = add_text (build, *strings);
      g_array_append_val (refs, ref);
    }
  return add_list (build, refs);
}

static char **
string_array (json_t *array)
{
  GPtrArray *strings = g_ptr_array_new ();
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    if (json_is_string (item))
      g_ptr_array_add (strings, g_strdup (json_string_value (item)));
  g_ptr_array_add (strings, NULL);
  return (char **) g_ptr_array_free (strings, FALSE);
}

static PlanList
add_json_strings (Build *build, json_t *array)
{
  g_auto (GStrv) strings = string_array (array);
  return add_strings (build, (const char *const *) strings);
}

static json_t *
get (json_t *object, const char *key)
{
  return json_object_get (object, key);
}

static const char *
get_text (json_t *object, const char *key)
{
  return json_string_value (get (object, key));
}

/* check: what config.json says is not so. */
#define invalid(error, ...) coracle_throw (error, CORACLE_ERROR_INVALID, "config.json: " __VA_ARGS__)

/* get_number: the number at @key: @ret_value keeps its default when it is not there. */
static gboolean
get_number (json_t *object, const char *key, json_int_t min, json_int_t max, json_int_t *ret_value, GError **error)
{
  json_t *value = get (object, key);
  if (value == NULL)
    return TRUE;
  if (!json_is_integer (value) || json_integer_value (value) < min || json_integer_value (value) > max)
    return invalid (error, "%s is not a number from %lld to %lld", key, (long long) min, (long long) max);
  *ret_value = json_integer_value (value);
  return TRUE;
}

/* is_confined: an absolute path that never steps up. */
static gboolean
is_confined (const char *path)
{
  size_t length = path != NULL ? strlen (path) : 0;
  return length > 0 && path[0] == '/' && strstr (path, "/../") == NULL && (length < 3 || strcmp (path + length - 3, "/..") != 0);
}

/* ---- namespaces */

static const struct {
  const char *type;
  guint64 flag;
} namespaces[] = {
  { "pid", CLONE_NEWPID }, { "network", CLONE_NEWNET }, { "ipc", CLONE_NEWIPC }, { "uts", CLONE_NEWUTS }, { "mount", CLONE_NEWNS }, { "cgroup", CLONE_NEWCGROUP }, { "user", CLONE_NEWUSER },
};

static gboolean
add_namespaces (Build *build, GError **error)
{
  g_autoptr (GArray) joins = g_array_new (FALSE, FALSE, sizeof (PlanJoin));
  guint64 flags = CLONE_NEWNS;
  size_t i;
  json_t *item;
  json_array_foreach (get (get (build->config, "linux"), "namespaces"), i, item)
    {
      const char *type = get_text (item, "type");
      const char *path = get_text (item, "path");
      guint64 flag = 0;
      for (size_t k = 0; k < G_N_ELEMENTS (namespaces); k++)
        if (g_strcmp0 (type, namespaces[k].type) == 0)
          flag = namespaces[k].flag;
      if (flag == 0)
        return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "config.json: namespace type %s", type != NULL ? type : "(none)");
      gboolean own_user = flag == CLONE_NEWUSER && path == NULL;
      if (own_user && build->options->user_ns <= 0)
        return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "config.json: a user namespace that is not made beforehand");
      if (path == NULL && !own_user)
        {
          flags |= flag;
          continue;
        }
      int fd = own_user ? fcntl (build->options->user_ns, F_DUPFD_CLOEXEC, 3) : open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
      if (fd < 0)
        {
          int errsv = errno;
          return coracle_throw_errno (error, errsv, "opening %s namespace %s", type, path != NULL ? path : "");
        }
      g_array_append_val (build->join_fds, fd);
      PlanJoin join = { .fd = fd, .flag = (guint32) flag };
      g_array_append_val (joins, join);
    }
  PlanList list = add_list (build, joins);
  RuntimePlan *plan = plan_of (build);
  plan->joins = list;
  plan->give_pipes = build->options->give_pipes;
  plan->pipe_uid = build->options->pipe_uid;
  plan->pipe_gid = build->options->pipe_gid;
  plan->clone_flags = flags;
  plan->pdeathsig = (flags & CLONE_NEWPID) == 0;
  plan->loopback = (flags & CLONE_NEWNET) != 0;
  plan->monitor.kill_group = plan->pdeathsig;
  return TRUE;
}

/* ---- mounts */

static void
add_mount (Build *build, GArray *mounts, json_t *item)
{
  g_auto (GStrv) words = string_array (get (item, "options"));
  MountOptions options;
  mountopt_parse ((const char *const *) words, &options);
  const char *type = get_text (item, "type"), *source = get_text (item, "source"), *target = get_text (item, "destination");
  gboolean bind = options.bind || g_strcmp0 (type, "bind") == 0;
  gboolean cgroup = g_strcmp0 (type, "cgroup") == 0;

  PlanMount mount = { .kind = bind ? PLAN_MOUNT_BIND : PLAN_MOUNT_FS };
  if (bind && source != NULL && source[0] != '/')
    {
      g_autofree char *absolute = g_build_filename (build->options->bundle, source, NULL);
      mount.source = add_text (build, absolute);
    }
  else
    mount.source = add_text (build, source);
  mount.target = add_text (build, target);
  mount.fstype = bind ? 0 : add_text (build, cgroup ? "cgroup2" : type);
  mount.attr_set = options.attr_set;
  mount.attr_clear = options.attr_clear;
  mount.propagation = options.propagation;
  mount.propagation_recursive = options.propagation_recursive;
  if (bind && mount.propagation == 0)
    {
      mount.propagation = MS_PRIVATE;
      mount.propagation_recursive = TRUE;
    }
  if (options.recursive)
    mount.flags |= PLAN_RECURSIVE;
  if (!bind && (cgroup || g_strcmp0 (type, "sysfs") == 0))
    mount.flags |= PLAN_FALLBACK_BIND | PLAN_RECURSIVE;
  if (!bind && (g_strcmp0 (type, "proc") == 0 || g_strcmp0 (type, "sysfs") == 0))
    mount.flags |= PLAN_NO_LINK;
  if (options.copyup)
    mount.flags |= PLAN_COPYUP;
  for (guint i = 0; i < options.data->len; i++)
    {
      if (g_str_has_prefix (options.data->pdata[i], "mode="))
        mount.flags |= PLAN_KEEP_MODE;
      if (g_str_has_prefix (options.data->pdata[i], "uid=") || g_str_has_prefix (options.data->pdata[i], "gid="))
        mount.flags |= PLAN_KEEP_OWNER;
    }
  if (!bind && g_strcmp0 (target, "/dev") == 0)
    mount.flags |= PLAN_DEV;
  if (!bind && g_strcmp0 (type, "devpts") == 0 && g_strcmp0 (target, "/dev/pts") == 0)
    mount.flags |= PLAN_PTS;
  g_ptr_array_add (options.data, NULL);
  if (!bind && !cgroup)
    mount.options = add_strings (build, (const char *const *) options.data->pdata);
  g_array_append_val (mounts, mount);
  mountopt_clear (&options);
}

static gboolean
add_mounts (Build *build, GError **error)
{
  g_autoptr (GArray) mounts = g_array_new (FALSE, FALSE, sizeof (PlanMount));
  size_t i;
  json_t *item;
  json_array_foreach (get (build->config, "mounts"), i, item)
    {
      const char *target = get_text (item, "destination");
      if (target == NULL || target[0] != '/')
        return invalid (error, "mount destination %s is not an absolute path", target != NULL ? target : "(none)");
      add_mount (build, mounts, item);
      const PlanMount *mount = &g_array_index (mounts, PlanMount, mounts->len - 1);
      if (mount->kind == PLAN_MOUNT_BIND ? mount->source == 0 : mount->fstype == 0)
        return invalid (error, "mount on %s has no %s", target, mount->kind == PLAN_MOUNT_BIND ? "source" : "type");
    }
  PlanList list = add_list (build, mounts);
  plan_of (build)->mounts = list;
  return TRUE;
}

/* ---- devices */

static const struct {
  const char *path;
  guint32 major, minor;
} default_devices[] = {
  { "/dev/null", 1, 3 }, { "/dev/zero", 1, 5 }, { "/dev/full", 1, 7 }, { "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

static const char *const default_links[][2] = {
  { "/dev/fd", "/proc/self/fd" },
  { "/dev/stdin", "/proc/self/fd/0" },
  { "/dev/stdout", "/proc/self/fd/1" },
  { "/dev/stderr", "/proc/self/fd/2" },
  { "/dev/core", "/proc/kcore" },
  { "/dev/ptmx", "pts/ptmx" },
};

static void
add_device (Build *build, GArray *devices, const char *path, PlanDevice device)
{
  device.path = add_text (build, path);
  /* a user namespace may not make nodes: the host's of the same number is bound, whose path the spec gives as an annotation of ours, or is the same path */
  g_autofree char *key = g_strconcat (SPEC_DEVICE_SOURCE, path, NULL);
  const char *source = get_text (get (build->config, "annotations"), key);
  if (!build->options->make_nodes)
    device.source = add_text (build, source != NULL ? source : path);
  g_array_append_val (devices, device);
}

static gboolean
add_one_device (Build *build, GArray *devices, json_t *item, GError **error)
{
  static const struct {
    const char *type;
    guint32 mode;
  } types[] = { { "c", S_IFCHR }, { "u", S_IFCHR }, { "b", S_IFBLK }, { "p", S_IFIFO } };
  const char *path = get_text (item, "path"), *type = get_text (item, "type");
  json_int_t mode = 0666, major = 0, minor = 0, uid = 0, gid = 0;
  if (!is_confined (path) || !g_str_has_prefix (path, "/dev/"))
    return invalid (error, "device %s is not below /dev", path != NULL ? path : "(none)");
  if (!get_number (item, "fileMode", 0, G_MAXUINT32, &mode, error) || !get_number (item, "major", 0, G_MAXUINT32, &major, error)
      || !get_number (item, "minor", 0, G_MAXUINT32, &minor, error) || !get_number (item, "uid", 0, G_MAXUINT32, &uid, error)
      || !get_number (item, "gid", 0, G_MAXUINT32, &gid, error))
    return coracle_prefix (error, "device %s", path);
  for (size_t i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_strcmp0 (type, types[i].type) == 0)
      {
        add_device (build, devices, path, (PlanDevice){ .mode = types[i].mode | ((guint32) mode & 07777), .major = (guint32) major, .minor = (guint32) minor,
                                                        .uid = (guint32) uid, .gid = (guint32) gid });
        return TRUE;
      }
  return invalid (error, "device %s has the unknown type %s", path, type != NULL ? type : "(none)");
}

static gboolean
add_devices (Build *build, GError **error)
{
  g_autoptr (GArray) devices = g_array_new (FALSE, FALSE, sizeof (PlanDevice));
  g_autoptr (GArray) links = g_array_new (FALSE, FALSE, sizeof (PlanSysctl));
  for (size_t i = 0; i < G_N_ELEMENTS (default_devices); i++)
    add_device (build, devices, default_devices[i].path,
                (PlanDevice){ .mode = S_IFCHR | 0666, .major = default_devices[i].major, .minor = default_devices[i].minor });
  size_t i;
  json_t *item;
  json_array_foreach (get (get (build->config, "linux"), "devices"), i, item)
    if (!add_one_device (build, devices, item, error))
      return FALSE;
  for (size_t k = 0; k < G_N_ELEMENTS (default_links); k++)
    {
      PlanSysctl link = { .key = add_text (build, default_links[k][0]), .value = add_text (build, default_links[k][1]) };
      g_array_append_val (links, link);
    }
  PlanList device_list = add_list (build, devices);
  PlanList link_list = add_list (build, links);
  plan_of (build)->devices = device_list;
  plan_of (build)->links = link_list;
  return TRUE;
}

/* ---- the process */

static const struct {
  const char *name;
  int resource;
} limits[] = {
  { "RLIMIT_AS", RLIMIT_AS },           { "RLIMIT_CORE", RLIMIT_CORE },     { "RLIMIT_CPU", RLIMIT_CPU },           { "RLIMIT_DATA", RLIMIT_DATA },
  { "RLIMIT_FSIZE", RLIMIT_FSIZE },     { "RLIMIT_LOCKS", RLIMIT_LOCKS },   { "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },   { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
  { "RLIMIT_NICE", RLIMIT_NICE },       { "RLIMIT_NOFILE", RLIMIT_NOFILE }, { "RLIMIT_NPROC", RLIMIT_NPROC },       { "RLIMIT_RSS", RLIMIT_RSS },
  { "RLIMIT_RTPRIO", RLIMIT_RTPRIO },   { "RLIMIT_RTTIME", RLIMIT_RTTIME }, { "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING }, { "RLIMIT_STACK", RLIMIT_STACK },
};

/* limit_value: an unsigned number of 64 bits, which jansson has not: in a config that spec_build made it is its bit pattern, in one read from a file a real number. */
static gboolean
limit_value (json_t *limit, const char *key, guint64 *ret_value)
{
  json_t *value = get (limit, key);
  if (json_is_integer (value))
    *ret_value = (guint64) json_integer_value (value);
  else if (json_is_real (value) && json_real_value (value) >= 9e18)
    *ret_value = G_MAXUINT64;
  else
    return FALSE;
  return TRUE;
}

static gboolean
add_limits (Build *build, json_t *process, GError **error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (PlanLimit));
  size_t i;
  json_t *item;
  json_array_foreach (get (process, "rlimits"), i, item)
    {
      const char *type = get_text (item, "type");
      PlanLimit limit = { .resource = -1 };
      for (size_t k = 0; k < G_N_ELEMENTS (limits); k++)
        if (g_strcmp0 (type, limits[k].name) == 0)
          limit.resource = limits[k].resource;
      if (limit.resource < 0)
        return invalid (error, "unknown rlimit %s", type != NULL ? type : "(none)");
      if (!limit_value (item, "soft", &limit.soft) || !limit_value (item, "hard", &limit.hard))
        return invalid (error, "rlimit %s: soft and hard must be numbers", type);
      g_array_append_val (list, limit);
    }
  PlanList at = add_list (build, list);
  plan_of (build)->limits = at;
  return TRUE;
}

static gboolean
cap_mask (json_t *names, guint64 *ret_mask, GError **error)
{
  size_t i;
  json_t *item;
  *ret_mask = 0;
  json_array_foreach (names, i, item)
    {
      const char *name = json_string_value (item);
      int cap = name != NULL ? caps_parse (name) : -1;
      if (cap < 0)
        return invalid (error, "unknown capability %s", name != NULL ? name : "(none)");
      *ret_mask |= G_GUINT64_CONSTANT (1) << cap;
    }
  return TRUE;
}

static gboolean
add_caps (Build *build, json_t *process, GError **error)
{
  json_t *caps = get (process, "capabilities");
  PlanCaps masks = { 0 };
  if (!cap_mask (get (caps, "bounding"), &masks.bounding, error) || !cap_mask (get (caps, "effective"), &masks.effective, error)
      || !cap_mask (get (caps, "permitted"), &masks.permitted, error) || !cap_mask (get (caps, "inheritable"), &masks.inheritable, error)
      || !cap_mask (get (caps, "ambient"), &masks.ambient, error))
    return FALSE;
  plan_of (build)->caps = masks;
  return TRUE;
}

/* exec_paths: what execve is tried with: the command itself when it names a folder, else it in each folder of the container's PATH. */
static PlanList
add_exec_paths (Build *build, const char *command, char **env)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  if (strchr (command, '/') != NULL)
    g_ptr_array_add (paths, g_strdup (command));
  else
    {
      const char *path = g_environ_getenv (env, "PATH");
      g_auto (GStrv) folders = g_strsplit (path != NULL ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ":", -1);
      for (char **folder = folders; *folder != NULL; folder++)
        if (command[0] != '\0')
          g_ptr_array_add (paths, g_strconcat ((*folder)[0] != '\0' ? *folder : ".", "/", command, NULL));
    }
  g_ptr_array_add (paths, NULL);
  return add_strings (build, (const char *const *) paths->pdata);
}

static gboolean
add_user (Build *build, json_t *user, GError **error)
{
  /* -1 is no id: setresuid(2) takes it for "leave as it is" */
  const json_int_t last = (json_int_t) G_MAXUINT32 - 1;
  json_int_t uid = 0, gid = 0, mask = 0;
  if (!get_number (user, "uid", 0, last, &uid, error) || !get_number (user, "gid", 0, last, &gid, error) || !get_number (user, "umask", 0, 07777, &mask, error))
    return coracle_prefix (error, "process.user");
  g_autoptr (GArray) groups = g_array_new (FALSE, FALSE, sizeof (guint32));
  size_t i;
  json_t *item;
  json_array_foreach (get (user, "additionalGids"), i, item)
    {
      if (!json_is_integer (item) || json_integer_value (item) < 0 || json_integer_value (item) > last)
        return invalid (error, "process.user.additionalGids: not a group id");
      guint32 group = (guint32) json_integer_value (item);
      g_array_append_val (groups, group);
    }
  PlanList list = add_list (build, groups);
  RuntimePlan *plan = plan_of (build);
  plan->groups = list;
  plan->uid = (guint32) uid;
  plan->gid = (guint32) gid;
  plan->has_umask = get (user, "umask") != NULL;
  plan->umask = (guint32) mask;
  return TRUE;
}

static gboolean
add_process (Build *build, GError **error)
{
  json_t *process = get (build->config, "process");
  g_auto (GStrv) argv = string_array (get (process, "args"));
  g_auto (GStrv) env = string_array (get (process, "env"));
  const char *folder = get_text (process, "cwd");
  json_int_t score = 0;
  if (argv[0] == NULL)
    return invalid (error, "process.args is empty");
  if (folder != NULL && folder[0] != '/')
    return invalid (error, "process.cwd %s is not an absolute path", folder);
  /* init has the vectors on its stack; the kernel takes no more than this either: execve(2), a quarter of the stack */
  if (g_strv_length (argv) + g_strv_length (env) > VECTOR_MAX)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "runtime: open executable: `%s`: %s", argv[0], g_strerror (E2BIG));
  if (!get_number (process, "oomScoreAdj", -1000, 1000, &score, error))
    return FALSE;
  PlanList argv_list = add_strings (build, (const char *const *) argv);
  PlanList env_list = add_strings (build, (const char *const *) env);
  PlanList paths = add_exec_paths (build, argv[0], env);
  PlanRef cwd = add_text (build, folder);
  RuntimePlan *plan = plan_of (build);
  plan->argv = argv_list;
  plan->envp = env_list;
  plan->exec_paths = paths;
  plan->cwd = cwd;
  plan->terminal = json_is_true (get (process, "terminal"));
  plan->no_new_privileges = json_is_true (get (process, "noNewPrivileges"));
  const char *domain = get_text (get (get (build->config, "linux"), "personality"), "domain");
  if (domain != NULL && strcmp (domain, "LINUX") != 0 && strcmp (domain, "LINUX32") != 0)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "unknown persona specified `%s`", domain);
  plan->has_personality = domain != NULL;
  plan->personality = g_strcmp0 (domain, "LINUX32") == 0 ? PER_LINUX32 : PER_LINUX;
  plan->has_oom_score_adj = get (process, "oomScoreAdj") != NULL;
  plan->oom_score_adj = (gint32) score;
  return add_user (build, get (process, "user"), error) && add_caps (build, process, error) && add_limits (build, process, error);
}

/* ---- linux.* and the rest */

static gboolean
add_sysctls (Build *build, GError **error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (PlanSysctl));
  const char *key;
  json_t *value;
  json_object_foreach (get (get (build->config, "linux"), "sysctl"), key, value)
  {
    /* sysctl.d(5): dots and slashes change places when the first separator is a dot */
    g_autofree char *path = g_strconcat ("sys/", key, NULL);
    const char *first = strpbrk (path + 4, "./");
    if (first != NULL && *first == '.')
      for (char *at = path + 4; *at != '\0'; at++)
        *at = *at == '.' ? '/' : *at == '/' ? '.' : *at;
    if (!is_confined (path + 3) || path[4] == '\0' || !json_is_string (value))
      return invalid (error, "sysctl %s", key);
    PlanSysctl sysctl = { .key = add_text (build, path), .value = add_text (build, json_string_value (value)) };
    g_array_append_val (list, sysctl);
  }
  PlanList at = add_list (build, list);
  plan_of (build)->sysctls = at;
  return TRUE;
}

static gboolean
add_hooks (Build *build, const char *const *phases, PlanList *ret_list, GError **error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (PlanHook));
  for (; *phases != NULL; phases++)
    {
      size_t i;
      json_t *item;
      json_array_foreach (get (get (build->config, "hooks"), *phases), i, item)
        {
          const char *path = get_text (item, "path");
          json_int_t timeout = 0;
          if (path == NULL || path[0] != '/')
            return invalid (error, "%s hook: path %s is not an absolute path", *phases, path != NULL ? path : "(none)");
          if (!get_number (item, "timeout", 1, G_MAXINT / 1000, &timeout, error))
            return coracle_prefix (error, "%s hook %s", *phases, path);
          PlanHook hook = {
            .path = add_text (build, path),
            .argv = add_json_strings (build, get (item, "args")),
            .envp = add_json_strings (build, get (item, "env")),
            .timeout_seconds = (guint32) timeout,
          };
          g_array_append_val (list, hook);
        }
    }
  *ret_list = add_list (build, list);
  return TRUE;
}

static gboolean
add_all_hooks (Build *build, GError **error)
{
  PlanList runtime, container, start;
  if (!add_hooks (build, (const char *const[]){ "prestart", "createRuntime", NULL }, &runtime, error)
      || !add_hooks (build, (const char *const[]){ "createContainer", NULL }, &container, error)
      || !add_hooks (build, (const char *const[]){ "startContainer", NULL }, &start, error))
    return FALSE;
  g_autofree char *state = runtime_hook_state (build->config, build->options->id, build->options->bundle);
  PlanRef state_json = add_text (build, state);
  RuntimePlan *plan = plan_of (build);
  plan->hooks_runtime = runtime;
  plan->hooks_container = container;
  plan->hooks_start = start;
  plan->state_json = state_json;
  return TRUE;
}

static gboolean
add_root (Build *build, GError **error)
{
  json_t *root = get (build->config, "root");
  const char *path = get_text (root, "path");
  if (path == NULL)
    return invalid (error, "root.path is missing");
  g_autofree char *absolute = path[0] == '/' ? g_strdup (path) : g_build_filename (build->options->bundle, path, NULL);
  PlanRef rootfs = add_text (build, absolute);
  json_t *linux_section = get (build->config, "linux");
  PlanRef hostname = add_text (build, get_text (build->config, "hostname"));
  PlanRef domainname = add_text (build, get_text (build->config, "domainname"));
  PlanList masked = add_json_strings (build, get (linux_section, "maskedPaths"));
  PlanList readonly = add_json_strings (build, get (linux_section, "readonlyPaths"));
  const char *propagation = get_text (linux_section, "rootfsPropagation");
  MountOptions parsed;
  mountopt_parse ((const char *const[]){ propagation, NULL }, &parsed);
  RuntimePlan *plan = plan_of (build);
  plan->rootfs = rootfs;
  plan->root_readonly = json_is_true (get (root, "readonly"));
  plan->root_propagation = parsed.propagation | (parsed.propagation_recursive ? MS_REC : 0);
  plan->hostname = hostname;
  plan->domainname = domainname;
  plan->masked = masked;
  plan->readonly = readonly;
  mountopt_clear (&parsed);
  return TRUE;
}

static void
add_programs (Build *build)
{
  const RuntimeOptions *options = build->options;
  const SeccompFilter *filter = options->seccomp, *single = options->seccomp_single;
  PlanRef program = filter != NULL && filter->n > 0 ? add_bytes (build, filter->program, filter->n * sizeof *filter->program) : 0;
  PlanRef single_program = single != NULL && single->n > 0 ? add_bytes (build, single->program, single->n * sizeof *single->program) : 0;
  PlanRef slirp = 0, network = 0;
  if (options->slirp != NULL)
    {
      network = add_bytes (build, options->slirp, options->slirp_size);
      g_autofree char *path = g_build_filename (options->paths->libexec, "coracle-slirp", NULL);
      slirp = add_text (build, path);
    }
  PlanRef ports = 0;
  if (options->exec == NULL && options->n_port_fds > 0)
    {
      g_autofree char *path = g_build_filename (options->paths->libexec, "coracle-port", NULL);
      ports = add_text (build, path);
    }
  RuntimePlan *plan = plan_of (build);
  plan->port_program = ports;
  plan->seccomp = program;
  plan->n_seccomp = program != 0 ? (guint32) filter->n : 0;
  plan->seccomp_flags = program != 0 ? filter->flags : 0;
  plan->seccomp_single = single_program;
  plan->n_seccomp_single = single_program != 0 ? (guint32) single->n : 0;
  plan->slirp_program = slirp;
  plan->network = network;
  plan->accel = (guint8) (options->slirp != NULL && options->accel);
}

/* put_program: an argv into one of MonitorStart's. */
static gboolean
put_program (char to[16][256], const char *const *argv, GError **error)
{
  for (size_t i = 0; argv != NULL && argv[i] != NULL; i++)
    if (i + 1 >= 16 || g_strlcpy (to[i], argv[i], sizeof to[i]) >= sizeof to[i])
      return coracle_throw (error, CORACLE_ERROR_INVALID, "path too long for a command of the monitor: %s", argv[i]);
  return TRUE;
}

static gboolean
fill_monitor (Build *build, GError **error)
{
  const RuntimeOptions *options = build->options;
  MonitorStart *monitor = &plan_of (build)->monitor;
  *monitor = (MonitorStart){
    .magic = MONITOR_START_MAGIC, .init_pidfd = -1, .client = options->client, .client_pidfd = -1, .held = -1, .run_dir = options->run_dir, .root_fd = options->root_fd,
    .cgroup = options->cgroup != NULL ? options->cgroup->fd : -1,
    .program_fd = -1, .pty = -1, .port_socket = -1, .port_table = options->n_port_fds > 0 && options->exec == NULL ? options->port_table : -1,
    .stdin_fd = options->stdin_write, .stdout_fd = -1, .stderr_fd = -1, .out_fd = options->out_fd, .err_fd = options->err_fd,
    .stop_signal = options->stop_signal, .timeout_us = options->timeout_us, .stop_timeout_us = options->stop_timeout_us,
    .kill_group = plan_of (build)->pdeathsig, .listener = options->listener, .notify = options->notify, .notify_host = options->notify_host, .log = options->log,
    .health_clock = options->health_clock, .restart = (uint8_t) options->restart, .tell_started = (uint8_t) options->tell_started, .exec_dir = options->exec != NULL ? options->exec->folder : -1,
  };
  g_strlcpy (monitor->id, options->id, sizeof monitor->id);
  return put_program (monitor->cleanup, options->cleanup, error) && put_program (monitor->health, options->health, error);
}

static gboolean
add_container (Build *build, GError **error)
{
  return add_namespaces (build, error) && add_root (build, error) && add_mounts (build, error) && add_process (build, error) && add_devices (build, error) && add_sysctls (build, error)
         && add_all_hooks (build, error);
}

static void
add_exec (Build *build)
{
  const RuntimeExec *exec = build->options->exec;
  plan_of (build)->exec_pidfd = plan_of (build)->exec_cgroup = -1;
  if (exec == NULL)
    return;
  RuntimePlan *plan = plan_of (build);
  plan->exec_pidfd = exec->init_pidfd;
  plan->exec_cgroup = exec->cgroup;
  plan->exec_flags = exec->flags;
}

static void
add_kept (Build *build)
{
  const RuntimeOptions *options = build->options;
  const RuntimeExec *exec = options->exec;
  g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_append_vals (fds, exec != NULL ? exec->kept : options->kept, exec != NULL ? exec->n_kept : options->n_kept);
  for (guint i = 0; exec == NULL && i < options->preserve_fds; i++)
    {
      int fd = 3 + (int) i;
      g_array_append_val (fds, fd);
    }
  PlanRef kept = add_bytes (build, fds->data, fds->len * sizeof (int)), from = add_bytes (build, fds->data, fds->len * sizeof (int));
  RuntimePlan *plan = plan_of (build);
  plan->kept = (PlanList){ kept, fds->len };
  plan->kept_from = (PlanList){ from, fds->len };
  plan->kept_again = exec == NULL && options->kept_again;
}

GByteArray *
runtime_plan_build (json_t *config, const RuntimeOptions *options, GArray **ret_join_fds, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_sized_new (65536);
  g_byte_array_set_size (bytes, sizeof (RuntimePlan));
  memset (bytes->data, 0, sizeof (RuntimePlan));
  g_autoptr (GArray) join_fds = g_array_new (FALSE, FALSE, sizeof (int));
  Build build = { .bytes = bytes, .config = config, .options = options, .join_fds = join_fds };
  if ((options->exec == NULL ? !add_container (&build, error) : !add_process (&build, error)) || !fill_monitor (&build, error))
    {
      for (guint i = 0; i < join_fds->len; i++)
        fd_close (g_array_index (join_fds, int, i));
      return NULL;
    }
  add_programs (&build);
  add_exec (&build);
  add_kept (&build);
  RuntimePlan *plan = plan_of (&build);
  plan->magic = PLAN_MAGIC;
  plan->size = bytes->len;
  plan->held = options->hold;
  plan->rows = (guint16) options->rows;
  plan->columns = (guint16) options->columns;
  plan->keep_groups = options->keep_groups;
  *ret_join_fds = g_steal_pointer (&join_fds);
  return g_steal_pointer (&bytes);
}
