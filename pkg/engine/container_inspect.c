#include "pkg/engine/container_exec.h"
#include "pkg/engine/container_health.h"
#include "pkg/engine/container_join.h"
#include "pkg/engine/container_inspect.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_ports.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/engine/oci_runtime.h"
#include "pkg/json/json.h"
#include "pkg/spec/spec.h"

#define SPEC_LIMIT ((size_t) 64 << 20)

/* ---- building */

json_t *
inspect_shape (const InspectField *fields)
{
  json_t *object = json_object ();
  for (; fields->kind != 0; fields++)
    {
      json_t *value = fields->kind == 's'   ? json_string ("")
                      : fields->kind == '0' ? json_integer (0)
                      : fields->kind == 'f' ? json_false ()
                      : fields->kind == 'a' ? json_array ()
                      : fields->kind == 'o' ? json_object ()
                                            : json_null ();
      json_object_set_new (object, fields->name, value);
    }
  return object;
}

void
inspect_text (json_t *object, const char *name, const char *value)
{
  json_object_set_new (object, name, json_string (value != NULL ? value : ""));
}

void
inspect_list (json_t *object, const char *name, char *const *list)
{
  json_object_set_new (object, name, json_strv ((const char *const *) list));
}

/* set_file: FOLDER/NAME of the container's, or "" when it has none. */
static void
set_file (json_t *object, const char *key, const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  inspect_text (object, key, access (path, F_OK) == 0 ? path : "");
}

static void
set_time (json_t *object, const char *key, gint64 usec)
{
  g_autofree char *text = text_time_rfc3339 (text_time_from_usec (usec), TRUE);
  inspect_text (object, key, usec == 0 ? "0001-01-01T00:00:00Z" : text);
}

static int
compare_texts (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

json_t *
inspect_caps (const Inspected *inspected, const char *set)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  size_t i;
  json_t *name;
  json_array_foreach (json_object_get (json_lookup (inspected->spec, "process.capabilities"), set), i, name)
    g_ptr_array_add (names, (char *) json_string_value (name));
  g_ptr_array_sort (names, compare_texts);
  g_ptr_array_add (names, NULL);
  return json_strv ((const char *const *) names->pdata);
}

/* ---- reading */

void
inspected_clear (Inspected *inspected)
{
  g_clear_pointer (&inspected->options, container_options_free);
  g_clear_pointer (&inspected->image, state_image_free);
  json_decref (inspected->image_config);
  json_decref (inspected->spec);
}

static json_t *
read_image_config (const StateImage *image)
{
  json_auto_t *whole = image != NULL && image->config != NULL ? json_loads (image->config, 0, NULL) : NULL;
  json_t *config = json_object_get (whole, "config");
  return json_is_object (config) ? json_incref (config) : json_object ();
}

gboolean
inspected_read (Inspected *inspected, Storage *storage, const ContainerView *view, GError **error)
{
  const StateContainer *row = view->row;
  *inspected = (Inspected){ .storage = storage, .view = view, .row = row };
  g_autofree char *path = g_strdup_printf ("containers/%s/config.json", row->id), *text = NULL;
  size_t size;
  if (!path_read_file (storage->root_fd, path, SPEC_LIMIT, &text, &size, error))
    return FALSE;
  spec_fold (text);
  inspected->spec = json_parse_bounded (text, size, SPEC_LIMIT, JSON_PARSE_DEFAULT, error);
  if (inspected->spec == NULL)
    {
      coracle_prefix (error, "container %s: its config.json", row->name);
      return FALSE;
    }
  inspected->options = container_options_from_json (json_object_get (row->config, "options"));
  inspected->image = row->image_id != NULL ? state_image_find (storage->state, row->image_id, NULL) : NULL;
  inspected->image_config = read_image_config (inspected->image);
  return TRUE;
}

/* ---- the parts */

