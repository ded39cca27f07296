#include "pkg/engine/container_specgen.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_clone.h"
#include "pkg/engine/container_health_options.h"
#include "pkg/engine/container_inspect.h"
#include "pkg/engine/container_log.h"
#include "pkg/engine/container_network.h"
#include "pkg/engine/container_policy.h"
#include "pkg/engine/container_ports.h"
#include "pkg/engine/container_resources.h"
#include "pkg/engine/container_words.h"
#include "pkg/json/json.h"
#include "pkg/spec/security.h"

/* What is nothing ("", [], {}, 0, false, null) is left out, as Go's omitempty does; @value is taken. */
static void
put (json_t *spec, const char *name, json_t *value)
{
  gboolean empty = value == NULL || json_is_null (value) || json_is_false (value) || (json_is_string (value) && json_string_length (value) == 0)
                   || (json_is_array (value) && json_array_size (value) == 0) || (json_is_object (value) && json_object_size (value) == 0)
                   || (json_is_integer (value) && json_integer_value (value) == 0);
  if (empty)
    json_decref (value);
  else
    json_object_set_new (spec, name, value);
}

static void
put_text (json_t *spec, const char *name, const char *text)
{
  put (spec, name, text != NULL ? json_string (text) : NULL);
}

static void
put_list (json_t *spec, const char *name, char **list)
{
  put (spec, name, list != NULL ? words_to_json (list) : NULL);
}

static void
put_flag (json_t *spec, const char *name, gboolean flag)
{
  put (spec, name, json_boolean (flag));
}

/* pairs: "KEY=VALUE" words as an object. */
static json_t *
pairs (char **words)
{
  json_t *object = json_object ();
  for (; words != NULL && *words != NULL; words++)
    {
      const char *equals = strchr (*words, '=');
      g_autofree char *key = equals != NULL ? g_strndup (*words, (gsize) (equals - *words)) : g_strdup (*words);
      json_object_set_new (object, key, json_string (equals != NULL ? equals + 1 : ""));
    }
  return object;
}

/* ---- what it runs */

/* environment: without what every start finds out anew. */
static json_t *
environment (const Inspected *inspected)
{
  g_auto (GStrv) words = words_from_json (json_lookup (inspected->spec, "process.env"));
  json_t *object = pairs (words);
  json_object_del (object, "HOME");
  json_object_del (object, "HOSTNAME");
  return object;
}

/* entrypoint: what comes before the command, but for --init's own. */
static json_t *
entrypoint (const Inspected *inspected)
{
  json_t *args = json_object_get (inspected->row->config, "args"), *command = json_object_get (inspected->row->config, "command"), *array = json_array ();
  size_t n = json_array_size (args) - MIN (json_array_size (command), json_array_size (args));
  for (size_t i = inspected->options->init ? 2 : 0; i < n; i++)
    json_array_append (array, json_array_get (args, i));
  return array;
}

/* log_json: what of it was asked for. */
static json_t *
log_json (const ContainerOptions *options)
{
  g_auto (LogSettings) settings = { 0 };
  if ((options->log_driver == NULL && options->log_opt == NULL) || !log_settings_parse (options, &settings, NULL))
    return NULL;
  json_t *log = json_object (), *rest = json_object ();
  put_text (log, "driver", settings.driver);
  put_text (log, "path", settings.path);
  put (log, "size", json_integer (settings.max_size));
  put_text (rest, "tag", settings.tag);
  if (settings.max_files > 1)
    json_object_set_new (rest, "max-file", json_sprintf ("%u", settings.max_files));
  put (log, "options", rest);
  return log;
}

