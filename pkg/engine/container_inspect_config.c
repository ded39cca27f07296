/* Config and HostConfig of container_inspect. */
#include <string.h>

#include "pkg/base/proc.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_userns.h"
#include "pkg/idmap/choose.h"
#include "pkg/engine/container_health_options.h"
#include "pkg/engine/container_inspect.h"
#include "pkg/engine/container_log.h"
#include "pkg/engine/container_policy.h"
#include "pkg/engine/container_ports.h"
#include "pkg/engine/container_resources.h"
#include "pkg/engine/container_words.h"
#include "pkg/json/json.h"
#include "pkg/seccomp/caps.h"
#include "pkg/spec/spec.h"

/* set_or_null: a new reference, or null for what is missing or empty, as Podman shows maps and arrays of images. */
static void
set_or_null (json_t *object, const char *name, json_t *value)
{
  gboolean empty = value == NULL || (json_is_object (value) && json_object_size (value) == 0) || (json_is_array (value) && json_array_size (value) == 0);
  json_object_set_new (object, name, empty ? json_null () : json_incref (value));
}

/* set_command: what the user gave, else the image's; a given entrypoint drops the image's command. */
static void
set_command (json_t *config, const Inspected *inspected)
{
  const ContainerOptions *options = inspected->options;
  json_t *image_entrypoint = json_object_get (inspected->image_config, "Entrypoint"), *image_command = json_object_get (inspected->image_config, "Cmd");
  gboolean given = options->command != NULL && options->command[0] != NULL;
  json_auto_t *command = given ? words_to_json (options->command) : options->entrypoint == NULL ? json_incref (image_command) : NULL;
  g_auto (GStrv) words = words_entrypoint (options->entrypoint, image_entrypoint, NULL);
  json_auto_t *entrypoint = words_to_json (words);
  set_or_null (config, "Cmd", command);
  set_or_null (config, "Entrypoint", entrypoint);
}

/* annotations: without our own notes to the runtime. */
static json_t *
annotations (const Inspected *inspected)
{
  json_t *object = json_object (), *value;
  const char *key;
  json_object_foreach (json_object_get (inspected->spec, "annotations"), key, value)
    if (!g_str_has_prefix (key, SPEC_DEVICE_SOURCE))
      json_object_set (object, key, value);
  return object;
}

/* set_health: the last two have two names: templates of Podman's know another than its JSON, from which container_inspect_prune takes that. */
static void
set_health (json_t *config, json_t *health)
{
  set_or_null (config, "Healthcheck", json_object_get (health, "Healthcheck"));
  set_or_null (config, "StartupHealthCheck", json_object_get (health, "StartupHealthCheck"));
  json_object_set_new (config, "HealthcheckMaxLogCount", json_integer (health != NULL ? health_number (health, "MaxLogCount") : 5));
  json_object_set_new (config, "HealthcheckMaxLogSize", json_integer (health != NULL ? health_number (health, "MaxLogSize") : 500));
  json_object_set (config, "HealthMaxLogCount", json_object_get (config, "HealthcheckMaxLogCount"));
  json_object_set (config, "HealthMaxLogSize", json_object_get (config, "HealthcheckMaxLogSize"));
}