/* monitor_pid: of a container that lives. */
static int
monitor_pid (const Inspected *inspected)
{
  g_autofree char *path = g_strconcat (inspected->row->id, "/monitor.pid", NULL), *text = NULL;
  if (!inspected->view->alive || !path_read_file (inspected->storage->run_fd, path, 256, &text, NULL, NULL))
    return 0;
  return (int) g_ascii_strtoll (text, NULL, 10);
}

/* set_cgroup: where the host sees init. */
static void
set_cgroup (json_t *state, pid_t pid)
{
  char path[64];
  g_autofree char *text = NULL;
  g_snprintf (path, sizeof path, "/proc/%d/cgroup", (int) pid);
  if (pid == 0 || !path_read_file (-1, path, 1 << 16, &text, NULL, NULL))
    return;
  const char *unified = g_str_has_prefix (text, "0::") ? text : strstr (text, "\n0::");
  if (unified == NULL)
    return;
  unified = strchr (unified, '/');
  g_autofree char *group = g_strndup (unified, strcspn (unified, "\n"));
  inspect_text (state, "CgroupPath", group);
}

static json_t *
state_json (const Inspected *inspected)
{
  static const InspectField fields[] = { { "OciVersion", 's' }, { "Status", 's' }, { "Running", 'f' }, { "Paused", 'f' }, { "Restarting", 'f' }, { "OOMKilled", 'f' },
                                         { "Dead", 'f' }, { "Pid", '0' }, { "ConmonPid", '0' }, { "ExitCode", '0' }, { "Error", 's' }, { "StartedAt", 's' },
                                         { "FinishedAt", 's' }, { "Health", 'n' }, { "CgroupPath", 's' }, { "CheckpointedAt", 's' }, { "RestoredAt", 's' },
                                         { "StoppedByUser", 'f' }, { NULL } };
  const ContainerView *view = inspected->view;
  json_t *state = inspect_shape (fields);
  inspect_text (state, "OciVersion", json_string_value (json_object_get (inspected->spec, "ociVersion")));
  inspect_text (state, "Status", view->status);
  inspect_text (state, "Error", json_string_value (json_object_get (inspected->row->config, "error")));
  json_object_set_new (state, "Running", json_boolean (strcmp (view->status, "running") == 0));
  json_object_set_new (state, "Paused", json_boolean (strcmp (view->status, "paused") == 0));
  json_object_set_new (state, "OOMKilled", json_boolean (json_is_true (json_object_get (inspected->row->config, "oom_killed"))));
  json_object_set_new (state, "StoppedByUser", json_boolean (json_is_true (json_object_get (inspected->row->config, "stopped_by_user"))));
  json_object_set_new (state, "Pid", json_integer (view->pid));
  json_object_set_new (state, "ConmonPid", json_integer (monitor_pid (inspected)));
  json_object_set_new (state, "ExitCode", json_integer (inspected->row->exit_code));
  set_time (state, "StartedAt", inspected->row->started);
  set_time (state, "FinishedAt", inspected->row->finished);
  set_time (state, "CheckpointedAt", 0);
  set_time (state, "RestoredAt", 0);
  set_cgroup (state, view->pid);
  json_t *health = container_health_show (inspected->storage, view);
  if (health != NULL)
    {
      json_object_set_new (state, "Health", health);
      json_object_set (state, "Healthcheck", health);   /* as it was called once: for templates */
    }
  return state;
}

static json_t *
driver_json (const Inspected *inspected, const char *folder)
{
  json_t *data = json_object ();
  g_autofree char *upper = g_build_filename (folder, "upper", NULL), *work = g_build_filename (folder, "work", NULL);
  if (inspected->image != NULL)
    {
      g_autoptr (GPtrArray) layers = image_layer_folders (inspected->storage->paths, inspected->image);
      g_autofree char *lower = g_strjoinv (":", (char **) layers->pdata);
      inspect_text (data, "LowerDir", lower);
    }
  if (inspected->view->pid > 0)
    inspect_text (data, "MergedDir", json_string_value (json_lookup (inspected->spec, "root.path")));
  if (inspected->options->rootfs == NULL || inspected->options->rootfs_overlay)
    {
      inspect_text (data, "UpperDir", upper);
      inspect_text (data, "WorkDir", work);
    }
  return json_pack ("{s:s, s:o}", "Name", "overlay", "Data", data);
}

