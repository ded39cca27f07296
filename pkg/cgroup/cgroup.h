/* cgroup: the container's control group: where one can be made, its limits, freezer and counters. Version 2 only; a machine that has both shows its v2 hierarchy, without controllers
 * but with a freezer, on /sys/fs/cgroup/unified.
 *
 * Where. A process may be put into a group when its mover may write cgroup.procs of that group and of the nearest group above both (cgroups(7)). So:
 *   cgroupfs  from our own group upwards as far as it is this user's: the topmost is the delegated one (a user service, a terminal below the user manager, a container).
 *             DELEGATED/libpod_parent/libpod-ID; for --cgroups=split OWN/libpod-payload-ID beside OWN/supervisor.
 *   systemd   a login session's group belongs to root: the user's manager is asked for a scope, libpod-ID.scope, with this process in it: SCOPE/supervisor holds the command and,
 *             after it, the monitor; SCOPE/container the container. The scope goes with the last of them.
 * Which. What is asked for by --cgroup-manager; else cgroupfs where it can be, then systemd, then none: the container stays in the command's group.
 * Never.   A group outlives its container: RUN_ROOT/ID/cgroup holds its path, and whoever takes that folder away (storage_run_end) removes the group first. libpod_parent stays.
 * The monitor is outside, so that an OOM in the container leaves it. Source: Documentation/admin-guide/cgroup-v2.rst; systemd.io/CGROUP_DELEGATION; podman-run(1). */
#pragma once

#include <glib.h>
#include <jansson.h>

#define CGROUP_FILE "cgroup" /* in RUN_ROOT/ID: the group's absolute path */

/* ---- where (place.c) */

typedef struct {
  char *mount;     /* of the v2 hierarchy; NULL = there is none */
  char *own;       /* this process's group below it, "/" …; NULL when it is outside of what is mounted */
  char *delegated; /* the topmost group, own or above, that is ours to fill; NULL = none */
  gboolean hybrid; /* controllers are version 1's */
} CgroupPlace;
void cgroup_place_clear (CgroupPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CgroupPlace, cgroup_place_clear)

/* cgroup_place_find: of this process. Always answers. Costs a few look-ups. */
void cgroup_place_find (CgroupPlace *ret_place);
/* cgroup_place_look: the same for a hierarchy on @mount and the text of /proc/self/cgroup. */
void cgroup_place_look (const char *mount, const char *text, CgroupPlace *ret_place);
/* cgroup_manager_name: what would be used for a container of this process: "systemd", "cgroupfs", "none". */
const char *cgroup_manager_name (const char *wanted, const CgroupPlace *place);
/* cgroup_own_path: the v2 line of the text of a /proc/PID/cgroup, new; NULL = none. */
char *cgroup_own_path (const char *text);

/* ---- making one (make.c) */

typedef struct {
  const char *id;
  const char *mode;    /* --cgroups: NULL or "enabled", "disabled", "no-conmon", "split" */
  const char *manager; /* --cgroup-manager: "systemd", "cgroupfs", NULL = the best that can be had */
  const char *parent;  /* --cgroup-parent: a path, or with systemd a slice; NULL = usual */
} CgroupRequest;
typedef struct CgroupPending CgroupPending;
typedef struct {
  char *path;   /* absolute; NULL: the container has none of its own */
  int fd;       /* O_PATH of it; -1 */
  char *reason; /* why there is none */
} Cgroup;
#define CGROUP_INIT \
  {                 \
    NULL, -1, NULL  \
  }
void cgroup_clear (Cgroup *group);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Cgroup, cgroup_clear)

/* cgroup_check: do the words go together? Podman's errors, INVALID. Nothing is looked at but the words. */
gboolean cgroup_check (const CgroupRequest *request, GError **error);
/* cgroup_begin: find out where, and send systemd its request, whose answer cgroup_make waits for: other work goes between. NULL with @error: the manager asked for cannot be had. */
CgroupPending *cgroup_begin (const CgroupRequest *request, GError **error);
void cgroup_pending_free (CgroupPending *pending);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CgroupPending, cgroup_pending_free)
/* cgroup_make: make the group. With none to be had it succeeds, without a path, unless @request wanted one at a certain place. @run_dir: RUN_ROOT/ID, where its path is noted before; -1 = nowhere.
 * This process may be moved (systemd, split): one thread, and no child yet that should move too. */
gboolean cgroup_make (CgroupPending *pending, int run_dir, Cgroup *ret_group, GError **error);

/* ---- limits (limits.c) */

/* cgroup_limit: write linux.resources of a config.json (runtime-spec, config-linux.md) into the group's files. Errors: CANNOT_INVOKE a controller is missing, with the remedy, or the kernel refuses the
 * value; INVALID for what cgroup v2 cannot. With group->path NULL any limit is an error. */
gboolean cgroup_limit (const Cgroup *group, json_t *resources, GError **error);
/* cgroup_has_controller: can its limits be set? Tries to enable it on the way down. */
gboolean cgroup_has_controller (const Cgroup *group, const char *controller);
/* cgroup_weight_from_shares: cpu.weight of --cpu-shares, 1024 being 100. cgroup_weight_from_blkio: io.weight of 10 … 1000. */
guint64 cgroup_weight_from_shares (guint64 shares);
guint64 cgroup_weight_from_blkio (guint64 weight);

/* ---- a container's (group.c). @run_fd: RUN_ROOT, @id: the container's */

/* cgroup_path_of: the noted path, new; NULL: it has none. */
char *cgroup_path_of (int run_fd, const char *id);
/* cgroup_open_of: O_PATH of the group, -1 = none. */
int cgroup_open_of (int run_fd, const char *id);
/* cgroup_freeze, cgroup_thaw: and wait until it is so. Errors: NOT_FOUND it has no group; SYSTEM. Thawing what is not frozen is success. */
gboolean cgroup_freeze (int run_fd, const char *id, GError **error);
gboolean cgroup_thaw (int run_fd, const char *id, GError **error);
/* cgroup_is_frozen: @id's processes stand still. */
gboolean cgroup_is_frozen (int run_fd, const char *id);
/* cgroup_attach: put the process @pid (of this pid namespace) into the container's group: for exec. Where only systemd may move it, that is asked. Success without a group. */
gboolean cgroup_attach (int run_fd, const char *id, pid_t pid, GError **error);
/* cgroup_remove: kill what is in it, and remove it with the groups below. What is gone is success. 0 or -errno. */
int cgroup_remove (const char *path);

/* ---- counters (usage.c) */

typedef struct {
  guint64 cpu_usec, system_usec; /* used so far; of that in the kernel */
  guint64 memory, memory_limit;  /* bytes; without page cache that could go; limit 0 = none */
  guint64 pids;
  guint64 read_bytes, written_bytes;
  gboolean has_memory, has_pids, has_io; /* the controller is there: else the number is 0 */
} CgroupUsage;
/* cgroup_usage_read: of the group behind @fd (O_PATH). */
gboolean cgroup_usage_read (int fd, CgroupUsage *ret_usage, GError **error);

/* ---- one value of a group's file, for all of the above */
/* cgroup_write: 0 or -errno. cgroup_read: the text without its newline, new; NULL when it cannot be read. cgroup_value: the number behind @key in lines "key number". */
int cgroup_write (int fd, const char *file, const char *text);
char *cgroup_read (int fd, const char *file);
gboolean cgroup_value (const char *text, const char *key, guint64 *ret_value);
