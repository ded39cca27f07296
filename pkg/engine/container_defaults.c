#include "pkg/engine/container_defaults.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/config/containers_conf.h"
#include "pkg/engine/container_network.h"
#include "pkg/engine/oci_runtime.h"
#include "pkg/events/event.h"
#include "pkg/spec/values.h"

#define MOUNTS_LIMIT ((size_t) 1 << 16)

typedef enum { TEXT, LIST, NUMBER, FLAG } Kind;

/* Source: containers.conf(5) */
#define KEY(key, kind, field) { key, kind, offsetof (ContainerOptions, field) }
static const struct {
  const char *key;
  Kind kind;
  size_t at;
} keys[] = {
  KEY ("annotations", LIST, annotation),           KEY ("base_hosts_file", TEXT, base_hosts_file), KEY ("host_containers_internal_ip", TEXT, host_internal), KEY ("cgroupns", TEXT, cgroupns),
  KEY ("cgroup_conf", LIST, cgroup_conf),          KEY ("cgroups", TEXT, cgroups),                 KEY ("pids_limit", NUMBER, default_pids_limit),
  KEY ("container_name_as_hostname", FLAG, name_as_hostname), KEY ("default_capabilities", LIST, default_caps), KEY ("default_sysctls", LIST, default_sysctl),
  KEY ("default_ulimits", LIST, default_ulimit),   KEY ("devices", LIST, device),                  KEY ("dns_options", LIST, dns_option),
  KEY ("dns_searches", LIST, dns_search),          KEY ("dns_servers", LIST, dns),                 KEY ("env", LIST, default_env),
  KEY ("env_host", FLAG, env_host),                KEY ("http_proxy", FLAG, http_proxy),           KEY ("init", FLAG, init),
  KEY ("init_path", TEXT, init_path),              KEY ("ipcns", TEXT, ipc),                       KEY ("log_driver", TEXT, log_driver),
  KEY ("log_size_max", NUMBER, default_log_size),  KEY ("mounts", LIST, default_mounts),
  KEY ("no_hosts", FLAG, no_hosts),               KEY ("oom_score_adj", NUMBER, oom_score_adj),
  KEY ("pidns", TEXT, pid),                        KEY ("privileged", FLAG, privileged),           KEY ("read_only", FLAG, read_only),
  KEY ("seccomp_profile", TEXT, default_seccomp),
  KEY ("tz", TEXT, tz),                            KEY ("umask", TEXT, umask),                     KEY ("userns", TEXT, userns),
  KEY ("utsns", TEXT, uts),                        KEY ("volumes", LIST, default_volumes),
};

static gboolean
fail (const char *key, const char *wanted, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_INVALID, "containers.conf: containers.%s: must be %s", key, wanted);
}

static gboolean
set_list (char ***list, const char *key, const json_t *value, GError **error)
{
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  size_t i;
  json_t *item;
  if (!json_is_array (value))
    return fail (key, "an array of strings", error);
  json_array_foreach (value, i, item)
    {
      if (!json_is_string (item))
        return fail (key, "an array of strings", error);
      g_strv_builder_add (words, json_string_value (item));
    }
  g_strfreev (*list);
  *list = g_strv_builder_end (words);
  return TRUE;
}

static gboolean
set_field (ContainerOptions *options, size_t i, const json_t *value, GError **error)
{
  void *at = (char *) options + keys[i].at;
  switch (keys[i].kind)
    {
    case LIST:
      return set_list (at, keys[i].key, value, error);
    case TEXT:
      if (!json_is_string (value))
        return fail (keys[i].key, "a string", error);
      g_free (*(char **) at);
      *(char **) at = json_string_value (value)[0] != '\0' ? g_strdup (json_string_value (value)) : NULL;
      return TRUE;
    case NUMBER:
      if (!json_is_integer (value))
        return fail (keys[i].key, "a number", error);
      *(gint64 *) at = json_integer_value (value);
      return TRUE;
    case FLAG:
      if (!json_is_boolean (value))
        return fail (keys[i].key, "true or false", error);
      *(gboolean *) at = json_is_true (value);
      return TRUE;
    }
  return TRUE;
}

static gboolean
set_shm_size (ContainerOptions *options, const json_t *value, GError **error)
{
  guint64 bytes;
  if (value == NULL)
    return TRUE;
  if (!json_is_string (value))
    return fail ("shm_size", "a string", error);
  if (!spec_shm_size_parse (json_string_value (value), &bytes, error))
    return coracle_prefix (error, "containers.conf: containers.shm_size");
  options->shm_size = (gint64) bytes;
  return TRUE;
}

static gboolean
set_pull_policy (ContainerOptions *options, const json_t *value, GError **error)
{
  static const char *const policies[] = { "always", "missing", "never", "newer", NULL };
  const char *policy = json_string_value (value);
  if (value == NULL || (policy != NULL && *policy == '\0'))
    return TRUE;
  if (policy == NULL || !g_strv_contains (policies, policy))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "containers.conf: engine.pull_policy: must be always, missing, never or newer");
  g_free (options->pull);
  options->pull = g_strdup (policy);
  return TRUE;
}