static gboolean
is_propagation (const char *option)
{
  static const char *const words[] = { "private", "rprivate", "rshared", "rslave", "shared", "slave", "unbindable", "runbindable", NULL };
  return g_strv_contains (words, option);
}

static json_t *
mount_json (json_t *mount)
{
  const char *name = json_string_value (json_object_get (mount, "name")), *propagation = "";
  gboolean writable = TRUE;
  json_t *options = json_array (), *option, *object = json_object ();
  size_t i;
  json_array_foreach (json_object_get (mount, "options"), i, option)
    {
      const char *text = json_string_value (option);
      if (is_propagation (text))
        propagation = text;
      else if (strcmp (text, "ro") == 0)
        writable = FALSE;
      else if (strcmp (text, "rw") != 0)
        json_array_append (options, option);
    }
  json_object_set (object, "Type", json_object_get (mount, "type"));
  if (name != NULL)
    inspect_text (object, "Name", name);
  json_object_set (object, "Source", json_object_get (mount, "source"));
  json_object_set (object, "Destination", json_object_get (mount, "destination"));
  inspect_text (object, "Driver", name != NULL ? "local" : "");
  inspect_text (object, "Mode", "");
  json_object_set_new (object, "Options", options);
  json_object_set_new (object, "RW", json_boolean (writable));
  inspect_text (object, "Propagation", propagation);
  return object;
}

/* mounts_json: volumes and folders; what is in memory is in HostConfig.Tmpfs. */
static json_t *
mounts_json (const Inspected *inspected)
{
  json_t *array = json_array (), *mount;
  size_t i;
  json_array_foreach (json_object_get (inspected->row->config, "mounts"), i, mount)
    {
      const char *type = json_string_value (json_object_get (mount, "type"));
      if (strcmp (type, "bind") == 0 || strcmp (type, "volume") == 0 || strcmp (type, "image") == 0)
        json_array_append_new (array, mount_json (mount));
    }
  return array;
}

static json_t *
network_json (const Inspected *inspected)
{
  static const InspectField fields[] = { { "EndpointID", 's' }, { "Gateway", 's' }, { "IPAddress", 's' }, { "IPPrefixLen", '0' }, { "IPv6Gateway", 's' },
                                         { "GlobalIPv6Address", 's' }, { "GlobalIPv6PrefixLen", '0' }, { "MacAddress", 's' }, { "Bridge", 's' }, { "SandboxID", 's' },
                                         { "HairpinMode", 'f' }, { "LinkLocalIPv6Address", 's' }, { "LinkLocalIPv6PrefixLen", '0' }, { "Ports", 'o' }, { "SandboxKey", 's' },
                                         { "Networks", 'o' }, { NULL } };
  static const InspectField endpoint[] = { { "EndpointID", 's' }, { "Gateway", 's' }, { "IPAddress", 's' }, { "IPPrefixLen", '0' }, { "IPv6Gateway", 's' },
                                           { "GlobalIPv6Address", 's' }, { "GlobalIPv6PrefixLen", '0' }, { "MacAddress", 's' }, { "NetworkID", 's' }, { "DriverOpts", 'n' },
                                           { "IPAMConfig", 'n' }, { "Links", 'n' }, { NULL } };
  json_t *settings = inspect_shape (fields);
  const char *mode = container_network_mode (inspected->options->network);
  gboolean host = strcmp (mode, "host") == 0;
  if (inspected->view->pid > 0 && !host)
    {
      g_autofree char *path = g_strdup_printf ("/proc/%d/ns/net", (int) inspected->view->pid);
      inspect_text (settings, "SandboxKey", path);
    }
  if (inspected->options->networks != NULL)
    container_network_show (inspected->storage, inspected->view, inspected->options, settings);
  json_object_set_new (settings, "Ports", container_ports_map (inspected->row, TRUE));
  /* a network without a name is there by its mode, as in Podman */
  if (host || strcmp (mode, "none") == 0 || strcmp (mode, "slirp4netns") == 0 || strcmp (mode, "pasta") == 0)
    {
      json_t *network = inspect_shape (endpoint);
      inspect_text (network, "NetworkID", mode);
      json_object_set_new (json_object_get (settings, "Networks"), mode, network);
    }
  return settings;
}

