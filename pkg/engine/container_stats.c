#include "pkg/engine/container_stats.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"

#define TEXT_MAX ((size_t) 1 << 20)
#define NSEC_PER_SEC 1000000000.0

void
container_stats_free (ContainerStats *stats)
{
  if (stats == NULL)
    return;
  g_free (stats->id);
  g_free (stats->name);
  json_decref (stats->network);
  g_free (stats);
}

static char *
read_proc (const char *pid, const char *file)
{
  char path[64];
  char *text = NULL;
  g_snprintf (path, sizeof path, "/proc/%s/%s", pid, file);
  return path_read_file (AT_FDCWD, path, TEXT_MAX, &text, NULL, NULL) ? text : NULL;
}

/* ---- network */

json_t *
container_stats_network (const char *text, guint64 *ret_received, guint64 *ret_sent)
{
  static const char *const names[] = { "RxBytes", "RxPackets", "RxErrors", "RxDropped", NULL, NULL, NULL, NULL, "TxBytes", "TxPackets", "TxErrors", "TxDropped" };
  json_t *network = json_object ();
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  *ret_received = *ret_sent = 0;
  for (char **line = lines; *line != NULL; line++)
    {
      char *colon = strchr (*line, ':');
      if (colon == NULL)
        continue;
      *colon = '\0';
      const char *name = g_strstrip (*line);
      if (strcmp (name, "lo") == 0)
        continue;
      json_t *device = json_object ();
      char *at = colon + 1;
      for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
        {
          guint64 value = g_ascii_strtoull (at, &at, 10);
          if (names[i] != NULL)
            json_object_set_new (device, names[i], json_integer ((json_int_t) value));
        }
      *ret_received += (guint64) json_integer_value (json_object_get (device, "RxBytes"));
      *ret_sent += (guint64) json_integer_value (json_object_get (device, "TxBytes"));
      json_object_set_new (network, name, device);
    }
  return network;
}

/* ---- /proc, where there is no cgroup to ask */

