#include "pkg/spec/spec.h"

#include <string.h>
#include <unistd.h>

#include "pkg/seccomp/caps.h"

/* Podman's defaults: podman-run(1) --security-opt mask and unmask */
static const char *const masked_paths[] = {
  "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/proc/interrupts",
  "/sys/dev/block", "/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/selinux",
};
static const char *const readonly_paths[] = { "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" };

static json_t *
strings (const char *const *list)
{
  json_t *array = json_array ();
  for (; list != NULL && *list != NULL; list++)
    json_array_append_new (array, json_string (*list));
  return array;
}

static json_t *
caps_array (uint64_t mask)
{
  json_t *array = json_array ();
  for (int cap = 0; cap < 64; cap++)
    if (mask >> cap & 1 && caps_name (cap) != NULL)
      json_array_append_new (array, json_string (caps_name (cap)));
  return array;
}

static json_t *
user_object (const SpecInput *input)
{
  json_t *user = json_pack ("{s:I, s:I, s:I}", "uid", (json_int_t) input->uid, "gid", (json_int_t) input->gid, "umask", (json_int_t) input->umask);
  if (input->groups != NULL && input->groups->len > 0)
    {
      json_t *groups = json_array ();
      for (guint i = 0; i < input->groups->len; i++)
        json_array_append_new (groups, json_integer (g_array_index (input->groups, uint32_t, i)));
      json_object_set_new (user, "additionalGids", groups);
    }
  return user;
}

static json_t *
process_object (const SpecInput *input)
{
  json_t *caps = json_pack ("{s:o, s:o, s:o}", "bounding", caps_array (input->caps_bounding), "effective", caps_array (input->caps_effective), "permitted",
                            caps_array (input->caps_effective));
  if (input->caps_ambient != 0)
    {
      json_object_set_new (caps, "inheritable", caps_array (input->caps_ambient));
      json_object_set_new (caps, "ambient", caps_array (input->caps_ambient));
    }
  json_t *process = json_pack ("{s:b, s:o, s:o, s:o, s:s, s:o}", "terminal", input->terminal, "user", user_object (input), "args", strings (input->args), "env",
                               strings (input->env), "cwd", input->cwd, "capabilities", caps);
  if (input->security != NULL && input->security->no_new_privileges)
    json_object_set_new (process, "noNewPrivileges", json_true ());
  if (input->rlimits != NULL)
    json_object_set (process, "rlimits", input->rlimits);
  if (input->oom_score_adj != NULL)
    json_object_set_new (process, "oomScoreAdj", json_integer (*input->oom_score_adj));
  return process;
}

static void
add_namespace (json_t *array, const char *type, const SpecNamespace *space)
{
  if (space->kind == SPEC_HOST)
    return;
  json_t *item = json_pack ("{s:s}", "type", type);
  if (space->kind == SPEC_PATH)
    json_object_set_new (item, "path", json_string (space->path));
  json_array_append_new (array, item);
}

static json_t *
namespaces_array (const SpecInput *input)
{
  json_t *array = json_array ();
  add_namespace (array, "pid", &input->pid);
  add_namespace (array, "network", &input->network);
  add_namespace (array, "ipc", &input->ipc);
  add_namespace (array, "uts", &input->uts);
  add_namespace (array, "mount", &(SpecNamespace){ SPEC_PRIVATE, NULL });
  add_namespace (array, "cgroup", &input->cgroup);
  if (input->ids != NULL)
    add_namespace (array, "user", &(SpecNamespace){ SPEC_PRIVATE, NULL });
  return array;
}

static void
add_mount (json_t *mounts, const char *type, const char *source, const char *destination, const char *const *options)
{
  json_array_append_new (mounts, json_pack ("{s:s, s:s, s:s, s:o}", "destination", destination, "type", type, "source", source, "options", strings (options)));
}

static void
add_proc (json_t *mounts, const SpecInput *input)
{
  if (input->pid.kind == SPEC_HOST && input->own_user_namespace)
    {
      /* a proc filesystem of a pid namespace that our user namespace does not own cannot be mounted: the host's own is shown */
      add_mount (mounts, "bind", "/proc", "/proc", (const char *const[]){ "rbind", "nosuid", "noexec", "nodev", NULL });
      return;
    }
  g_autoptr (GPtrArray) options = g_ptr_array_new ();
  g_ptr_array_add (options, (char *) "nosuid");
  g_ptr_array_add (options, (char *) "noexec");
  g_ptr_array_add (options, (char *) "nodev");
  for (char **word = input->security != NULL ? input->security->proc_options : NULL; word != NULL && *word != NULL; word++)
    g_ptr_array_add (options, *word);
  g_ptr_array_add (options, NULL);
  add_mount (mounts, "proc", "proc", "/proc", (const char *const *) options->pdata);
}

