#include "pkg/engine/container_resources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "pkg/base/error.h"
#include "pkg/engine/container_systemd.h"
#include "pkg/base/text.h"

#define CPU_PERIOD 100000 /* microseconds; the kernel's own default */

/* ---- "PATH:VALUE" */

typedef struct {
  unsigned major, minor;
  gint64 value;
} DeviceLimit;

/* parse_device: Podman's texts. @sizes: the value may have a unit. */
static gboolean
parse_device (const char *text, gboolean sizes, DeviceLimit *ret_limit, GError **error)
{
  const char *colon = strrchr (text, ':');
  if (colon == NULL || colon == text)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "bad format: %s", text);
  g_autofree char *path = g_strndup (text, (gsize) (colon - text));
  char *end;
  if (!g_str_has_prefix (path, "/dev/"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "bad format for device path: %s", text);
  if (sizes ? !text_size_parse (colon + 1, &ret_limit->value, NULL) : (ret_limit->value = g_ascii_strtoll (colon + 1, &end, 10), *end != '\0' || end == colon + 1) || ret_limit->value < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid rate for device: %s. The correct format is <device-path>:<number>%s. Number must be a positive integer%s", text,
                          sizes ? "[<unit>]" : "", sizes ? ". Unit is optional and can be kb, mb, or gb" : "");
  struct stat st;
  if (stat (path, &st) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "%s", path);
    }
  if (!S_ISBLK (st.st_mode))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: not a block device", path);
  ret_limit->major = major (st.st_rdev);
  ret_limit->minor = minor (st.st_rdev);
  return TRUE;
}

static gboolean
add_devices (json_t *block, const char *key, const char *name, char **texts, gboolean sizes, GError **error)
{
  for (; texts != NULL && *texts != NULL; texts++)
    {
      DeviceLimit limit;
      if (!parse_device (*texts, sizes, &limit, error))
        return FALSE;
      if (json_object_get (block, key) == NULL)
        json_object_set_new (block, key, json_array ());
      json_array_append_new (json_object_get (block, key), json_pack ("{s:i, s:i, s:I}", "major", (int) limit.major, "minor", (int) limit.minor, name, (json_int_t) limit.value));
    }
  return TRUE;
}

/* ---- sections */

static void
set_number (json_t *object, const char *key, gint64 value)
{
  if (value != 0)
    json_object_set_new (object, key, json_integer (value));
}

static void
set_section (json_t *resources, const char *key, json_t *section)
{
  if (json_object_size (section) > 0)
    json_object_set (resources, key, section);
}

/* build_memory: --memory alone allows as much swap again: podman-run(1) --memory-swap. */
static gboolean
build_memory (const ContainerOptions *options, json_t *resources, GError **error)
{
  json_auto_t *memory = json_object ();
  gint64 swap = options->memory > 0 ? 2 * options->memory : 0;
  if (options->memory_swap != NULL && strcmp (options->memory_swap, "-1") == 0)
    swap = -1;
  else if (options->memory_swap != NULL && !text_size_parse (options->memory_swap, &swap, error))
    return coracle_prefix (error, "invalid value for memory-swap");
  set_number (memory, "limit", options->memory);
  set_number (memory, "reservation", options->memory_reservation);
  set_number (memory, "swap", swap);
  if (options->memory_swappiness >= 0)
    json_object_set_new (memory, "swappiness", json_integer (options->memory_swappiness));
  if (options->oom_kill_disable)
    json_object_set_new (memory, "disableOOMKiller", json_true ());
  set_section (resources, "memory", memory);
  return TRUE;
}

static gboolean
build_cpu (const ContainerOptions *options, json_t *resources, GError **error)
{
  json_auto_t *cpu = json_object ();
  if (options->nano_cpus != 0 && (options->cpu_period != 0 || options->cpu_quota != 0))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--cpu-%s and --cpus cannot be set together", options->cpu_period != 0 ? "period" : "quota");
  set_number (cpu, "shares", options->cpu_shares);
  set_number (cpu, "period", options->nano_cpus > 0 ? CPU_PERIOD : options->cpu_period);
  set_number (cpu, "quota", options->nano_cpus > 0 ? options->nano_cpus / (1000000000 / CPU_PERIOD) : options->cpu_quota);
  if (options->cpuset_cpus != NULL)
    json_object_set_new (cpu, "cpus", json_string (options->cpuset_cpus));
  if (options->cpuset_mems != NULL)
    json_object_set_new (cpu, "mems", json_string (options->cpuset_mems));
  set_section (resources, "cpu", cpu);
  return TRUE;
}

