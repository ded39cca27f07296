/* idmap: the one user namespace that all containers of a user share, made or joined, and entered.
 *
 * The order of a command that needs it:
 *   idmap_begin   right after the words are parsed: takes RUN_ROOT/userns.lock, finds a live namespace to join, or clones a holder into a
 *                 new one and starts newuidmap and newgidmap on it, both at once; returns without waiting for them
 *   …             the command reads its state meanwhile
 *   idmap_enter   waits for the helpers, gives up the lock, and moves this process into the namespace (setns), where it is uid 0
 *                 with all capabilities over it; and into a mount namespace of its own, whose mounts follow the host's (slave)
 * Who may be joined: RUN_ROOT/userns names a live process in the namespace ("PID INODE"); when that one is gone, any container monitor
 * (RUN_ROOT/ID/monitor.pid, same format) does. A pid is trusted only if its namespace has that inode and is owned by this uid (ioctl_ns(2)). */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct {
  uint32_t inside, outside, count;
} IdRange;

typedef enum {
  IDMAP_HOST,    /* real root: no user namespace */
  IDMAP_RANGE,   /* uid 0 is the user, 1… are the ranges of subuid(5) and subgid(5), all of them, in file order */
  IDMAP_SINGLE,  /* uid 0 is the user and there is no other id */
} IdmapMode;

typedef struct {
  IdmapMode mode;
  IdRange *uids, *gids;
  size_t n_uids, n_gids;
} IdMap;

void idmap_free (IdMap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdMap, idmap_free)

typedef struct IdmapPending IdmapPending;

/* idmap_begin: see above. @want_single: --userns=single. Without a range in subuid or subgid the mode falls back to SINGLE by itself.
 * @run_root: exists. Runs in: the host's namespaces, one thread. Errors: DENIED with the remedy (helper missing or not setuid or without its
 * file capability, user.max_user_namespaces, kernel.unprivileged_userns_clone, AppArmor's restriction). */
gboolean idmap_begin (const char *run_root, gboolean want_single, IdmapPending **ret_pending, GError **error);

/* idmap_enter: see above; frees @pending. @ret_map: what is mapped now (from /proc/self/uid_map when joined).
 * After it the process is in the user namespace and in its own mount namespace with "/" rslave; its cwd is kept.
 * Runs in: the process that began; one thread. Errors: DENIED as above, with what newuidmap said. */
gboolean idmap_enter (IdmapPending *pending, IdMap **ret_map, GError **error);

/* idmap_abandon: give up what was begun (the holder ends, the lock is released). NULL is fine. */
void idmap_abandon (IdmapPending *pending);

/* idmap_record: name @pid (a process of ours in the current user namespace) in RUN_ROOT/userns as the one to join. */
gboolean idmap_record (const char *run_root, pid_t pid, GError **error);
