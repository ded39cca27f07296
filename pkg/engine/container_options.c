#include "pkg/engine/container_options.h"

#include <stddef.h>
#include <stdint.h>

typedef enum { TEXT, LIST, NUMBER, FLAG, VALUE } Kind;

#define FIELD(name, kind) { #name, kind, offsetof (ContainerOptions, name) }
static const struct {
  const char *name;
  Kind kind;
  size_t at;
} fields[] = {
  FIELD (name, TEXT),          FIELD (image, TEXT),         FIELD (rootfs, TEXT),        FIELD (command, LIST),      FIELD (entrypoint, TEXT),
  FIELD (workdir, TEXT),       FIELD (user, TEXT),          FIELD (hostname, TEXT),      FIELD (umask, TEXT),        FIELD (tz, TEXT),
  FIELD (stop_signal, TEXT),   FIELD (network, TEXT),       FIELD (pid, TEXT),           FIELD (ipc, TEXT),          FIELD (uts, TEXT),
  FIELD (cgroupns, TEXT),      FIELD (userns, TEXT),        FIELD (cidfile, TEXT),       FIELD (pidfile, TEXT),      FIELD (platform, TEXT),
  FIELD (init_path, TEXT),     FIELD (image_volume, TEXT),  FIELD (passwd_entry, TEXT),  FIELD (group_entry, TEXT),  FIELD (env, LIST),
  FIELD (env_file, LIST),      FIELD (unsetenv, LIST),      FIELD (group_add, LIST),     FIELD (volumes, LIST),      FIELD (mounts, LIST),
  FIELD (tmpfs, LIST),         FIELD (add_hosts, LIST),     FIELD (dns, LIST),           FIELD (dns_search, LIST),   FIELD (dns_option, LIST),
  FIELD (cap_add, LIST),       FIELD (cap_drop, LIST),      FIELD (security_opt, LIST),  FIELD (ulimit, LIST),       FIELD (sysctl, LIST),
  FIELD (hooks_dir, LIST),     FIELD (device, LIST),        FIELD (label, LIST),         FIELD (label_file, LIST),    FIELD (annotation, LIST),   FIELD (shm_size, NUMBER),
  FIELD (oom_score_adj, NUMBER), FIELD (preserve_fds, NUMBER), FIELD (timeout, NUMBER),  FIELD (stop_timeout, NUMBER), FIELD (has_oom_score_adj, FLAG),
  FIELD (rm, FLAG),            FIELD (replace, FLAG),       FIELD (interactive, FLAG),   FIELD (tty, FLAG),          FIELD (sig_proxy, FLAG),
  FIELD (rootfs_overlay, FLAG), FIELD (env_host, FLAG),      FIELD (unsetenv_all, FLAG),  FIELD (read_only, FLAG),     FIELD (read_only_tmpfs, FLAG), FIELD (no_hosts, FLAG),
  FIELD (create_command, LIST), FIELD (cwd, TEXT),          FIELD (log_driver, TEXT),    FIELD (log_opt, LIST),      FIELD (default_log_size, NUMBER),      FIELD (restart, TEXT),
  FIELD (sdnotify, TEXT),      FIELD (conmon_pidfile, TEXT), FIELD (detach_keys, TEXT),  FIELD (attach, LIST),       FIELD (volumes_from, LIST),
  FIELD (requires, LIST),      FIELD (health_cmd, TEXT),    FIELD (health_startup_cmd, TEXT), FIELD (health_on_failure, TEXT), FIELD (health_log_destination, TEXT),
  FIELD (health_interval, NUMBER), FIELD (health_timeout, NUMBER), FIELD (health_start_period, NUMBER), FIELD (health_retries, NUMBER), FIELD (health_startup_interval, NUMBER),
  FIELD (health_startup_timeout, NUMBER), FIELD (health_startup_retries, NUMBER), FIELD (health_startup_success, NUMBER), FIELD (health_max_log_count, NUMBER),
  FIELD (health_max_log_size, NUMBER), FIELD (no_healthcheck, FLAG), FIELD (rmi, FLAG),
  FIELD (privileged, FLAG),    FIELD (init, FLAG),          FIELD (http_proxy, FLAG),    FIELD (passwd, FLAG),       FIELD (name_as_hostname, FLAG),
  FIELD (default_env, LIST),   FIELD (default_caps, LIST),  FIELD (default_sysctl, LIST), FIELD (default_ulimit, LIST), FIELD (default_volumes, LIST),
  FIELD (systemd, TEXT),       FIELD (personality, TEXT),   FIELD (env_merge, LIST),     FIELD (chrootdirs, LIST),    FIELD (shm_size_systemd, NUMBER),
  FIELD (uidmap, LIST),        FIELD (gidmap, LIST),        FIELD (subuidname, TEXT),    FIELD (subgidname, TEXT),
  FIELD (host_users, LIST),    FIELD (no_hostname, FLAG),   FIELD (pull, TEXT),          FIELD (default_mounts, LIST), FIELD (base_hosts_file, TEXT), FIELD (host_internal, TEXT), FIELD (default_seccomp, TEXT),
  FIELD (cgroups, TEXT),       FIELD (cgroup_parent, TEXT), FIELD (cgroup_manager, TEXT), FIELD (memory_swap, TEXT),  FIELD (cpuset_cpus, TEXT),
  FIELD (oci_runtime, TEXT),   FIELD (cpu_rt_period, NUMBER), FIELD (cpu_rt_runtime, NUMBER),
  FIELD (cpuset_mems, TEXT),   FIELD (blkio_weight_device, LIST), FIELD (device_read_bps, LIST), FIELD (device_write_bps, LIST), FIELD (device_read_iops, LIST),
  FIELD (device_write_iops, LIST), FIELD (cgroup_conf, LIST), FIELD (memory, NUMBER),    FIELD (memory_reservation, NUMBER), FIELD (memory_swappiness, NUMBER),
  FIELD (nano_cpus, NUMBER),   FIELD (cpu_period, NUMBER),  FIELD (cpu_quota, NUMBER),   FIELD (cpu_shares, NUMBER), FIELD (pids_limit, NUMBER),
  FIELD (slirp_options, LIST), FIELD (networks, VALUE),     FIELD (default_network, TEXT),
  FIELD (default_pids_limit, NUMBER), FIELD (blkio_weight, NUMBER), FIELD (oom_kill_disable, FLAG),
  FIELD (publish, LIST),       FIELD (expose, LIST),        FIELD (publish_all, FLAG),
};