gboolean
container_options_apply (ContainerOptions *options, const json_t *conf, GError **error)
{
  const json_t *table = json_object_get (conf, "containers"), *engine = json_object_get (conf, "engine");
  const json_t *timeout = json_object_get (engine, "stop_timeout"), *hooks = json_object_get (engine, "hooks_dir"), *detach_keys = json_object_get (engine, "detach_keys");
  if (json_object_get (engine, "static_dir") != NULL)
    g_info ("containers.conf: engine.static_dir is not used: what is known of containers lies beside them (storage.conf: graphroot)");
  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      const json_t *value = json_object_get (table, keys[i].key);
      if (value != NULL && !set_field (options, i, value, error))
        return FALSE;
    }
  options->has_oom_score_adj = options->has_oom_score_adj || json_object_get (table, "oom_score_adj") != NULL;
  if (json_is_integer (timeout) && json_integer_value (timeout) >= 0)
    options->stop_timeout = json_integer_value (timeout);
  if (json_is_string (detach_keys))
    options->detach_keys = (g_free (options->detach_keys), g_strdup (json_string_value (detach_keys)));
  /* distributions name the program of a package that need not be there: then ours is taken */
  if (options->init_path != NULL && access (options->init_path, X_OK) < 0)
    g_clear_pointer (&options->init_path, g_free);
  const json_t *manager = json_object_get (json_object_get (conf, "engine"), "cgroup_manager");
  if (json_is_string (manager) && json_string_value (manager)[0] != '\0')
    {
      g_free (options->cgroup_manager);
      options->cgroup_manager = g_strdup (json_string_value (manager));
    }
  if (hooks != NULL && !set_list (&options->hooks_dir, "hooks_dir", hooks, error))
    return FALSE;
  return set_pull_policy (options, json_object_get (engine, "pull_policy"), error) && set_shm_size (options, json_object_get (table, "shm_size"), error) && container_network_default (options, table, engine, json_object_get (conf, "network"), error);
}

/* ---- mounts.conf */

/* read_mounts_conf: its text; NULL when there is no such file. */
static char *
read_mounts_conf (const char *path)
{
  const char *config = getenv ("XDG_CONFIG_HOME"), *home = getenv ("HOME");
  g_autofree char *own = geteuid () == 0 ? NULL
                         : config != NULL ? g_strconcat (config, "/containers/mounts.conf", NULL)
                         : home != NULL   ? g_strconcat (home, "/.config/containers/mounts.conf", NULL)
                                          : NULL;
  const char *const usual[] = { own, "/etc/containers/mounts.conf", "/usr/share/containers/mounts.conf" };
  char *text = NULL;
  if (path != NULL)
    return path_read_file (AT_FDCWD, path, MOUNTS_LIMIT, &text, NULL, NULL) ? text : NULL;
  for (size_t i = 0; i < G_N_ELEMENTS (usual); i++)
    if (usual[i] != NULL && path_read_file (AT_FDCWD, usual[i], MOUNTS_LIMIT, &text, NULL, NULL))
      return text;
  return NULL;
}

gboolean
container_options_add_mounts (ContainerOptions *options, const char *path, GError **error)
{
  g_autofree char *text = read_mounts_conf (path);
  if (text == NULL)
    return TRUE;
  g_autoptr (GStrvBuilder) volumes = g_strv_builder_new ();
  if (options->default_volumes != NULL)
    g_strv_builder_addv (volumes, (const char **) options->default_volumes);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      if (g_strstrip (*line)[0] == '\0' || (*line)[0] == '#')
        continue;
      g_auto (GStrv) parts = g_strsplit (*line, ":", 2);
      const char *place = parts[1] != NULL ? parts[1] : parts[0];
      if (parts[0][0] != '/' || place[0] != '/')
        return coracle_throw (error, CORACLE_ERROR_INVALID, "mounts.conf: \"%s\": not SOURCE[:PLACE], both absolute paths", *line);
      g_autofree char *volume = g_strdup_printf ("%s:%s:ro", parts[0], place);
      if (access (parts[0], F_OK) == 0)
        g_strv_builder_add (volumes, volume);
    }
  g_strfreev (options->default_volumes);
  options->default_volumes = g_strv_builder_end (volumes);
  return TRUE;
}

/* choose_runtime: what is said of none is not written down. */
static gboolean
choose_runtime (ContainerOptions *options, const json_t *conf, const char *asked, GError **error)
{
  const json_t *engine = json_object_get (conf, "engine");
  if (asked == NULL && json_object_get (engine, "runtime") == NULL && json_object_get (engine, "runtimes_flags") == NULL)
    return TRUE;
  g_autofree char *own = oci_runtime_own ();
  g_auto (OciRuntime) runtime = { 0 };
  if (!oci_runtime_choose (conf, asked, own, &runtime, error))
    return FALSE;
  options->oci_runtime = g_steal_pointer (&runtime.name);
  return TRUE;
}

ContainerOptions *
container_options_from_conf (const char *runtime, GError **error)
{
  json_auto_t *conf = containers_conf_read (error);
  g_autoptr (ContainerOptions) options = conf != NULL ? container_options_new () : NULL;
  events_use_conf (conf);
  return options != NULL && container_options_apply (options, conf, error) && choose_runtime (options, conf, runtime, error) ? g_steal_pointer (&options) : NULL;
}
