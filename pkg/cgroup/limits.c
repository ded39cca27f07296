#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/cgroup/enable.h"

/* crun(1), "cgroup v2": cpu.weight = 10^(l²/612 + 125 l/612 - 7/34), l = log2 (shares): 2 is 1, 1024 is 100, 262144 is 10000 */
guint64
cgroup_weight_from_shares (guint64 shares)
{
  double l = log2 ((double) CLAMP (shares, 2, 262144));
  return (guint64) ceil (pow (10, l * l / 612 + 125 * l / 612 - 7.0 / 34) - 1e-9);
}

/* crun(1): 10 … 1000 to 1 … 10000, linear */
guint64
cgroup_weight_from_blkio (guint64 weight)
{
  return 1 + (CLAMP (weight, 10, 1000) - 10) * 9999 / 990;
}

/* ---- one file */

static gboolean
has_now (int fd, const char *controller)
{
  g_autofree char *have = cgroup_read (fd, "cgroup.controllers");
  return enable_word (have, controller);
}

gboolean
cgroup_has_controller (const Cgroup *group, const char *controller)
{
  if (group->fd < 0)
    return FALSE;
  if (has_now (group->fd, controller))
    return TRUE;
  /* it may have been delegated since the groups above were made */
  g_autofree char *parent = g_path_get_dirname (group->path), *above = g_path_get_dirname (parent);
  const char *const folders[] = { above, parent };
  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      cleanup_fd int fd = open (folders[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
      if (fd >= 0)
        (void) enable_all (fd);
    }
  return has_now (group->fd, controller);
}

static gboolean
throw_missing (const Cgroup *group, const char *controller, GError **error)
{
  if (group->path == NULL)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "controller `%s` is not available: the container has no cgroup of its own: %s", controller,
                          group->reason != NULL ? group->reason : "none can be made");
  return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE,
                        "controller `%s` is not available under %s/cgroup.controllers: have it delegated to this user: as root, `systemctl edit user@.service`, \"[Service]\", "
                        "\"Delegate=cpu cpuset io memory pids\", and log in again",
                        controller, group->path);
}

static gboolean
has_file (int fd, const char *file)
{
  return faccessat (fd, file, F_OK, 0) == 0;
}

static gboolean
set (const Cgroup *group, const char *controller, const char *file, const char *value, GError **error)
{
  int r = group->fd >= 0 ? cgroup_write (group->fd, file, value) : -ENOENT;
  if (r == 0)
    return TRUE;
  if (r == -ENOENT && !cgroup_has_controller (group, controller))
    return throw_missing (group, controller, error);
  if (r == -ENOENT)
    r = cgroup_write (group->fd, file, value);
  if (r == 0)
    return TRUE;
  if (r == -ENOENT)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "cgroup: open `%s` for writing: this kernel has no such limit", file);
  return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "cgroup: writing `%s` to `%s`: %s", value, file, g_strerror (-r));
}

static gboolean
set_number (const Cgroup *group, const char *controller, const char *file, gint64 value, GError **error)
{
  g_autofree char *text = value < 0 ? g_strdup ("max") : g_strdup_printf ("%" G_GINT64_FORMAT, value);
  return set (group, controller, file, text, error);
}

static gboolean
get_number (json_t *object, const char *key, gint64 *ret_value)
{
  json_t *value = json_object_get (object, key);
  if (!json_is_integer (value))
    return FALSE;
  *ret_value = json_integer_value (value);
  return TRUE;
}

/* ---- the sections of linux.resources */

static gboolean
limit_memory (const Cgroup *group, json_t *memory, GError **error)
{
  gint64 limit = 0, swap, other;
  gboolean has_limit = get_number (memory, "limit", &limit) && limit != 0;
  if (get_number (memory, "swappiness", &other))
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "cannot set memory swappiness with cgroupv2");
  if (json_is_true (json_object_get (memory, "disableOOMKiller")))
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "cannot disable OOM killer with cgroupv2");
  if (has_limit && !set_number (group, "memory", "memory.max", limit, error))
    return FALSE;
  if (get_number (memory, "reservation", &other) && other != 0 && !set_number (group, "memory", "memory.low", other, error))
    return FALSE;
  if (!get_number (memory, "swap", &swap) || swap == 0)
    return TRUE;
  /* in version 1 it counted both together */
  if (swap > 0 && (!has_limit || limit < 0))
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "cannot set swap limit without the memory limit");
  if (swap > 0 && swap < limit)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "cannot set memory+swap limit less than the memory limit");
  /* a kernel without swap accounting has no such file, and no swap to limit */
  if (group->fd >= 0 && !has_file (group->fd, "memory.swap.max") && has_file (group->fd, "memory.max"))
    return TRUE;
  return set_number (group, "memory", "memory.swap.max", swap < 0 ? -1 : swap - limit, error);
}