static void
put_basics (json_t *spec, const Inspected *inspected)
{
  const ContainerOptions *options = inspected->options;
  json_t *row = inspected->row->config;
  Policy policy = { 0 };
  put (spec, "entrypoint", entrypoint (inspected));
  put (spec, "command", json_copy (json_object_get (row, "command")));
  put (spec, "env", environment (inspected));
  put_list (spec, "unsetenv", options->unsetenv);
  put_flag (spec, "unsetenvall", options->unsetenv_all);
  put (spec, "labels", json_copy (json_object_get (row, "labels")));
  put (spec, "annotations", pairs (options->annotation));
  put_flag (spec, "stdin", options->interactive);
  put_flag (spec, "terminal", options->tty);
  if (options->stop_signal != NULL)
    json_object_set (spec, "stop_signal", json_object_get (row, "stop_signal"));
  if (options->stop_timeout != 10)
    json_object_set_new (spec, "stop_timeout", json_integer (options->stop_timeout));
  put (spec, "timeout", json_integer (options->timeout));
  put (spec, "log_configuration", log_json (options));
  if (options->restart != NULL && policy_parse (options->restart, &policy, NULL) && policy.kind != POLICY_NO)
    {
      put_text (spec, "restart_policy", policy_name (&policy));
      put (spec, "restart_tries", json_integer (policy.retries));
    }
  json_object_set_new (spec, "sdnotifyMode", json_string (options->sdnotify != NULL ? options->sdnotify : "container"));
  put_flag (spec, "remove", inspected->row->auto_remove);
  put_flag (spec, "removeImage", options->rmi);
  put_list (spec, "containerCreateCommand", options->create_command);
  put_text (spec, "timezone", options->tz);
  put (spec, "dependencyContainers", json_copy (json_object_get (row, "dependencies")));
  put (spec, "sysctl", pairs (options->sysctl));
  put_list (spec, "hostusers", options->host_users);
  put_text (spec, "passwd_entry", options->passwd_entry);
  put_text (spec, "group_entry", options->group_entry);
  if (!options->passwd)
    json_object_set_new (spec, "manage_password", json_false ());
  put_text (spec, "hostname", options->hostname);
  json_object_set_new (spec, "init_container_type", json_string (""));
}

/* ---- namespaces */

/* space: "container:ID" and "ns:PATH" have a value; @word: NULL = @usual. */
static json_t *
space (const char *word, const char *usual)
{
  const char *colon = word != NULL ? strchr (word, ':') : NULL;
  g_autofree char *mode = word == NULL || *word == '\0' ? g_strdup (usual) : colon != NULL ? g_strndup (word, (gsize) (colon - word)) : g_strdup (word);
  json_t *object = json_pack ("{s:s}", "nsmode", strcmp (mode, "ns") == 0 ? "path" : mode);
  if (colon != NULL)
    put_text (object, "value", colon + 1);
  return object;
}

static void
put_spaces (json_t *spec, const ContainerOptions *options)
{
  json_object_set_new (spec, "pidns", space (options->pid, "default"));
  json_object_set_new (spec, "utsns", space (options->uts, "private"));
  json_object_set_new (spec, "ipcns", space (options->ipc, "default"));
  json_object_set_new (spec, "userns", space (options->userns, "default"));
  json_object_set_new (spec, "idmappings",
                       json_pack ("{s:b, s:b, s:n, s:n, s:b, s:{s:i, s:i, s:s, s:s, s:n, s:n}}", "HostUIDMapping", 1, "HostGIDMapping", 1, "UIDMap", "GIDMap", "AutoUserNs", 0, "AutoUserNsOpts",
                                  "Size", 0, "InitialSize", 0, "PasswdFile", "", "GroupFile", "", "AdditionalUIDMappings", "AdditionalGIDMappings"));
  json_object_set_new (spec, "cgroupns", space (options->cgroupns, "default"));
  json_object_set_new (spec, "netns", space (options->network, "private"));
}

/* ---- storage */

/* put_staged: those that are put together for the container. FALSE: it is none. */
static gboolean
put_staged (json_t *mount, json_t *overlays, json_t *images, json_t *artifacts)
{
  const char *type = json_string_value (json_object_get (mount, "type")), *name = json_string_value (json_object_get (mount, "name"));
  json_t *options = json_object_get (mount, "options"), *option;
  gboolean writable = FALSE;
  size_t i;
  json_array_foreach (options, i, option)
    writable = writable || g_strcmp0 (json_string_value (option), "rw") == 0;
  if (g_strcmp0 (type, "overlay") == 0)
    json_array_append_new (overlays, json_pack ("{s:O, s:s, s:O}", "destination", json_object_get (mount, "destination"), "source",
                                                name != NULL ? name : json_string_value (json_object_get (mount, "source")), "options", options));
  else if (g_strcmp0 (type, "image") == 0)
    json_array_append_new (images, json_pack ("{s:O, s:O, s:b, s:O*}", "Source", json_object_get (mount, "source"), "Destination", json_object_get (mount, "destination"), "ReadWrite", writable,
                                              "subPath", json_object_get (mount, "subpath")));
  else if (g_strcmp0 (type, "artifact") == 0)
    json_array_append_new (artifacts, json_pack ("{s:O, s:O, s:O}", "source", json_object_get (mount, "source"), "destination", json_object_get (mount, "destination"), "digest",
                                                 json_object_get (mount, "digest")));
  else
    return FALSE;
  return TRUE;
}

