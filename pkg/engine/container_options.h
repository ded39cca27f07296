/* container_options: what a container was asked to be: the words of run and create, not yet resolved. Kept in the container's row, so that it can be started again. The
 * fields are in one table (container_options.c), which turns them into JSON and back. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* Strings and vectors are owned; NULL means "not given". */
typedef struct {
  char *name, *image, *rootfs;
  gboolean rootfs_overlay;      /* what is written goes beside @rootfs, and is gone with the next start */
  char **command;                 /* after the image */
  char **create_command;          /* the whole command line, for inspect */
  char *entrypoint;               /* as given: a word, "" or a JSON array */
  char *workdir, *user, *hostname, *umask, *tz, *stop_signal;
  char *network;                  /* container_network.h reads the words of networks */
  char **slirp_options;
  json_t *networks;
  char *default_network;          /* containers.conf: what "bridge" is called; NULL = podman */
  char *pid, *ipc, *uts, *cgroupns, *userns;
  char *systemd;                  /* podman-run(1) --systemd; NULL = true */
  char *personality;
  char **env_merge, **chrootdirs;
  gint64 shm_size_systemd;        /* bytes; 0 = no limit */
  char **uidmap, **gidmap, *subuidname, *subgidname;   /* podman-run(1) --uidmap */
  char *cidfile, *pidfile, *platform, *init_path, *image_volume, *passwd_entry, *group_entry;
  char **env, **env_file, **unsetenv, **group_add, **host_users;
  char **volumes, **mounts, **tmpfs;
  char **add_hosts, **dns, **dns_search, **dns_option;
  char **cap_add, **cap_drop, **security_opt, **ulimit, **sysctl, **device, **hooks_dir;
  char **label, **label_file, **annotation;
  /* containers.conf: what every container has besides what it was asked to be (container_defaults.h) */
  char **default_env, **default_caps, **default_sysctl, **default_ulimit, **default_volumes, **default_mounts;
  char *cwd;                      /* what relative paths among them are relative to; NULL = the caller's folder */
  char *log_driver, **log_opt;    /* NULL = k8s-file */
  gint64 default_log_size;        /* containers.conf log_size_max: without a max-size of its own; 0 or less = no limit */
  char *restart;                  /* policy: NULL = no; container_policy.h */
  char *sdnotify;                 /* NULL = container */
  char *conmon_pidfile, *detach_keys;   /* keys: NULL = ctrl-p,ctrl-q */
  char **attach;                  /* streams: NULL = all */
  char **volumes_from, **requires;
  char *health_cmd, *health_startup_cmd, *health_on_failure, *health_log_destination;   /* container_health_options.h */
  gint64 health_interval, health_timeout, health_start_period, health_retries, health_startup_interval, health_startup_timeout, health_startup_retries, health_startup_success,
      health_max_log_count, health_max_log_size;   /* times in microseconds; -1 = not given; an interval of 0 = "disable" */
  gboolean no_healthcheck, rmi;
  char *pull;                     /* never, missing, always, newer: NULL = missing */
  const int *kept_fds;            /* --preserve-fd: ascending, from 3 up, open; borrowed and not kept in the row: they are the first start's */
  guint n_kept_fds;
  char **fetch;                   /* more words for the pull, not kept in the row: --creds has passwords; NULL = none */
  char *base_hosts_file, *host_internal, *default_seccomp;
  gint64 shm_size, oom_score_adj, preserve_fds, timeout, stop_timeout;
  /* limits: 0 = none, and for what may be 0, -1 */
  char *oci_runtime;              /* the name or path by which the runtime was asked for; NULL = OCI_RUNTIME */
  gint64 cpu_rt_period, cpu_rt_runtime;   /* only with cgroup v1: written down by update, and that is all */
  char *cgroups, *cgroup_parent, *cgroup_manager, *memory_swap, *cpuset_cpus, *cpuset_mems;
  char **blkio_weight_device, **device_read_bps, **device_write_bps, **device_read_iops, **device_write_iops, **cgroup_conf;
  gint64 memory, memory_reservation, memory_swappiness, nano_cpus, cpu_period, cpu_quota, cpu_shares, pids_limit, default_pids_limit, blkio_weight;
  gboolean oom_kill_disable;
  char **publish, **expose;       /* network/port.h */
  gboolean publish_all;
  gboolean has_oom_score_adj;
  gboolean rm, replace, interactive, tty, sig_proxy, env_host, unsetenv_all, read_only, read_only_tmpfs, no_hosts, no_hostname, privileged, init, http_proxy, passwd, name_as_hostname;
} ContainerOptions;

ContainerOptions *container_options_new (void);   /* with Podman's defaults */
void container_options_free (ContainerOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ContainerOptions, container_options_free)

json_t *container_options_to_json (const ContainerOptions *options);
ContainerOptions *container_options_from_json (json_t *object);