static void
add_sys (json_t *mounts, const SpecInput *input)
{
  const char *access = input->privileged ? "rw" : "ro";
  if (input->network.kind == SPEC_PRIVATE || input->own_network_namespace || !input->own_user_namespace)
    add_mount (mounts, "sysfs", "sysfs", "/sys", (const char *const[]){ "nosuid", "noexec", "nodev", access, NULL });
  else
    add_mount (mounts, "bind", "/sys", "/sys", (const char *const[]){ "rbind", "nosuid", "noexec", "nodev", access, NULL });
  if (input->cgroup.kind == SPEC_PRIVATE)
    add_mount (mounts, "cgroup", "cgroup", "/sys/fs/cgroup", (const char *const[]){ "rprivate", "nosuid", "noexec", "nodev", "relatime", input->systemd ? "rw" : access, NULL });
}

static void
add_dev (json_t *mounts, const SpecInput *input)
{
  add_mount (mounts, "tmpfs", "tmpfs", "/dev", (const char *const[]){ "nosuid", "noexec", "strictatime", "mode=755", "size=65536k", NULL });
  add_mount (mounts, "devpts", "devpts", "/dev/pts", (const char *const[]){ "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", NULL });
  if (input->ipc.kind == SPEC_HOST)
    {
      /* the host's own, where it has them: an ipc namespace that our user namespace does not own cannot be mounted */
      static const char *const shared[] = { "/dev/mqueue", "/dev/shm" };
      for (size_t i = 0; i < G_N_ELEMENTS (shared); i++)
        if (access (shared[i], F_OK) == 0)
          add_mount (mounts, "bind", shared[i], shared[i], (const char *const[]){ "rbind", "nosuid", "noexec", "nodev", NULL });
      return;
    }
  /* not of an ipc namespace that our own user namespace does not own */
  if (input->ipc.kind != SPEC_PATH || input->ids == NULL)
    add_mount (mounts, "mqueue", "mqueue", "/dev/mqueue", (const char *const[]){ "nosuid", "noexec", "nodev", NULL });
  g_autofree char *size = input->shm_size != 0 ? g_strdup_printf ("size=%" G_GUINT64_FORMAT, input->shm_size) : NULL;
  if (input->shm != NULL)
    add_mount (mounts, "bind", input->shm, "/dev/shm", (const char *const[]){ "bind", "nosuid", "noexec", "nodev", NULL });
  else if (!input->no_shm)
    add_mount (mounts, "tmpfs", "shm", "/dev/shm", (const char *const[]){ "nosuid", "noexec", "nodev", "mode=1777", size, NULL });
}

/* has_destination: a mount of the user's takes the place of a default one. */
static gboolean
has_destination (json_t *mounts, const char *destination)
{
  size_t i;
  json_t *item;
  json_array_foreach (mounts, i, item)
    if (g_strcmp0 (json_string_value (json_object_get (item, "destination")), destination) == 0)
      return TRUE;
  return FALSE;
}

static json_t *
mounts_array (const SpecInput *input)
{
  json_auto_t *defaults = json_array ();
  json_t *mounts = json_array ();
  add_proc (defaults, input);
  add_dev (defaults, input);
  add_sys (defaults, input);
  size_t i;
  json_t *item;
  json_array_foreach (defaults, i, item)
    if (!has_destination (input->mounts, json_string_value (json_object_get (item, "destination"))))
      json_array_append (mounts, item);
  if (input->mounts != NULL)
    json_array_extend (mounts, input->mounts);
  return mounts;
}

static json_t *
paths_array (const SpecInput *input, const char *const *paths, size_t n, const char *const *more)
{
  json_t *array = json_array ();
  for (size_t i = 0; i < n && !input->privileged; i++)
    if (input->security == NULL || !spec_security_unmasks (input->security, paths[i]))
      json_array_append_new (array, json_string (paths[i]));
  for (; more != NULL && *more != NULL; more++)
    json_array_append_new (array, json_string (*more));
  return array;
}

static json_t *
mappings (const IdRange *ranges, size_t n)
{
  json_t *array = json_array ();
  for (size_t i = 0; i < n; i++)
    json_array_append_new (array, json_pack ("{s:I, s:I, s:I}", "containerID", (json_int_t) ranges[i].inside, "hostID", (json_int_t) ranges[i].outside, "size", (json_int_t) ranges[i].count));
  return array;
}