/* put_mounts: from the row, where what was asked for is in OCI's form already. */
static void
put_mounts (json_t *spec, const Inspected *inspected)
{
  json_t *mounts = json_array (), *volumes = json_array (), *overlays = json_array (), *images = json_array (), *artifacts = json_array (), *mount, *anonymous = json_object_get (inspected->row->config, "volumes"), *item;
  size_t i, k;
  json_array_foreach (json_object_get (inspected->row->config, "mounts"), i, mount)
    {
      const char *name = json_string_value (json_object_get (mount, "name")), *subpath = json_string_value (json_object_get (mount, "subpath"));
      json_t *options = json_object_get (mount, "options"), *destination = json_object_get (mount, "destination");
      if (put_staged (mount, overlays, images, artifacts))
        continue;
      if (name == NULL)
        {
          json_array_append (mounts, mount);
          continue;
        }
      gboolean own = FALSE;
      json_array_foreach (anonymous, k, item)
        own = own || g_strcmp0 (json_string_value (item), name) == 0;
      json_array_append_new (volumes, json_pack ("{s:s, s:O, s:O?, s:b, s:s}", "Name", name, "Dest", destination, "Options", options, "IsAnonymous", own, "SubPath",
                                                 subpath != NULL ? subpath : ""));
    }
  put (spec, "mounts", mounts);
  put (spec, "volumes", volumes);
  put (spec, "overlay_volumes", overlays);
  put (spec, "image_volumes", images);
  put (spec, "artifact_volumes", artifacts);
}

static json_t *
devices (char **words)
{
  json_t *array = json_array ();
  for (; words != NULL && *words != NULL; words++)
    json_array_append_new (array, json_pack ("{s:s, s:s, s:i, s:i}", "path", *words, "type", "", "major", 0, "minor", 0));
  return array;
}

static void
put_storage (json_t *spec, const Inspected *inspected)
{
  const ContainerOptions *options = inspected->options;
  put_text (spec, "image", inspected->row->image_id);
  put_text (spec, "raw_image_name", options->rootfs == NULL ? options->image : NULL);
  put_text (spec, "rootfs", options->rootfs);
  put (spec, "rootfs_overlay", json_boolean (options->rootfs_overlay));
  put_text (spec, "image_volume_mode", options->image_volume);
  put_list (spec, "volumes_from", options->volumes_from);
  put_flag (spec, "init", options->init);
  put_text (spec, "init_path", options->init_path);
  put_mounts (spec, inspected);
  put (spec, "host_device_list", devices (options->device));
  json_object_set_new (spec, "shm_size", json_integer (options->shm_size));
  json_object_set_new (spec, "shm_size_systemd", json_integer (0));
  put_text (spec, "work_dir", options->workdir);
}

/* ---- security */

static void
put_security (json_t *spec, const ContainerOptions *options)
{
  g_autoptr (SpecSecurity) security = spec_security_parse ((const char *const *) options->security_opt, NULL);
  json_object_set_new (spec, "privileged", json_boolean (options->privileged));
  put_text (spec, "user", options->user);
  put_list (spec, "groups", options->group_add);
  put_list (spec, "cap_add", options->cap_add);
  put_list (spec, "cap_drop", options->cap_drop);
  json_object_set_new (spec, "label_nested", json_false ());
  json_object_set_new (spec, "umask", json_string (options->umask != NULL ? options->umask : "0022"));
  put_flag (spec, "read_only_filesystem", options->read_only);
  put_flag (spec, "read_write_tmpfs", options->read_only && options->read_only_tmpfs);
  if (security == NULL)
    return;
  put_list (spec, "selinux_opts", security->labels);
  put_text (spec, "seccomp_profile_path", security->seccomp);
  put_flag (spec, "no_new_privileges", security->no_new_privileges);
  put_list (spec, "procfs_opts", security->proc_options);
  put_list (spec, "mask", security->mask);
  put_list (spec, "unmask", security->unmask);
  if (security->unmask_all)
    json_object_set_new (spec, "unmask", json_pack ("[s]", "ALL"));
}