static gboolean
limit_cpu (const Cgroup *group, json_t *cpu, GError **error)
{
  gint64 shares, quota = 0, period = 0;
  if (get_number (cpu, "shares", &shares) && shares > 0
      && !set_number (group, "cpu", "cpu.weight", (gint64) cgroup_weight_from_shares ((guint64) shares), error))
    return FALSE;
  gboolean has_quota = get_number (cpu, "quota", &quota), has_period = get_number (cpu, "period", &period) && period > 0;
  if (has_quota || has_period)
    {
      g_autofree char *text = quota > 0 ? g_strdup_printf ("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, quota, has_period ? period : 100000)
                                        : g_strdup_printf ("max %" G_GINT64_FORMAT, has_period ? period : 100000);
      if (!set (group, "cpu", "cpu.max", text, error))
        return FALSE;
    }
  const char *cpus = json_string_value (json_object_get (cpu, "cpus")), *mems = json_string_value (json_object_get (cpu, "mems"));
  return (cpus == NULL || set (group, "cpuset", "cpuset.cpus", cpus, error)) && (mems == NULL || set (group, "cpuset", "cpuset.mems", mems, error));
}

static gboolean
limit_weight (const Cgroup *group, const char *device, gint64 weight, GError **error)
{
  /* BFQ's own takes the old range; the other's is ten times wider */
  gboolean bfq = group->fd >= 0 && has_file (group->fd, "io.bfq.weight");
  g_autofree char *text = g_strdup_printf ("%s%" G_GUINT64_FORMAT, device, bfq ? (guint64) weight : cgroup_weight_from_blkio ((guint64) weight));
  return set (group, "io", bfq ? "io.bfq.weight" : "io.weight", text, error);
}

static char *
device_text (json_t *item)
{
  return g_strdup_printf ("%d:%d ", (int) json_integer_value (json_object_get (item, "major")), (int) json_integer_value (json_object_get (item, "minor")));
}

static gboolean
limit_rates (const Cgroup *group, json_t *block, GError **error)
{
  static const struct {
    const char *key, *name;
  } rates[] = { { "throttleReadBpsDevice", "rbps" }, { "throttleWriteBpsDevice", "wbps" }, { "throttleReadIOPSDevice", "riops" }, { "throttleWriteIOPSDevice", "wiops" } };
  for (size_t i = 0; i < G_N_ELEMENTS (rates); i++)
    {
      size_t j;
      json_t *item;
      json_array_foreach (json_object_get (block, rates[i].key), j, item)
        {
          gint64 rate = json_integer_value (json_object_get (item, "rate"));
          g_autofree char *device = device_text (item), *value = rate > 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, rate) : g_strdup ("max"),
                          *text = g_strdup_printf ("%s%s=%s", device, rates[i].name, value);
          if (!set (group, "io", "io.max", text, error))
            return FALSE;
        }
    }
  return TRUE;
}

static gboolean
limit_block (const Cgroup *group, json_t *block, GError **error)
{
  gint64 weight;
  size_t i;
  json_t *item;
  if (get_number (block, "weight", &weight) && weight > 0 && !limit_weight (group, "", weight, error))
    return FALSE;
  json_array_foreach (json_object_get (block, "weightDevice"), i, item)
    {
      g_autofree char *device = device_text (item);
      if (!limit_weight (group, device, json_integer_value (json_object_get (item, "weight")), error))
        return FALSE;
    }
  return limit_rates (group, block, error);
}

static gboolean
limit_pids (const Cgroup *group, json_t *pids, GError **error)
{
  gint64 limit;
  return !get_number (pids, "limit", &limit) || set_number (group, "pids", "pids.max", limit > 0 ? limit : -1, error);
}

static gboolean
limit_unified (const Cgroup *group, json_t *unified, GError **error)
{
  const char *file;
  json_t *value;
  json_object_foreach (unified, file, value)
    {
      if (strchr (file, '/') != NULL || strchr (file, '.') == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "--cgroup-conf: `%s` is not a file of a cgroup", file);
      g_autofree char *controller = g_strndup (file, strcspn (file, "."));
      if (!set (group, controller, file, json_string_value (value), error))
        return FALSE;
    }
  return TRUE;
}

gboolean
cgroup_limit (const Cgroup *group, json_t *resources, GError **error)
{
  static const struct {
    const char *key;
    gboolean (*limit) (const Cgroup *group, json_t *section, GError **error);
  } sections[] = { { "memory", limit_memory }, { "cpu", limit_cpu }, { "pids", limit_pids }, { "blockIO", limit_block }, { "unified", limit_unified } };
  for (size_t i = 0; i < G_N_ELEMENTS (sections); i++)
    {
      json_t *section = json_object_get (resources, sections[i].key);
      if (section != NULL && !sections[i].limit (group, section, error))
        return FALSE;
    }
  return TRUE;
}