static json_t *
linux_object (const SpecInput *input)
{
  json_t *object = json_pack ("{s:o, s:o, s:o}", "namespaces", namespaces_array (input), "maskedPaths",
                              paths_array (input, masked_paths, G_N_ELEMENTS (masked_paths), input->security != NULL ? (const char *const *) input->security->mask : NULL), "readonlyPaths",
                              paths_array (input, readonly_paths, G_N_ELEMENTS (readonly_paths), input->read_only_dev ? (const char *const[]){ "/dev", NULL } : NULL));
  if (input->personality != NULL)
    json_object_set_new (object, "personality", json_pack ("{s:s}", "domain", input->personality));
  if (input->ids != NULL)
    {
      json_object_set_new (object, "uidMappings", mappings (input->ids->uids, input->ids->n_uids));
      json_object_set_new (object, "gidMappings", mappings (input->ids->gids, input->ids->n_gids));
    }
  if (input->sysctl != NULL && json_object_size (input->sysctl) > 0)
    json_object_set (object, "sysctl", input->sysctl);
  if (input->devices != NULL && json_array_size (input->devices) > 0)
    json_object_set (object, "devices", input->devices);
  if (input->resources != NULL && json_object_size (input->resources) > 0)
    json_object_set (object, "resources", input->resources);
  if (input->root_propagation != NULL)
    json_object_set_new (object, "rootfsPropagation", json_string (input->root_propagation));
  return object;
}

json_t *
spec_build (const SpecInput *input)
{
  json_t *config = json_pack ("{s:s, s:o, s:{s:s, s:b}, s:o, s:o}", "ociVersion", "1.0.2", "process", process_object (input), "root", "path", input->rootfs, "readonly",
                              input->read_only, "mounts", mounts_array (input), "linux", linux_object (input));
  if (input->hostname != NULL)
    json_object_set_new (config, "hostname", json_string (input->hostname));
  if (input->annotations != NULL && json_object_size (input->annotations) > 0)
    json_object_set (config, "annotations", input->annotations);
  if (input->hooks != NULL)
    json_object_set (config, "hooks", input->hooks);
  return config;
}

static const char limits_mark[] = "\"rlimits\":[";

/* put_limits: copy the text of process.rlimits from @at up to the end of its array, its negative numbers written as unsigned ones. Returns what follows. */
static const char *
put_limits (GString *out, const char *at)
{
  for (; *at != '\0' && *at != ']'; at++)
    if (at[0] == ':' && at[1] == '-')
      {
        char *end;
        gint64 value = g_ascii_strtoll (at + 1, &end, 10);
        g_string_append_printf (out, ":%" G_GUINT64_FORMAT, (guint64) value);
        at = end - 1;
      }
    else
      g_string_append_c (out, *at);
  return at;
}

void
spec_fold (char *text)
{
  char *at = strstr (text, limits_mark), *end;
  if (at == NULL)
    return;
  for (at += strlen (limits_mark); *at != '\0' && *at != ']'; at++)
    {
      if (*at != ':' || !g_ascii_isdigit (at[1]))
        continue;
      guint64 value = g_ascii_strtoull (at + 1, &end, 10);
      if (value <= G_MAXINT64)
        continue;
      /* a large one has at least 19 digits, so that the small negative one has room; spaces fill the rest */
      char small[24];
      int length = g_snprintf (small, sizeof small, "%" G_GINT64_FORMAT, (gint64) value);
      if (length > end - (at + 1))
        continue;
      memset (at + 1, ' ', (size_t) (end - (at + 1)));
      memcpy (at + 1, small, (size_t) length);
      at = end - 1;
    }
}

char *
spec_text (json_t *config, const char *seccomp)
{
  static const char linux_mark[] = "\"linux\":{";
  g_autofree char *text = json_dumps (config, JSON_COMPACT);
  g_autoptr (GString) out = g_string_sized_new (strlen (text) + (seccomp != NULL ? strlen (seccomp) : 0) + 64);
  /* in a string the quotes of such a mark would be escaped: what is found is a key */
  const char *at = text, *limits = strstr (text, limits_mark);
  if (limits != NULL)
    {
      limits += strlen (limits_mark);
      g_string_append_len (out, at, limits - at);
      at = put_limits (out, limits);
    }
  const char *section = seccomp != NULL ? strstr (at, linux_mark) : NULL;
  if (section != NULL)
    {
      section += strlen (linux_mark);
      g_string_append_len (out, at, section - at);
      g_string_append_printf (out, "\"seccomp\":%s%s", seccomp, *section == '}' ? "" : ",");
      at = section;
    }
  g_string_append (out, at);
  return g_string_free (g_steal_pointer (&out), FALSE);
}