/* ---- the whole */

static void
set_paths (json_t *object, const Inspected *inspected, const char *folder)
{
  g_autofree char *config = g_build_filename (folder, "config.json", NULL);
  g_autofree char *monitor = g_build_filename (inspected->storage->paths->run_root, inspected->row->id, "monitor.pid", NULL);
  g_autofree char *init = g_build_filename (inspected->storage->paths->run_root, inspected->row->id, "init.pid", NULL);
  g_autofree char *run = g_build_filename (inspected->storage->paths->run_root, inspected->row->id, NULL);
  set_file (object, "ResolvConfPath", run, "etc/resolv.conf");
  set_file (object, "HostnamePath", run, "etc/hostname");
  set_file (object, "HostsPath", run, "etc/hosts");
  inspect_text (object, "StaticDir", folder);
  inspect_text (object, "OCIConfigPath", config);
  inspect_text (object, "OCIRuntime", inspected->options->oci_runtime != NULL ? inspected->options->oci_runtime : OCI_RUNTIME);
  inspect_text (object, "ConmonPidFile", monitor);
  inspect_text (object, "PidFile", inspected->options->pidfile != NULL ? inspected->options->pidfile : init);
}

static void
set_command (json_t *object, const Inspected *inspected)
{
  json_t *args = json_object_get (inspected->row->config, "args");
  json_t *rest = json_copy (args);
  json_array_remove (rest, 0);
  inspect_text (object, "Path", json_string_value (json_array_get (args, 0)));
  json_object_set_new (object, "Args", rest);
}

static gboolean
set_sizes (json_t *object, const Inspected *inspected, GError **error)
{
  gint64 rw, root;
  if (!container_size (inspected->storage, inspected->row, &rw, &root, error))
    return FALSE;
  json_object_set_new (object, "SizeRw", json_integer (rw));
  json_object_set_new (object, "SizeRootFs", json_integer (root));
  return TRUE;
}

