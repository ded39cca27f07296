/* container_make: a container in the making: from its options to a mounted root filesystem and a config.json that the runtime can perform. Internal to pkg/engine.
 *
 *   make_begin   which image, which name, which seccomp filter: reads only
 *   make_places  run folder (with its lock), containers/ID, the files of /etc: what the user can make himself, while newuidmap and newgidmap work
 *   make_folders owners, the overlay: in the user namespace
 *   make_config  user, environment, mounts, config.json
 * Whatever happens, make_clear releases memory and descriptors; make_undo removes what was made. */
#pragma once

#include "network/port.h"
#include "network/slirp.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/engine/container.h"
#include "pkg/engine/container_network.h"
#include "pkg/engine/etc_files.h"
#include "pkg/engine/user.h"
#include "pkg/seccomp/seccomp.h"
#include "pkg/spec/spec.h"

/* What of another container can be joined. */
typedef enum { SHARE_PID, SHARE_IPC, SHARE_UTS, SHARE_CGROUP, SHARE_NET, SHARE_USER, SHARE_END } ShareSpace;

typedef struct {
  const ConfigPaths *paths;
  const ContainerOptions *options;
  ContainerOptions *own_options;   /* those, with other containers' names as ids; NULL = none are named */
  json_t *dependencies;        /* ids of the containers it needs; NULL = none */
  char *shared[SHARE_END];     /* paths of their namespaces */
  Storage *storage;
  int store_lock;              /* storage_lock_shared, from the look-up of the image to the row */
  StateImage *image;           /* NULL with --rootfs */
  gboolean fetched;            /* the registry was asked, or an archive read */
  char *fetched_id;            /* of an image that was given as an archive; NULL = it was not */
  gboolean image_single;       /* unpacked with one id: its files have lost their owners */
  json_t *image_config;        /* the "config" object of the image's config; owned */
  char *id, *name;
  char *upper_like;            /* the layer whose owner the upper folder is still to be given; NULL = none */
  char *replaced;              /* id of the container that has the name, to be removed first (--replace); NULL = none */
  char *image_name;            /* as the user will read it */
  NetworkKind network;
  char *network_path;
  SlirpNetwork slirp;          /* NETWORK_SLIRP: which */
  char *own_address;           /* the container's on it */
  json_t *joined;              /* NETWORK_BRIDGE: what it was given on its networks: network/netd.h */
  char **addresses, **name_servers;   /* of these, as etc_files.h has them */
  int netd, network_fd;        /* the connection that it lives by until it runs; its network namespace; -1 */
  int volume_lock;             /* volume_mount: until the monitor is recorded; -1 */
  int network_lock;            /* NETWORK_BRIDGE: its networks stay until the row is written; -1 */
  GPtrArray *ports;            /* of PortMapping: container_ports.h */
  json_t *exposed;             /* of a new container */
  PortTarget port_target;      /* where the ports lead to: of NETWORK_SLIRP make_begin knows it; of other networks whoever gives the container its addresses, before process_start */
  PortListeners *listeners;    /* until the monitor has them */
  GError *late;                /* of a new one: a port that cannot be had: it is made all the same, and not started; NULL = none */
  uint64_t caps;
  SpecSecurity *security;
  json_t *health;              /* container_health_options.h */
  json_t *labels;              /* the image's and the user's */
  SeccompFilter *seccomp, *seccomp_single;
  IdMap *map;                  /* of the user namespace that all of the user's containers share */
  IdMap *ids;                  /* of the container's own, below that: inside: its ids, outside: the shared one's; NULL = it has none (container_userns.h) */
  int user_ns;                 /* that namespace; -1 = none, or not opened yet */
  int auto_lock;               /* while its ids are chosen and not recorded yet; -1 */
  void (*notice) (const char *text, void *data);   /* of what takes long; may be NULL */
  void *notice_data;
  int run_dir;                 /* RUN_ROOT/ID with its lock */
  Cgroup cgroup;               /* made just before it is started */
  char *folder;                /* ROOT/containers/ID */
  char *rootfs;                /* where it is mounted */
  int root_fd;
  UserInfo user;
  char **host_users;           /* lines for passwd: --hostuser */
  char *own_passwd, *own_group; /* with keep-id: the caller's lines; NULL = none, or the image has them */
  uint32_t own_gid;
  char *hostname;
  char **args, **env;
  guint n_before_command;   /* of args: the init program and the entrypoint, which `ps` does not show */
  char *cwd;
  int stop_signal;
  gboolean systemd;            /* --systemd, container_systemd.h */
  char *shm;                   /* where another container's /dev/shm is mounted for it (--ipc container:); NULL = it has its own */
  json_t *mounts;              /* OCI form */
  json_t *staged;              /* how those on these destinations are recorded (container_staged.h); NULL = none */
  guint n_staged;
  json_t *config;              /* config.json without linux.seccomp */
  gboolean config_saved;       /* it is in its file */
  json_t *volumes;             /* anonymous ones made for it: array of names */
  gboolean folder_made;
  gboolean only_made;          /* it is not started now: what is decided at each start is left out */
  const StateContainer *existing;   /* the row of a container that was made before (make_resume); borrowed, NULL = a new one */
} Make;
void make_clear (Make *make);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Make, make_clear)