static gboolean
build_block (const ContainerOptions *options, json_t *resources, GError **error)
{
  json_auto_t *block = json_object ();
  if (options->blkio_weight != 0 && (options->blkio_weight < 10 || options->blkio_weight > 1000))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid value for blkio-weight: %" G_GINT64_FORMAT ": must be between 10 and 1000", options->blkio_weight);
  set_number (block, "weight", options->blkio_weight);
  if (!add_devices (block, "weightDevice", "weight", options->blkio_weight_device, FALSE, error) || !add_devices (block, "throttleReadBpsDevice", "rate", options->device_read_bps, TRUE, error)
      || !add_devices (block, "throttleWriteBpsDevice", "rate", options->device_write_bps, TRUE, error)
      || !add_devices (block, "throttleReadIOPSDevice", "rate", options->device_read_iops, FALSE, error)
      || !add_devices (block, "throttleWriteIOPSDevice", "rate", options->device_write_iops, FALSE, error))
    return FALSE;
  set_section (resources, "blockIO", block);
  return TRUE;
}

static gboolean
build_unified (const ContainerOptions *options, json_t *resources, GError **error)
{
  json_auto_t *unified = json_object ();
  for (char **text = options->cgroup_conf; text != NULL && *text != NULL; text++)
    {
      const char *equals = strchr (*text, '=');
      if (equals == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "--cgroup-conf must be formatted KEY=VALUE");
      g_autofree char *key = g_strndup (*text, (gsize) (equals - *text));
      json_object_set_new (unified, key, json_string (equals + 1));
    }
  set_section (resources, "unified", unified);
  return TRUE;
}

json_t *
resources_build (const ContainerOptions *options, GError **error)
{
  json_auto_t *resources = json_object ();
  if (!build_memory (options, resources, error) || !build_cpu (options, resources, error) || !build_block (options, resources, error) || !build_unified (options, resources, error))
    return NULL;
  if (options->pids_limit != 0)
    json_object_set_new (resources, "pids", json_pack ("{s:I}", "limit", (json_int_t) options->pids_limit));
  return json_incref (resources);
}

/* ---- the group */

static CgroupRequest
group_request (const ContainerOptions *options, const char *id)
{
  return (CgroupRequest) { .id = id, .mode = options->cgroups, .manager = options->cgroup_manager, .parent = options->cgroup_parent };
}

gboolean
resources_check (const ContainerOptions *options, GError **error)
{
  CgroupRequest request = group_request (options, NULL);
  json_auto_t *resources = resources_build (options, error);
  return resources != NULL && cgroup_check (&request, error);
}

/* limit_default: containers.conf(5) pids_limit: for every container, where it can be. */
static gboolean
limit_default (const Make *make, GError **error)
{
  const ContainerOptions *options = make->options;
  if (options->pids_limit != 0 || options->default_pids_limit == 0 || make->cgroup.fd < 0 || !cgroup_has_controller (&make->cgroup, "pids"))
    return TRUE;
  json_auto_t *resources = json_pack ("{s:{s:I}}", "pids", "limit", (json_int_t) options->default_pids_limit);
  return cgroup_limit (&make->cgroup, resources, error);
}

gboolean
resources_group (Make *make, GError **error)
{
  CgroupRequest request = group_request (make->options, make->id);
  g_autoptr (CgroupPending) pending = cgroup_begin (&request, error);
  if (pending == NULL || !cgroup_make (pending, make->run_dir, &make->cgroup, error))
    return FALSE;
  json_t *resources = json_object_get (json_object_get (make->config, "linux"), "resources");
  systemd_give_group (make);
  return cgroup_limit (&make->cgroup, resources, error) && limit_default (make, error);
}