/* ---- network */

static json_t *
port_mappings (const StateContainer *row)
{
  g_autoptr (GPtrArray) ports = container_ports (row);
  json_t *array = json_array ();
  for (guint i = 0; i < ports->len; i++)
    {
      const PortMapping *port = ports->pdata[i];
      json_array_append_new (array, json_pack ("{s:s, s:i, s:i, s:i, s:s}", "host_ip", port->host_ip != NULL ? port->host_ip : "", "container_port", (int) port->container_port, "host_port",
                                               (int) port->host_port, "range", (int) port->range, "protocol", port->udp ? "udp" : "tcp"));
    }
  return array;
}

static void
put_network (json_t *spec, const Inspected *inspected)
{
  const ContainerOptions *options = inspected->options;
  put (spec, "portmappings", port_mappings (inspected->row));
  put_flag (spec, "publish_image_ports", options->publish_all);
  put_list (spec, "dns_server", options->dns);
  put_list (spec, "dns_search", options->dns_search);
  put_list (spec, "dns_option", options->dns_option);
  put_list (spec, "hostadd", options->add_hosts);
  put_text (spec, "base_hosts_file", options->base_hosts_file);
  json_object_set_new (spec, "Networks", json_null ());
  json_object_set_new (spec, "use_image_hostname", json_boolean (options->no_hostname));
  json_object_set_new (spec, "use_image_hosts", json_boolean (options->no_hosts));
}

/* ---- limits and health */

static json_t *
rlimits (const Inspected *inspected)
{
  return inspected->options->ulimit != NULL ? json_deep_copy (json_lookup (inspected->spec, "process.rlimits")) : NULL;
}

static void
put_limits (json_t *spec, const Inspected *inspected)
{
  const ContainerOptions *options = inspected->options;
  json_t *resources = resources_build (options, NULL);
  json_object_del (resources, "unified");
  put (spec, "resource_limits", resources);
  put (spec, "unified", pairs (options->cgroup_conf));
  put (spec, "r_limits", rlimits (inspected));
  if (options->has_oom_score_adj)
    json_object_set_new (spec, "oom_score_adj", json_integer (options->oom_score_adj));
  put_text (spec, "cgroups_mode", options->cgroups);
  put_text (spec, "cgroup_parent", options->cgroup_parent);
}

/* action_number: the place in Podman's list; 1 means none that is known. */
static int
action_number (const char *action)
{
  static const char *const actions[] = { "none", "", "kill", "restart", "stop" };
  for (int i = 0; action != NULL && i < (int) G_N_ELEMENTS (actions); i++)
    if (strcmp (actions[i], action) == 0)
      return i;
  return 0;
}

static void
put_health (json_t *spec, json_t *health)
{
  const char *destination = json_string_value (json_object_get (health, "Destination"));
  put (spec, "healthconfig", json_copy (json_object_get (health, "Healthcheck")));
  put (spec, "health_check_on_failure_action", json_integer (action_number (json_string_value (json_object_get (health, "OnFailure")))));
  put (spec, "startupHealthConfig", json_copy (json_object_get (health, "StartupHealthCheck")));
  json_object_set_new (spec, "healthLogDestination", json_string (destination != NULL ? destination : "local"));
  json_object_set_new (spec, "healthMaxLogCount", json_integer (health != NULL ? health_number (health, "MaxLogCount") : 5));
  json_object_set_new (spec, "healthMaxLogSize", json_integer (health != NULL ? health_number (health, "MaxLogSize") : 500));
}

json_t *
container_specgen (Storage *storage, const char *name_or_id, gboolean rename, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, name_or_id, error);
  g_auto (Inspected) inspected = { 0 };
  if (view == NULL)
    return NULL;
  state_container_read_config (view->row);
  if (!inspected_read (&inspected, storage, view, error))
    return NULL;
  json_t *spec = json_object ();
  g_autofree char *name = rename ? container_clone_name (storage, view->row->name) : g_strdup (view->row->name);
  put_text (spec, "name", name);
  put_basics (spec, &inspected);
  put_spaces (spec, inspected.options);
  put_storage (spec, &inspected);
  put_security (spec, inspected.options);
  put_network (spec, &inspected);
  put_limits (spec, &inspected);
  put_health (spec, json_object_get (view->row->config, "health"));
  return spec;
}