gboolean
container_stats_process (const char *text, int *ret_parent, guint64 *ret_ticks, guint64 *ret_system_ticks, guint64 *ret_threads)
{
  /* the name, in parentheses, may hold anything; after it: state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime priority nice threads */
  const char *end = text != NULL ? strrchr (text, ')') : NULL;
  unsigned long long user, system, threads;
  long long dead_user, dead_system;
  if (end == NULL
      || sscanf (end + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld %*d %*d %llu", ret_parent, &user, &system, &dead_user, &dead_system, &threads) != 6)
    return FALSE;
  *ret_ticks = user + system + (guint64) MAX (dead_user, 0) + (guint64) MAX (dead_system, 0);
  *ret_system_ticks = system + (guint64) MAX (dead_system, 0);
  *ret_threads = threads;
  return TRUE;
}

typedef struct {
  int pid, parent;
  gboolean inside;
  guint64 ticks, system_ticks, threads;
} Process;

static unsigned long long
pid_namespace (const char *pid)
{
  char path[64];
  struct stat st;
  g_snprintf (path, sizeof path, "/proc/%s/ns/pid", pid);
  return stat (path, &st) < 0 ? 0 : (unsigned long long) st.st_ino;
}

static GArray *
read_processes (int init)
{
  char number[16];
  g_snprintf (number, sizeof number, "%d", init);
  unsigned long long space = pid_namespace (number);
  gboolean own = space != 0 && space != pid_namespace ("self");
  GArray *all = g_array_new (FALSE, TRUE, sizeof (Process));
  DIR *dir = opendir ("/proc");
  for (struct dirent *entry; dir != NULL && (entry = readdir (dir)) != NULL;)
    {
      if (!g_ascii_isdigit (entry->d_name[0]))
        continue;
      g_autofree char *text = read_proc (entry->d_name, "stat");
      Process process = { .pid = atoi (entry->d_name) };
      if (!container_stats_process (text, &process.parent, &process.ticks, &process.system_ticks, &process.threads))
        continue;
      process.inside = process.pid == init || (own && pid_namespace (entry->d_name) == space);
      g_array_append_val (all, process);
    }
  if (dir != NULL)
    (void) closedir (dir);
  return all;
}

/* mark_children: with --pid=host no namespace tells whose they are: those that come from init. */
static void
mark_children (GArray *all)
{
  gboolean more = TRUE;
  while (more)
    {
      more = FALSE;
      for (guint i = 0; i < all->len; i++)
        {
          Process *child = &g_array_index (all, Process, i);
          for (guint j = 0; j < all->len && !child->inside; j++)
            {
              const Process *parent = &g_array_index (all, Process, j);
              more = child->inside = parent->inside && parent->pid == child->parent;
            }
        }
    }
}

static guint64
line_number (const char *text, const char *key)
{
  const char *at = text != NULL ? strstr (text, key) : NULL;
  return at != NULL ? g_ascii_strtoull (at + strlen (key), NULL, 10) : 0;
}

/* add_process: memory is what is its own: pages shared with others would count several times. */
static void
add_process (CgroupUsage *sum, const Process *process)
{
  char number[16];
  unsigned long long resident = 0, shared = 0;
  g_snprintf (number, sizeof number, "%d", process->pid);
  g_autofree char *statm = read_proc (number, "statm"), *io = read_proc (number, "io");
  if (statm != NULL && sscanf (statm, "%*u %llu %llu", &resident, &shared) == 2 && resident > shared)
    sum->memory += (resident - shared) * (guint64) sysconf (_SC_PAGESIZE);
  sum->read_bytes += line_number (io, "\nread_bytes: ");
  sum->written_bytes += line_number (io, "\nwrite_bytes: ");
  guint64 hertz = (guint64) sysconf (_SC_CLK_TCK);
  sum->cpu_usec += process->ticks * G_USEC_PER_SEC / hertz;
  sum->system_usec += process->system_ticks * G_USEC_PER_SEC / hertz;
  sum->pids += process->threads;
}

static void
sum_processes (int init, CgroupUsage *ret_sum)
{
  *ret_sum = (CgroupUsage) { 0 };
  g_autoptr (GArray) all = read_processes (init);
  mark_children (all);
  for (guint i = 0; i < all->len; i++)
    if (g_array_index (all, Process, i).inside)
      add_process (ret_sum, &g_array_index (all, Process, i));
}

/* read_usage: from the container's group; what that does not count, from /proc. */
static gboolean
read_usage (Storage *storage, const ContainerView *view, CgroupUsage *usage, gboolean *ret_summed)
{
  cleanup_fd int group = cgroup_open_of (storage->run_fd, view->row->id);
  gboolean counted = group >= 0 && cgroup_usage_read (group, usage, NULL);
  if (counted && usage->has_memory && usage->has_pids && usage->has_io)
    return TRUE;
  CgroupUsage sum;
  sum_processes (view->pid, &sum);
  *ret_summed = TRUE;
  if (!counted)
    {
      *usage = sum;
      return TRUE;
    }
  if (!usage->has_memory)
    usage->memory = sum.memory;
  if (!usage->has_pids)
    usage->pids = sum.pids;
  if (!usage->has_io)
    {
      usage->read_bytes = sum.read_bytes;
      usage->written_bytes = sum.written_bytes;
    }
  return TRUE;
}

/* ---- all together */

static guint64
machine_memory (void)
{
  g_autofree char *text = NULL;
  return path_read_file (AT_FDCWD, "/proc/meminfo", TEXT_MAX, &text, NULL, NULL) ? line_number (text, "MemTotal:") * 1024 : 0;
}

static double
percent (double part, double whole)
{
  return whole > 0 ? part * 100 / whole : 0;
}

/* set_percents: as Podman: the first look counts from the container's start. */
static void
set_percents (ContainerStats *stats, const ContainerStats *before, gint64 started_usec)
{
  double since_start = (double) stats->now_nsec - (double) started_usec * 1000;
  stats->average_cpu = percent ((double) stats->cpu_nsec, since_start);
  stats->cpu = stats->average_cpu;
  if (before != NULL && before->cpu_nsec <= stats->cpu_nsec && before->now_nsec < stats->now_nsec)
    stats->cpu = percent ((double) (stats->cpu_nsec - before->cpu_nsec), (double) (stats->now_nsec - before->now_nsec));
  stats->memory_percent = percent ((double) stats->memory, (double) stats->memory_limit);
}

ContainerStats *
container_stats (Storage *storage, const ContainerView *view, const ContainerStats *before, gboolean *ret_summed, GError **error)
{
  g_autoptr (ContainerStats) stats = g_new0 (ContainerStats, 1);
  stats->id = g_strdup (view->row->id);
  stats->name = g_strdup (view->row->name);
  if (view->pid <= 0)
    {
      stats->network = json_null ();
      return g_steal_pointer (&stats);
    }
  CgroupUsage usage = { 0 };
  if (!read_usage (storage, view, &usage, ret_summed))
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "reading what container %s uses", view->row->id), NULL;
  stats->now_nsec = g_get_real_time () * 1000;
  stats->cpu_nsec = usage.cpu_usec * 1000;
  stats->system_nsec = usage.system_usec * 1000;
  stats->memory = usage.memory;
  guint64 machine = machine_memory ();
  stats->memory_limit = usage.memory_limit > 0 && usage.memory_limit < machine ? usage.memory_limit : machine;
  stats->pids = usage.pids;
  stats->block_read = usage.read_bytes;
  stats->block_written = usage.written_bytes;
  char number[16];
  g_snprintf (number, sizeof number, "%d", (int) view->pid);
  g_autofree char *devices = read_proc (number, "net/dev");
  stats->network = container_stats_network (devices, &stats->received, &stats->sent);
  set_percents (stats, before, view->row->started);
  return g_steal_pointer (&stats);
}