json_t *
container_inspect (Storage *storage, ContainerView *view, gboolean size, GError **error)
{
  static const InspectField fields[] = {
    { "Id", 's' }, { "Created", 's' }, { "Path", 's' }, { "Args", 'a' }, { "State", 'o' }, { "Image", 's' }, { "ImageDigest", 's' }, { "ImageName", 's' }, { "Rootfs", 's' },
    { "Pod", 's' }, { "ResolvConfPath", 's' }, { "HostnamePath", 's' }, { "HostsPath", 's' }, { "StaticDir", 's' }, { "OCIConfigPath", 's' }, { "OCIRuntime", 's' },
    { "ConmonPidFile", 's' }, { "PidFile", 's' }, { "Name", 's' }, { "RestartCount", '0' }, { "Driver", 's' }, { "MountLabel", 's' }, { "ProcessLabel", 's' },
    { "AppArmorProfile", 's' }, { "EffectiveCaps", 'a' }, { "BoundingCaps", 'a' }, { "ExecIDs", 'a' }, { "GraphDriver", 'o' }, { "SizeRw", 'n' }, { "SizeRootFs", 'n' },
    { "Mounts", 'a' }, { "Dependencies", 'a' }, { "NetworkSettings", 'o' }, { "Namespace", 's' }, { "IsInfra", 'f' }, { "IsService", 'f' }, { "KubeExitCodePropagation", 's' },
    { "Config", 'o' }, { "HostConfig", 'o' }, { "UseImageHosts", 'f' }, { "UseImageHostname", 'f' }, { NULL } };
  g_auto (Inspected) inspected = { 0 };
  if (!inspected_read (&inspected, storage, view, error))
    return NULL;
  const StateContainer *row = view->row;
  g_autofree char *folder = g_build_filename (storage->paths->root, "containers", row->id, NULL);
  json_auto_t *object = inspect_shape (fields);
  const struct { const char *name, *value; } texts[] = {
    { "Id", row->id }, { "Image", row->image_id }, { "ImageDigest", inspected.image != NULL ? inspected.image->manifest_digest : NULL }, { "ImageName", row->image_name },
    { "Rootfs", inspected.options->rootfs }, { "Name", row->name }, { "Driver", "overlay" }, { "KubeExitCodePropagation", "invalid" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    inspect_text (object, texts[i].name, texts[i].value);
  set_time (object, "Created", row->created);
  set_command (object, &inspected);
  set_paths (object, &inspected, folder);
  json_t *dependencies = json_object_get (row->config, "dependencies");
  const struct { const char *name; json_t *value; } parts[] = {
    { "State", state_json (&inspected) }, { "EffectiveCaps", inspect_caps (&inspected, "effective") }, { "BoundingCaps", inspect_caps (&inspected, "bounding") }, { "ExecIDs", container_exec_ids (storage, row->id) },
    { "GraphDriver", driver_json (&inspected, folder) }, { "Mounts", mounts_json (&inspected) }, { "NetworkSettings", network_json (&inspected) },
    { "Config", inspect_config (&inspected) }, { "HostConfig", inspect_host_config (&inspected) }, { "UseImageHosts", json_boolean (inspected.options->no_hosts) },
    { "Dependencies", dependencies != NULL ? json_incref (dependencies) : json_array () },
    { "RestartCount", json_integer (json_integer_value (json_object_get (row->config, "restart_count"))) },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (parts); i++)
    json_object_set_new (object, parts[i].name, parts[i].value);
  return !size || set_sizes (object, &inspected, error) ? json_incref (object) : NULL;
}

/* remove_empty: the fields of @object that are null, "" or 0. */
static void
remove_empty (json_t *object, const char *const *names)
{
  for (; *names != NULL; names++)
    {
      json_t *value = json_object_get (object, *names);
      if (json_is_null (value) || (json_is_string (value) && json_string_length (value) == 0) || (json_is_integer (value) && json_integer_value (value) == 0)
          || (json_is_object (value) && json_object_size (value) == 0))
        json_object_del (object, *names);
    }
}

void
container_inspect_prune (json_t *inspected)
{
  static const char *const whole[] = { "SizeRw", "SizeRootFs", NULL }, *const state[] = { "ConmonPid", "CgroupPath", "Health", NULL }, *const network[] = { "Networks", NULL },
                           *const config[] = { "Timezone", "StartupHealthCheck", "Healthcheck", "HealthcheckMaxLogCount", "HealthcheckMaxLogSize", NULL };
  json_object_del (json_object_get (inspected, "State"), "Healthcheck");
  if (json_is_false (json_object_get (json_object_get (inspected, "State"), "StoppedByUser")))
    json_object_del (json_object_get (inspected, "State"), "StoppedByUser");
  json_object_del (json_object_get (inspected, "Config"), "HealthMaxLogCount");
  json_object_del (json_object_get (inspected, "Config"), "HealthMaxLogSize");
  remove_empty (inspected, whole);
  remove_empty (json_object_get (inspected, "State"), state);
  remove_empty (json_object_get (inspected, "NetworkSettings"), network);
  remove_empty (json_object_get (inspected, "Config"), config);
}
