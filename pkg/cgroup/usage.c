#include <string.h>

#include "pkg/base/error.h"
#include "pkg/cgroup/cgroup.h"

/* read_number: "max" is none. */
static gboolean
read_number (int fd, const char *file, guint64 *ret_value)
{
  g_autofree char *text = cgroup_read (fd, file);
  if (text == NULL)
    return FALSE;
  *ret_value = strcmp (text, "max") == 0 ? 0 : g_ascii_strtoull (text, NULL, 10);
  return TRUE;
}

/* read_io: lines "8:0 rbytes=1 wbytes=2 rios=3 …". */
static gboolean
read_io (int fd, CgroupUsage *usage)
{
  g_autofree char *text = cgroup_read (fd, "io.stat");
  if (text == NULL)
    return FALSE;
  g_auto (GStrv) words = g_strsplit_set (text, " \n", -1);
  for (char **word = words; *word != NULL; word++)
    if (g_str_has_prefix (*word, "rbytes="))
      usage->read_bytes += g_ascii_strtoull (*word + 7, NULL, 10);
    else if (g_str_has_prefix (*word, "wbytes="))
      usage->written_bytes += g_ascii_strtoull (*word + 7, NULL, 10);
  return TRUE;
}

gboolean
cgroup_usage_read (int fd, CgroupUsage *ret_usage, GError **error)
{
  *ret_usage = (CgroupUsage) { 0 };
  g_autofree char *cpu = cgroup_read (fd, "cpu.stat");
  if (cpu == NULL || !cgroup_value (cpu, "usage_usec", &ret_usage->cpu_usec))
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "reading the cgroup's cpu.stat");
  (void) cgroup_value (cpu, "system_usec", &ret_usage->system_usec);
  ret_usage->has_memory = read_number (fd, "memory.current", &ret_usage->memory);
  if (ret_usage->has_memory)
    {
      /* as Podman, and Docker: what the kernel would give back first is not counted */
      g_autofree char *stat = cgroup_read (fd, "memory.stat");
      guint64 cache = 0;
      if (stat != NULL && cgroup_value (stat, "inactive_file", &cache) && cache < ret_usage->memory)
        ret_usage->memory -= cache;
      (void) read_number (fd, "memory.max", &ret_usage->memory_limit);
    }
  ret_usage->has_pids = read_number (fd, "pids.current", &ret_usage->pids);
  ret_usage->has_io = read_io (fd, ret_usage);
  return TRUE;
}