static void *
field (const ContainerOptions *options, size_t i)
{
  return (char *) (uintptr_t) options + fields[i].at;
}

ContainerOptions *
container_options_new (void)
{
  ContainerOptions *options = g_new0 (ContainerOptions, 1);
  options->shm_size = 65536 << 10; /* containers.conf(5) shm_size */
  options->stop_timeout = 10;
  options->memory_swappiness = -1;
  options->default_pids_limit = 2048; /* containers.conf(5) pids_limit */
  gint64 *not_given[] = { &options->health_interval, &options->health_timeout, &options->health_start_period, &options->health_retries, &options->health_startup_interval,
                          &options->health_startup_timeout, &options->health_startup_retries, &options->health_startup_success, &options->health_max_log_count,
                          &options->health_max_log_size };
  for (size_t i = 0; i < G_N_ELEMENTS (not_given); i++)
    *not_given[i] = -1;
  /* containers.conf(5) default_sysctls: ping works without CAP_NET_RAW */
  options->default_sysctl = g_strdupv ((char *[]){ (char *) "net.ipv4.ping_group_range=0 0", NULL });
  options->read_only_tmpfs = options->http_proxy = options->passwd = options->sig_proxy = TRUE;
  return options;
}

void
container_options_free (ContainerOptions *options)
{
  if (options == NULL)
    return;
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    if (fields[i].kind == TEXT)
      g_free (*(char **) field (options, i));
    else if (fields[i].kind == LIST)
      g_strfreev (*(char ***) field (options, i));
    else if (fields[i].kind == VALUE)
      json_decref (*(json_t **) field (options, i));
  g_strfreev (options->fetch);
  g_free (options);
}

static json_t *
list_to_json (char **list)
{
  json_t *array = json_array ();
  for (; list != NULL && *list != NULL; list++)
    json_array_append_new (array, json_string (*list));
  return array;
}

static gboolean
same_list (char **one, char **other)
{
  if (one == NULL || other == NULL)
    return one == other;
  return g_strv_equal ((const char *const *) one, (const char *const *) other);
}

/* What is as container_options_new has it is left out: a row is read by every listing. */
json_t *
container_options_to_json (const ContainerOptions *options)
{
  g_autoptr (ContainerOptions) usual = container_options_new ();
  json_t *object = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      void *at = field (options, i), *other = field (usual, i);
      json_t *value = NULL;
      if (fields[i].kind == TEXT && *(char **) at != NULL)
        value = json_string (*(char **) at);
      else if (fields[i].kind == LIST && !same_list (*(char ***) at, *(char ***) other))
        value = list_to_json (*(char ***) at);
      else if (fields[i].kind == NUMBER && *(gint64 *) at != *(gint64 *) other)
        value = json_integer (*(gint64 *) at);
      else if (fields[i].kind == FLAG && *(gboolean *) at != *(gboolean *) other)
        value = json_boolean (*(gboolean *) at);
      else if (fields[i].kind == VALUE && *(json_t **) at != NULL)
        value = json_deep_copy (*(json_t **) at);
      if (value != NULL)
        json_object_set_new (object, fields[i].name, value);
    }
  return object;
}

static char **
list_from_json (json_t *array)
{
  GPtrArray *list = g_ptr_array_new ();
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    g_ptr_array_add (list, g_strdup (json_string_value (item)));
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

ContainerOptions *
container_options_from_json (json_t *object)
{
  ContainerOptions *options = container_options_new ();
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      json_t *value = json_object_get (object, fields[i].name);
      void *at = field (options, i);
      if (value == NULL)
        continue;
      if (fields[i].kind == TEXT)
        {
          g_free (*(char **) at);
          *(char **) at = g_strdup (json_string_value (value));
        }
      else if (fields[i].kind == LIST)
        {
          g_strfreev (*(char ***) at);
          *(char ***) at = list_from_json (value);
        }
      else if (fields[i].kind == NUMBER)
        *(gint64 *) at = json_integer_value (value);
      else if (fields[i].kind == VALUE)
        {
          json_decref (*(json_t **) at);
          *(json_t **) at = json_deep_copy (value);
        }
      else
        *(gboolean *) at = json_is_true (value);
    }
  return options;
}
