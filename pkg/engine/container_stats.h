/* container_stats: what containers use: processor, memory, network, block devices, processes. */
#pragma once

#include "pkg/engine/container.h"

typedef struct {
  char *id, *name;
  guint64 cpu_nsec, system_nsec; /* used since the start; of that in the kernel */
  double cpu, average_cpu;       /* percent of one processor: since the last look (the first time: since the start), and since the start */
  guint64 memory, memory_limit;  /* bytes; the limit is at most what the machine has */
  double memory_percent;
  json_t *network; /* {"eth0": {"RxBytes": …}}, without lo */
  guint64 received, sent;
  guint64 block_read, block_written;
  guint64 pids;    /* threads */
  gint64 now_nsec; /* since the epoch */
} ContainerStats;
void container_stats_free (ContainerStats *stats);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ContainerStats, container_stats_free)

/* container_stats: of one container; one that does not run uses nothing. @before: of the last look, NULL = the first. @ret_summed: TRUE: for want of a cgroup with controllers, memory, processes or block devices
 * are summed up from /proc, where what has ended is not counted. Runs in: the user namespace (other ids' processes are looked at). Errors: SYSTEM. */
ContainerStats *container_stats (Storage *storage, const ContainerView *view, const ContainerStats *before, gboolean *ret_summed, GError **error);

/* ---- for the tests */
/* container_stats_network: /proc/PID/net/dev as Podman's object; the sums of all but lo. */
json_t *container_stats_network (const char *text, guint64 *ret_received, guint64 *ret_sent);
/* container_stats_process: one /proc/PID/stat: its parent, processor time (its own and that of its dead children) in ticks, threads. */
gboolean container_stats_process (const char *text, int *ret_parent, guint64 *ret_ticks, guint64 *ret_system_ticks, guint64 *ret_threads);