json_t *
inspect_config (const Inspected *inspected)
{
  static const InspectField fields[] = {
    { "Hostname", 's' }, { "Domainname", 's' }, { "User", 's' }, { "AttachStdin", 'f' }, { "AttachStdout", 'f' }, { "AttachStderr", 'f' }, { "Tty", 'f' }, { "OpenStdin", 'f' },
    { "StdinOnce", 'f' }, { "ExposedPorts", 'n' }, { "Env", 'a' }, { "Cmd", 'n' }, { "Image", 's' }, { "Volumes", 'n' }, { "WorkingDir", 's' }, { "Entrypoint", 'n' }, { "OnBuild", 'n' },
    { "Labels", 'n' }, { "Annotations", 'o' }, { "StopSignal", 's' }, { "SystemdMode", 'f' }, { "StartupHealthCheck", 'n' }, { "Healthcheck", 'n' }, { "HealthcheckOnFailureAction", 's' }, { "HealthLogDestination", 's' },
    { "HealthcheckMaxLogCount", '0' }, { "HealthcheckMaxLogSize", '0' }, { "CreateCommand", 'a' }, { "Timezone", 's' }, { "Umask", 's' },
    { "Timeout", '0' }, { "StopTimeout", '0' }, { "Passwd", 'f' }, { "sdNotifyMode", 's' }, { NULL } };
  const ContainerOptions *options = inspected->options;
  json_t *config = inspect_shape (fields), *row = inspected->row->config, *health = json_object_get (row, "health");
  const char *action = json_string_value (json_object_get (health, "OnFailure")), *destination = json_string_value (json_object_get (health, "Destination"));
  const char *user = options->user != NULL ? options->user : json_string_value (json_object_get (inspected->image_config, "User"));
  g_autofree char *umask = g_strdup_printf ("%04o", (unsigned) json_integer_value (json_lookup (inspected->spec, "process.user.umask")));
  const struct { const char *name, *value; } texts[] = {
    { "Hostname", json_string_value (json_object_get (row, "hostname")) }, { "User", user }, { "Image", inspected->row->image_name },
    { "WorkingDir", json_string_value (json_lookup (inspected->spec, "process.cwd")) },
    { "StopSignal", proc_signal_name ((int) json_integer_value (json_object_get (row, "stop_signal"))) }, { "HealthcheckOnFailureAction", action != NULL ? action : "none" },
    { "HealthLogDestination", destination != NULL ? destination : "local" },
    { "Timezone", options->tz }, { "Umask", umask }, { "sdNotifyMode", options->sdnotify != NULL ? options->sdnotify : "container" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    inspect_text (config, texts[i].name, texts[i].value);
  json_object_set_new (config, "Tty", json_boolean (options->tty));
  json_object_set_new (config, "SystemdMode", json_boolean (json_is_true (json_object_get (row, "systemd"))));
  json_object_set_new (config, "OpenStdin", json_boolean (options->interactive));
  json_object_set (config, "Env", json_lookup (inspected->spec, "process.env"));
  set_command (config, inspected);
  set_health (config, health);
  set_or_null (config, "OnBuild", json_object_get (inspected->image_config, "OnBuild"));
  json_object_set_new (config, "ExposedPorts", container_ports_exposed (inspected->row));
  set_or_null (config, "Labels", json_object_get (row, "labels"));
  json_object_set_new (config, "Annotations", annotations (inspected));
  inspect_list (config, "CreateCommand", options->create_command);
  json_object_set_new (config, "Timeout", json_integer (options->timeout));
  json_object_set_new (config, "StopTimeout", json_integer (options->stop_timeout));
  json_object_set_new (config, "Passwd", json_boolean (options->passwd));
  return config;
}

/* ---- HostConfig */

/* bind_text: SOURCE:DESTINATION:OPTION,… as --volume would take it. */
static json_t *
bind_text (json_t *mount)
{
  const char *name = json_string_value (json_object_get (mount, "name"));
  g_auto (GStrv) words = words_from_json (json_object_get (mount, "options"));
  g_autofree char *joined = g_strjoinv (",", words);
  g_autofree char *text = g_strjoin (":", name != NULL ? name : json_string_value (json_object_get (mount, "source")), json_string_value (json_object_get (mount, "destination")),
                                     joined[0] != '\0' ? joined : NULL, NULL);
  return json_string (text);
}

static void
set_mounts (json_t *host, const Inspected *inspected)
{
  json_t *binds = json_object_get (host, "Binds"), *tmpfs = json_object_get (host, "Tmpfs"), *mount;
  size_t i;
  json_array_foreach (json_object_get (inspected->row->config, "mounts"), i, mount)
    {
      const char *type = json_string_value (json_object_get (mount, "type"));
      g_auto (GStrv) words = words_from_json (json_object_get (mount, "options"));
      g_autofree char *options = g_strjoinv (",", words);
      if (strcmp (type, "tmpfs") == 0)
        json_object_set_new (tmpfs, json_string_value (json_object_get (mount, "destination")), json_string (options));
      else if (strcmp (type, "bind") == 0 || strcmp (type, "volume") == 0)
        json_array_append_new (binds, bind_text (mount));
    }
}

/* caps_between: what is in @more and not in @less. */
static json_t *
caps_between (uint64_t more, uint64_t less)
{
  json_t *array = json_array ();
  for (int i = 0; i < 64; i++)
    if (((more & ~less) >> i & 1) != 0 && caps_name (i) != NULL)
      json_array_append_new (array, json_string (caps_name (i)));
  return array;
}

/* set_caps: what was added to and dropped from the default set, as it turned out. */
static void
set_caps (json_t *host, const Inspected *inspected)
{
  if (inspected->options->privileged)
    return;
  json_auto_t *bounding = inspect_caps (inspected, "bounding");
  uint64_t caps = 0;
  size_t i;
  json_t *name;
  json_array_foreach (bounding, i, name)
    if (caps_parse (json_string_value (name)) >= 0)
      caps |= G_GUINT64_CONSTANT (1) << caps_parse (json_string_value (name));
  json_object_set_new (host, "CapAdd", caps_between (caps, caps_default ()));
  json_object_set_new (host, "CapDrop", caps_between (caps_default (), caps));
}

static json_t *
ulimits (const Inspected *inspected)
{
  json_t *array = json_array (), *limit;
  size_t i;
  json_array_foreach (json_lookup (inspected->spec, "process.rlimits"), i, limit)
    json_array_append_new (array, json_pack ("{s:O, s:O, s:O}", "Name", json_object_get (limit, "type"), "Soft", json_object_get (limit, "soft"), "Hard",
                                             json_object_get (limit, "hard")));
  return array;
}

/* devices: as they were asked for. */
static json_t *
devices (const ContainerOptions *options)
{
  json_t *array = json_array ();
  for (char **text = options->device; text != NULL && *text != NULL; text++)
    {
      g_auto (GStrv) parts = g_strsplit (*text, ":", 3);
      gboolean moved = parts[1] != NULL && parts[1][0] == '/';
      const char *permissions = moved ? parts[2] : parts[1];
      json_array_append_new (array, json_pack ("{s:s, s:s, s:s}", "PathOnHost", parts[0], "PathInContainer", moved ? parts[1] : parts[0], "CgroupPermissions",
                                               permissions != NULL ? permissions : "rwm"));
    }
  return array;
}

static const InspectField host_fields[] = {
  { "Binds", 'a' }, { "CgroupManager", 's' }, { "CgroupMode", 's' }, { "ContainerIDFile", 's' }, { "LogConfig", 'o' }, { "NetworkMode", 's' }, { "PortBindings", 'o' },
  { "RestartPolicy", 'o' }, { "AutoRemove", 'f' }, { "AutoRemoveImage", 'f' }, { "Annotations", 'o' }, { "VolumeDriver", 's' }, { "VolumesFrom", 'n' }, { "CapAdd", 'a' },
  { "CapDrop", 'a' }, { "Dns", 'a' }, { "DnsOptions", 'a' }, { "DnsSearch", 'a' }, { "ExtraHosts", 'a' }, { "HostsFile", 's' }, { "GroupAdd", 'a' }, { "IpcMode", 's' },
  { "Cgroup", 's' }, { "Cgroups", 's' }, { "Links", 'n' }, { "OomScoreAdj", '0' }, { "PidMode", 's' }, { "Privileged", 'f' }, { "PublishAllPorts", 'f' },
  { "ReadonlyRootfs", 'f' }, { "SecurityOpt", 'a' }, { "Tmpfs", 'o' }, { "UTSMode", 's' }, { "UsernsMode", 's' }, { "IDMappings", 'n' }, { "ShmSize", '0' }, { "Runtime", 's' },
  { "ConsoleSize", 'a' }, { "Isolation", 's' }, { "CpuShares", '0' }, { "Memory", '0' }, { "NanoCpus", '0' }, { "CgroupParent", 's' }, { "BlkioWeight", '0' },
  { "BlkioWeightDevice", 'n' }, { "BlkioDeviceReadBps", 'n' }, { "BlkioDeviceWriteBps", 'n' }, { "BlkioDeviceReadIOps", 'n' }, { "BlkioDeviceWriteIOps", 'n' },
  { "CpuPeriod", '0' }, { "CpuQuota", '0' }, { "CpuRealtimePeriod", '0' }, { "CpuRealtimeRuntime", '0' }, { "CpusetCpus", 's' }, { "CpusetMems", 's' }, { "Devices", 'a' },
  { "DiskQuota", '0' }, { "KernelMemory", '0' }, { "MemoryReservation", '0' }, { "MemorySwap", '0' }, { "MemorySwappiness", '0' }, { "OomKillDisable", 'f' },
  { "Init", 'f' }, { "PidsLimit", '0' }, { "Ulimits", 'a' }, { "CpuCount", '0' }, { "CpuPercent", '0' }, { "IOMaximumIOps", '0' }, { "IOMaximumBandwidth", '0' },
  { "CgroupConf", 'n' }, { NULL } };

/* cgroup_manager: of its group while it has one; else of the next one that it would get. */
static const char *
cgroup_manager (const Inspected *inspected)
{
  g_autofree char *group = cgroup_path_of (inspected->storage->run_fd, inspected->row->id);
  if (group != NULL)
    return strstr (group, ".scope/") != NULL ? "systemd" : "cgroupfs";
  if (inspected->view->pid > 0 || g_strcmp0 (inspected->options->cgroups, "disabled") == 0)
    return "none";
  g_auto (CgroupPlace) place = { 0 };
  cgroup_place_find (&place);
  return cgroup_manager_name (inspected->options->cgroup_manager, &place);
}

/* cgroups_word: as Podman has it. */
static const char *
cgroups_word (const ContainerOptions *options)
{
  return options->cgroups == NULL || strcmp (options->cgroups, "enabled") == 0 ? "default" : options->cgroups;
}

/* device_limits: "PATH:VALUE" as [{Path, @key}]; null when there are none. */
static json_t *
device_limits (char **texts, const char *key)
{
  json_t *array = json_array ();
  for (; texts != NULL && *texts != NULL; texts++)
    {
      const char *colon = strrchr (*texts, ':');
      gint64 value = 0;
      if (colon != NULL && text_size_parse (colon + 1, &value, NULL))
        json_array_append_new (array, json_pack ("{s:o, s:I}", "Path", json_stringn (*texts, (size_t) (colon - *texts)), key, (json_int_t) value));
    }
  if (json_array_size (array) > 0)
    return array;
  json_decref (array);
  return json_null ();
}

static json_t *
unified_json (json_t *resources)
{
  json_t *unified = json_object_get (resources, "unified");
  return unified != NULL ? json_incref (unified) : json_null ();
}

static void
set_limits (json_t *host, const Inspected *inspected)
{
  const ContainerOptions *options = inspected->options;
  json_auto_t *resources = resources_build (options, NULL);
  json_t *memory = json_object_get (resources, "memory"), *cpu = json_object_get (resources, "cpu");
  const struct { const char *name; json_t *value; } numbers[] = {
    { "CpuShares", json_object_get (cpu, "shares") }, { "CpuPeriod", json_object_get (cpu, "period") }, { "CpuQuota", json_object_get (cpu, "quota") },
    { "CpusetCpus", json_object_get (cpu, "cpus") }, { "CpusetMems", json_object_get (cpu, "mems") }, { "Memory", json_object_get (memory, "limit") },
    { "MemoryReservation", json_object_get (memory, "reservation") }, { "MemorySwap", json_object_get (memory, "swap") },
    { "MemorySwappiness", json_object_get (memory, "swappiness") }, { "BlkioWeight", json_object_get (json_object_get (resources, "blockIO"), "weight") },
    { "PidsLimit", json_object_get (json_object_get (resources, "pids"), "limit") },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (numbers[i].value != NULL)
      json_object_set (host, numbers[i].name, numbers[i].value);
  const struct { const char *name; json_t *value; } values[] = {
    { "NanoCpus", json_integer (options->nano_cpus) },
    { "CpuRealtimePeriod", json_integer (options->cpu_rt_period) },
    { "CpuRealtimeRuntime", json_integer (options->cpu_rt_runtime) },
    { "OomKillDisable", json_boolean (options->oom_kill_disable) },
    { "BlkioWeightDevice", device_limits (options->blkio_weight_device, "Weight") },
    { "BlkioDeviceReadBps", device_limits (options->device_read_bps, "Rate") },
    { "BlkioDeviceWriteBps", device_limits (options->device_write_bps, "Rate") },
    { "BlkioDeviceReadIOps", device_limits (options->device_read_iops, "Rate") },
    { "BlkioDeviceWriteIOps", device_limits (options->device_write_iops, "Rate") },
    { "CgroupConf", unified_json (resources) },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (values); i++)
    json_object_set_new (host, values[i].name, values[i].value);
  inspect_text (host, "CgroupManager", cgroup_manager (inspected));
  inspect_text (host, "Cgroups", cgroups_word (options));
  inspect_text (host, "CgroupParent", options->cgroup_parent);
}

/* userns_word: as Podman has it: a namespace of its own is private, however its ids were chosen, but for auto. */
static const char *
userns_word (const ContainerOptions *options)
{
  g_auto (UsernsMode) mode = { 0 };
  if (options->uidmap != NULL || options->gidmap != NULL || options->subuidname != NULL || options->subgidname != NULL)
    return "private";
  (void) userns_mode_parse (options->userns, &mode, NULL);
  return mode.kind == USERNS_KEEP_ID || mode.kind == USERNS_NOMAP ? "private" : mode.kind == USERNS_AUTO ? "" : options->userns;
}

static json_t *
map_words (const IdRange *ranges, size_t n)
{
  json_t *array = json_array ();
  for (size_t i = 0; i < n; i++)
    json_array_append_new (array, json_sprintf ("%u:%u:%u", ranges[i].inside, ranges[i].outside, ranges[i].count));
  return array;
}

/* id_mappings: null of a container in the shared namespace. */
static json_t *
id_mappings (const Inspected *inspected)
{
  g_autoptr (IdMap) ids = userns_ids_of (inspected->row->config);
  return ids == NULL ? json_null () : json_pack ("{s:o, s:o}", "UidMap", map_words (ids->uids, ids->n_uids), "GidMap", map_words (ids->gids, ids->n_gids));
}

static void
set_words (json_t *host, const ContainerOptions *options)
{
  const struct { const char *name, *value; } texts[] = {
    { "CgroupMode", options->cgroupns != NULL ? options->cgroupns : "private" }, { "ContainerIDFile", options->cidfile },
    { "NetworkMode", container_network_mode (options->network) }, { "IpcMode", options->ipc != NULL ? options->ipc : "shareable" },
    { "PidMode", options->pid != NULL ? options->pid : "private" }, { "UTSMode", options->uts != NULL ? options->uts : "private" }, { "UsernsMode", userns_word (options) },
    { "Runtime", "oci" },
  };
  const struct { const char *name; char **value; } lists[] = { { "Dns", options->dns }, { "DnsOptions", options->dns_option }, { "DnsSearch", options->dns_search },
                                                               { "ExtraHosts", options->add_hosts }, { "GroupAdd", options->group_add }, { "SecurityOpt", options->security_opt } };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    inspect_text (host, texts[i].name, texts[i].value);
  for (size_t i = 0; i < G_N_ELEMENTS (lists); i++)
    inspect_list (host, lists[i].name, lists[i].value);
}

static json_t *
log_config (const Inspected *inspected)
{
  g_auto (LogSettings) settings = { 0 };
  if (!log_settings_parse (inspected->options, &settings, NULL))
    return json_object ();
  g_autofree char *path = log_path (&settings, inspected->storage->paths, inspected->row->id), *size = text_size ((guint64) settings.max_size, 4);
  return json_pack ("{s:s, s:n, s:s, s:s, s:s}", "Type", settings.driver, "Config", "Path", path != NULL ? path : "", "Tag", settings.tag != NULL ? settings.tag : "", "Size",
                    settings.max_size > 0 ? size : "-1B");
}

json_t *
inspect_host_config (const Inspected *inspected)
{
  const ContainerOptions *options = inspected->options;
  json_t *host = inspect_shape (host_fields);
  Policy policy;
  (void) policy_parse (options->restart, &policy, NULL);
  set_words (host, options);
  const struct { const char *name; json_t *value; } values[] = {
    { "LogConfig", log_config (inspected) },
    { "RestartPolicy", json_pack ("{s:s, s:i}", "Name", policy_name (&policy), "MaximumRetryCount", (int) policy.retries) },
    { "IDMappings", id_mappings (inspected) },
    { "AutoRemoveImage", json_boolean (options->rmi) },
    { "AutoRemove", json_boolean (inspected->row->auto_remove) },
    { "Annotations", annotations (inspected) },
    { "OomScoreAdj", json_integer (options->oom_score_adj) },
    { "Privileged", json_boolean (options->privileged) },
    { "ReadonlyRootfs", json_boolean (options->read_only) },
    { "ShmSize", json_integer (options->shm_size) },
    { "ConsoleSize", json_pack ("[i, i]", 0, 0) },
    { "Devices", devices (options) },
    { "Init", json_boolean (options->init) },
    { "PortBindings", container_ports_map (inspected->row, FALSE) },
    { "PublishAllPorts", json_boolean (options->publish_all) },
    { "Ulimits", ulimits (inspected) },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (values); i++)
    json_object_set_new (host, values[i].name, values[i].value);
  set_limits (host, inspected);
  set_caps (host, inspected);
  set_mounts (host, inspected);
  return host;
}