void make_init (Make *make, const ConfigPaths *paths, const ContainerOptions *options);
gboolean make_begin (Make *make, GError **error);

/* make_own_options: a copy of the options that may be changed: make->own_options. */
void make_own_options (Make *make);
/* make_fetch: before make_begin: open the store, and pull the image as the pull policy says. Runs in: before idmap_begin, whose lock the puller needs. */
gboolean make_fetch (Make *make, GError **error);
gboolean make_places (Make *make, GError **error);
gboolean make_folders (Make *make, GError **error);
gboolean make_config (Make *make, GError **error);
/* make_save_config: write config.json, if make_config has not: of one that is started now, and has no hooks that would read it, there is time for that while it starts; before its row is
 * written. */
gboolean make_save_config (Make *make, GError **error);
/* make_resume: in place of make_begin and make_places, for a container that was made before: same id, name, image, volumes and files. @run_dir: RUN_ROOT/ID with its lock; taken.
 * @storage, @map: of a process that is in the user namespace; borrowed. @row: borrowed, outlives @make. */
gboolean make_resume (Make *make, Storage *storage, IdMap *map, const StateContainer *row, int run_dir, GError **error);
/* make_rest: a new container that is not started: its run folder and mount go. */
void make_rest (Make *make);
/* make_names: the files of /etc anew, when more is known of its networks. */
gboolean make_names (Make *make, GError **error);
/* make_rename: another made-up name, when somebody took the first before it was recorded; nothing the container could have seen has run yet. */
gboolean make_rename (Make *make, GError **error);
/* make_undo: the run folder and, of a new one, the container's folder. In the user namespace. */
void make_undo (Make *make);
/* make_row: what the state database will hold of it. */
StateContainer *make_row (const Make *make);

/* ---- container_env.c */
/* env_given: --env-file and --env alone, a list. Errors: INVALID, NOT_FOUND of an env file. */
gboolean env_given (const ContainerOptions *options, char ***ret_env, GError **error);
/* env_build: Podman's order: defaults, the image's, proxies, --env-host, --env-file, --env, then --unsetenv. Errors: INVALID, NOT_FOUND of an env file. */
gboolean env_build (const Make *make, char ***ret_env, GError **error);
/* env_freeze: in @frozen, the options as the row keeps them: what came from files and the caller's environment as it is now, for the next start, which has another. */
void env_freeze (const Make *make, json_t *frozen);
/* env_renew: over the environment that a container was started with, the words that `update` may have changed since: for an exec. @options: of its row, frozen.
 * Errors: INVALID. */
gboolean env_renew (const ContainerOptions *options, char ***env, GError **error);

/* ---- container_mounts.c */
/* mounts_resolve: --volume, --mount, --tmpfs, --read-only's tmpfs, the image's volumes: appended to make->mounts. Makes anonymous and named volumes. */
gboolean mounts_resolve (Make *make, GError **error);
/* mounts_check: the same words read without doing anything, before anything is made. */
gboolean mounts_check (const ContainerOptions *options, GError **error);
/* mounts_given: do these words mount something on @destination? */
gboolean mounts_given (const ContainerOptions *options, const char *destination);
