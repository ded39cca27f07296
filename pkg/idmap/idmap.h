/* idmap: the one user namespace that all containers of a user share, made or joined, and entered.
 *
 * The order of a command that needs it:
 *   idmap_begin   right after the words are parsed: finds a live namespace to join, or takes the lock, clones a holder into a new one and
 *                 starts newuidmap and newgidmap on it, both at once; returns without waiting for them
 *   …             the command reads its state meanwhile; up to three children of ours exist: no waitpid (-1) here
 *   idmap_enter   waits for the helpers, moves this process into the namespace (setns), where it is uid 0 with all capabilities over it, records
 *                 itself as one to join, gives up the lock, ends the holder; then a mount namespace of its own, whose mounts follow the host's (slave)
 * Who may be joined: RUN_ROOT/userns (RUN_ROOT/userns.single for the mode SINGLE) holds lines "PID INODE", oldest first: processes that were in the
 * namespace with that inode. When none of them lives, any container monitor (RUN_ROOT/ID/monitor.pid, same format) will do. A pid is trusted only if
 * its namespace has that inode, belongs to this uid (ioctl_ns(2)) and maps uid 0 to it. The file is also the lock (flock); it is written only while locked.
 * Everyone who enters adds itself, so as long as anybody is inside, everybody meets in the same namespace. */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct {
  uint32_t inside, outside, count;
} IdRange;

typedef enum {
  IDMAP_HOST,    /* uid 0 with CAP_SYS_ADMIN and more than one id: no user namespace of ours. Real root, or inside somebody's (also our own: the clean-up) */
  IDMAP_RANGE,   /* uid 0 is the user, 1… are the ranges of subuid(5) and subgid(5), all of them, in file order */
  IDMAP_SINGLE,  /* uid 0 is the user and there is no other id */
} IdmapMode;

typedef struct {
  IdmapMode mode;
  IdRange *uids, *gids;   /* as the kernel's tables have them: sorted by inside in all modes of ours */
  size_t n_uids, n_gids;
} IdMap;

void idmap_free (IdMap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdMap, idmap_free)

/* idmap_is_initial: HOST, and every id is itself: real root, or what cannot be told from it (a container without a user namespace). Elsewhere the kernel allows
 * no device nodes. */
gboolean idmap_is_initial (const IdMap *map);

/* idmap_outside: the id that @inside is outside (in the command's own user namespace at idmap_begin); idmap_inside: the reverse.
 * Returns FALSE if it is not mapped; @ret may be NULL. */
gboolean idmap_outside (const IdRange *ranges, size_t n, uint32_t inside, uint32_t *ret);
gboolean idmap_inside (const IdRange *ranges, size_t n, uint32_t outside, uint32_t *ret);

/* idmap_max_mapped: the largest M such that every inside id from 0 to M is mapped (SINGLE: 0). An empty map, which the kernel never gives, is 0 too. */
uint32_t idmap_max_mapped (const IdRange *ranges, size_t n);

/* idmap_parse: /proc/PID/uid_map or gid_map as text. Returns the number of ranges; @ret_ranges: free with g_free; 0 and NULL when the text is none. */
size_t idmap_parse (const char *text, IdRange **ret_ranges);

typedef struct IdmapPending IdmapPending;

/* idmap_begin: see above. @want_single: --userns=single; the environment's CORACLE_USERNS=single does the same for every command. Without a range in subuid or subgid the mode falls back to SINGLE by itself; then
 * idmap_fell_back is TRUE, for one line of notice.
 * @run_root: exists. Runs in: the host's namespaces, one thread. May wait for another command that is making the namespace.
 * Errors: DENIED with the remedy (helper missing or not setuid or without its file capability, user.max_user_namespaces,
 * kernel.unprivileged_userns_clone, AppArmor's restriction, a container's seccomp filter). */
gboolean idmap_begin (const char *run_root, gboolean want_single, IdmapPending **ret_pending, GError **error);
gboolean idmap_fell_back (const IdmapPending *pending);

/* idmap_enter: see above; frees @pending. @ret_map: what is mapped now; may be NULL.
 * After it the process is in the user namespace and in its own mount namespace with "/" rslave; its cwd is kept.
 * Runs in: the process that began; one thread. Errors: DENIED as above, with what newuidmap said. */
gboolean idmap_enter (IdmapPending *pending, IdMap **ret_map, GError **error);

/* idmap_abandon: give up what was begun (the holder ends, the lock is released). NULL is fine. */
void idmap_abandon (IdmapPending *pending);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdmapPending, idmap_abandon)

/* idmap_record: name @pid (a process of ours in the current user namespace, as our /proc numbers it) as one to join, so that the namespace is found
 * after this command has ended. Nothing happens when the current namespace is not the recorded one (IDMAP_HOST). */
gboolean idmap_record (const char *run_root, pid_t pid, GError **error);
