#include "pkg/engine/info.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "network/port.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/config/containers_conf.h"
#include "pkg/engine/container.h"
#include "pkg/engine/oci_runtime.h"
#include "pkg/events/event.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"
#include "pkg/seccomp/caps.h"
#include "storage/overlay.h"

/* ---- version */

json_t *
engine_version (void)
{
  ImagePlatform platform = image_platform_host ();
  g_autofree char *os_arch = g_strconcat ("linux/", platform.architecture, NULL);
  time_t built = CORACLE_BUILT;
  struct tm local;
  char text[64];
  strftime (text, sizeof text, "%a %b %e %H:%M:%S %Y", localtime_r (&built, &local));
  return json_pack ("{s:s, s:s, s:s, s:s, s:I, s:s, s:s}", "APIVersion", CORACLE_VERSION, "Version", CORACLE_VERSION, "GitCommit", "", "BuiltTime", text,
                    "Built", (json_int_t) built, "OsArch", os_arch, "Os", "linux");
}

/* ---- host */

static char *
read_text (const char *path)
{
  char *text = NULL;
  return path_read_file (AT_FDCWD, path, 1 << 20, &text, NULL, NULL) ? text : g_strdup ("");
}

/* line_value: what follows @key at the beginning of a line of @text, without quotes; free with g_free. */
static char *
line_value (const char *text, const char *key)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (g_str_has_prefix (*line, key))
      {
        g_autofree char *value = g_strdup (g_strstrip (*line + strlen (key)));
        size_t length = strlen (value);
        if (length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0])
          return g_strndup (value + 1, length - 2);
        return g_steal_pointer (&value);
      }
  return g_strdup ("");
}

static json_t *
distribution_json (void)
{
  static const struct { const char *name, *key; gboolean always; } fields[] = {
    { "distribution", "ID=", TRUE }, { "variant", "VARIANT_ID=", FALSE }, { "version", "VERSION_ID=", TRUE }, { "codename", "VERSION_CODENAME=", FALSE } };
  g_autofree char *own = read_text ("/etc/os-release"), *other = own[0] == '\0' ? read_text ("/usr/lib/os-release") : NULL;
  json_t *object = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      g_autofree char *value = line_value (other != NULL ? other : own, fields[i].key);
      if (value[0] != '\0' || fields[i].always)
        json_object_set_new (object, fields[i].name, json_string (value[0] != '\0' ? value : "unknown"));
    }
  return object;
}

static json_t *
ranges_json (const IdRange *ranges, size_t n)
{
  json_t *array = json_array ();
  for (size_t i = 0; i < n; i++)
    json_array_append_new (array, json_pack ("{s:I, s:I, s:I}", "container_id", (json_int_t) ranges[i].inside, "host_id", (json_int_t) ranges[i].outside, "size",
                                             (json_int_t) ranges[i].count));
  return array;
}

static json_t *
mappings_json (const IdMap *map)
{
  /* as root on the host there is no mapping, as in Podman */
  if (map == NULL || map->mode == IDMAP_HOST)
    return json_pack ("{s:n, s:n}", "gidmap", "uidmap");
  return json_pack ("{s:o, s:o}", "gidmap", ranges_json (map->gids, map->n_gids), "uidmap", ranges_json (map->uids, map->n_uids));
}

static gboolean
has_cgroup2 (void)
{
  struct statfs fs;
  return statfs ("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* controllers_json: those that containers of this process can be given. */
static json_t *
controllers_json (const CgroupPlace *place)
{
  json_t *array = json_array ();
  const char *group = place->delegated != NULL ? place->delegated : place->own;
  g_autofree char *path = g_strdup_printf ("%s%s/cgroup.controllers", place->mount, group), *text = group != NULL && !place->hybrid ? read_text (path) : g_strdup ("");
  g_auto (GStrv) words = g_strsplit_set (g_strstrip (text), " \n", -1);
  for (char **word = words; *word != NULL; word++)
    if (**word != '\0')
      json_array_append_new (array, json_string (*word));
  return array;
}

static double
percent (guint64 part, guint64 whole)
{
  guint64 hundredths = whole == 0 ? 0 : part * 10000 / whole;
  return (double) hundredths / 100;
}

/* utilization_json: of all processors since the start. */
static json_t *
utilization_json (void)
{
  g_autofree char *text = read_text ("/proc/stat");
  unsigned long long user = 0, nice = 0, system = 0, idle = 0;
  (void) sscanf (text, "cpu %llu %llu %llu %llu", &user, &nice, &system, &idle);
  guint64 all = user + nice + system + idle;
  return json_pack ("{s:f, s:f, s:f}", "userPercent", percent (user + nice, all), "systemPercent", percent (system, all), "idlePercent", percent (idle, all));
}

static json_int_t
memory_bytes (const char *meminfo, const char *key)
{
  g_autofree char *value = line_value (meminfo, key);
  return (json_int_t) g_ascii_strtoull (value, NULL, 10) * 1024;
}

static char *
uptime_text (void)
{
  struct timespec up = { 0 };
  (void) clock_gettime (CLOCK_BOOTTIME, &up);
  long long seconds = up.tv_sec;
  return g_strdup_printf ("%lldh %lldm %lld.00s (Approximately %.2f days)", seconds / 3600, seconds / 60 % 60, seconds % 60, (double) seconds / 86400);
}

static json_t *
program_json (const char *name_key, const char *name, const char *path_key, const char *path, const char *version)
{
  json_t *object = json_object ();
  if (name_key != NULL)
    json_object_set_new (object, name_key, json_string (name));
  json_object_set_new (object, "package", json_string ("Unknown"));
  json_object_set_new (object, path_key, json_string (path));
  json_object_set_new (object, "version", json_string (version));
  return object;
}

static json_t *
helper_json (const ConfigPaths *paths, const char *path_key, const char *name)
{
  g_autofree char *path = g_build_filename (paths->libexec, name, NULL), *version = g_strconcat (name, " version " CORACLE_VERSION, NULL);
  return program_json (NULL, NULL, path_key, path, version);
}

static json_t *
runtime_json (const OciRuntime *runtime)
{
  return program_json ("name", runtime->name, "path", runtime->path != NULL ? runtime->path : "", "coracle version " CORACLE_VERSION "\nspec: 1.0.2");
}

static int
compare_texts (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static json_t *
security_json (gboolean rootless)
{
  static const char *const profiles[] = { "/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json" };
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (int i = 0; i < 64; i++)
    if ((caps_default () >> i & 1) != 0)
      g_ptr_array_add (names, (char *) caps_name (i));
  g_ptr_array_sort (names, compare_texts);
  g_ptr_array_add (names, NULL);
  g_autofree char *joined = g_strjoinv (",", (char **) names->pdata);
  const char *profile = "default";   /* the one built in */
  for (size_t i = G_N_ELEMENTS (profiles); i-- > 0;)
    if (access (profiles[i], R_OK) == 0)
      profile = profiles[i];
  return json_pack ("{s:b, s:s, s:b, s:b, s:s, s:b}", "apparmorEnabled", 0, "capabilities", joined, "rootless", rootless, "seccompEnabled", 1, "seccompProfilePath", profile,
                    "selinuxEnabled", 0);
}

/* log_driver_json: what a container gets that does not ask for another. */
static json_t *
log_driver_json (void)
{
  json_auto_t *conf = containers_conf_read (NULL);
  const char *driver = json_string_value (json_object_get (json_object_get (conf, "containers"), "log_driver"));
  return json_string (driver != NULL && driver[0] != '\0' ? driver : "k8s-file");
}

/* forwarder_json: who serves published ports, and whether what is inside sees who its clients are: without that they all seem to be one of this machine's. */
static json_t *
forwarder_json (const ConfigPaths *paths)
{
  static const struct { const char *name; int flag; } kinds[] = { { "tcp", PORT_TRANSPARENT4 }, { "tcp6", PORT_TRANSPARENT6 }, { "udp", PORT_TRANSPARENT_UDP4 }, { "udp6", PORT_TRANSPARENT_UDP6 } };
  int found = port_probe ();
  json_t *object = helper_json (paths, "executable", "coracle-port"), *address = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    json_object_set_new (address, kinds[i].name, json_string (found == PORT_PROBE_UNKNOWN ? "unknown" : found & kinds[i].flag ? "kept" : "lost"));
  json_object_set_new (object, "clientAddress", address);
  return object;
}

/* backend_json: what serves named networks here. */
static json_t *
backend_json (const ConfigPaths *paths)
{
  json_t *info = helper_json (paths, "path", "coracle-netd");
  json_object_set_new (info, "backend", json_string ("netavark"));
  json_object_set_new (info, "dns", helper_json (paths, "path", "coracle-netd"));
  return info;
}

static json_t *
host_json (const InfoRequest *request, const OciRuntime *runtime)
{
  const ConfigPaths *paths = request->storage->paths;
  ImagePlatform platform = image_platform_host ();
  struct utsname name = { 0 };
  (void) uname (&name);
  g_autofree char *meminfo = read_text ("/proc/meminfo"), *uptime = uptime_text ();
  json_t *host = json_object ();
  g_auto (CgroupPlace) place = { 0 };
  cgroup_place_find (&place);
  const struct { const char *name; json_t *value; } fields[] = {
    { "arch", json_string (platform.architecture) },
    { "cgroupManager", json_string (cgroup_manager_name (request->cgroup_manager, &place)) },   /* none: containers stay in the cgroup of the command that starts them */
    { "cgroupVersion", json_string (has_cgroup2 () ? "v2" : "v1") },
    { "cgroupControllers", controllers_json (&place) },
    { "conmon", helper_json (paths, "path", "coracle-monitor") },
    { "cpus", json_integer (get_nprocs ()) },
    { "cpuUtilization", utilization_json () },
    { "databaseBackend", json_string ("sqlite") },
    { "distribution", distribution_json () },
    { "eventLogger", json_string (events_backend_name ()) },
    { "hostname", json_string (name.nodename) },
    { "idMappings", mappings_json (request->map) },
    { "kernel", json_string (name.release) },
    { "logDriver", log_driver_json () },
    { "memFree", json_integer (memory_bytes (meminfo, "MemFree:")) },
    { "memTotal", json_integer (memory_bytes (meminfo, "MemTotal:")) },
    { "networkBackend", json_string ("netavark") },   /* whose files, names and answers named networks have; scripts look for it */
    { "networkBackendInfo", backend_json (paths) },
    { "ociRuntime", runtime_json (runtime) },
    { "portForwarder", forwarder_json (paths) },
    { "os", json_string ("linux") },
    { "rootlessNetworkCmd", json_string ("slirp") },
    { "serviceIsRemote", json_false () },
    { "security", security_json (request->rootless) },
    { "slirp4netns", helper_json (paths, "executable", "coracle-slirp") },
    { "swapFree", json_integer (memory_bytes (meminfo, "SwapFree:")) },
    { "swapTotal", json_integer (memory_bytes (meminfo, "SwapTotal:")) },
    { "uptime", json_string (uptime) },
    { "variant", json_string (platform.variant != NULL ? platform.variant : "") },
    { "linkmode", json_string ("dynamic") },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    json_object_set_new (host, fields[i].name, fields[i].value);
  return host;
}

/* ---- store */

static gboolean
count_containers (Storage *storage, json_t **ret_counts, GError **error)
{
  g_autoptr (GPtrArray) views = NULL;
  if (!container_list (storage, &views, error))
    return FALSE;
  int running = 0, paused = 0;
  for (guint i = 0; i < views->len; i++)
    {
      const char *status = ((const ContainerView *) views->pdata[i])->status;
      running += strcmp (status, "running") == 0;
      paused += strcmp (status, "paused") == 0;
    }
  *ret_counts = json_pack ("{s:i, s:i, s:i, s:i}", "number", (int) views->len, "paused", paused, "running", running, "stopped", (int) views->len - running - paused);
  return TRUE;
}

/* filesystem_name: as Podman's storage names them. */
static const char *
filesystem_name (long type)
{
  static const struct { long type; const char *name; } names[] = {
    { EXT4_SUPER_MAGIC, "extfs" }, { XFS_SUPER_MAGIC, "xfs" }, { BTRFS_SUPER_MAGIC, "btrfs" }, { TMPFS_MAGIC, "tmpfs" }, { OVERLAYFS_SUPER_MAGIC, "overlayfs" },
    { NFS_SUPER_MAGIC, "nfs" }, { FUSE_SUPER_MAGIC, "fuse" }, { F2FS_SUPER_MAGIC, "f2fs" }, { 0x2fc12fc1, "zfs" }, { ECRYPTFS_SUPER_MAGIC, "ecryptfs" },
    { SQUASHFS_MAGIC, "squashfs" }, { REISERFS_SUPER_MAGIC, "reiserfs" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (names[i].type == type)
      return names[i].name;
  return "<unknown>";
}

/* has_native_overlay: tried, in a work folder of the store: whether it works depends on kernel, filesystem and namespace. */
static gboolean
has_native_overlay (Storage *storage)
{
  static const char *const parts[] = { "lower", "upper", "work", "merged" };
  StorageWork work = STORAGE_WORK_INIT;
  if (storage->paths->mount_program != NULL || !storage_work_begin (storage, &work, NULL))
    return FALSE;
  g_autofree char *folder = g_build_filename (storage->paths->root, "tmp", work.name, NULL);
  gboolean made = TRUE;
  for (size_t i = 0; i < G_N_ELEMENTS (parts); i++)
    made = made && mkdirat (work.fd, parts[i], 0700) == 0;
  g_autofree char *lower = g_build_filename (folder, "lower", NULL), *upper = g_build_filename (folder, "upper", NULL), *scratch = g_build_filename (folder, "work", NULL),
                  *merged = g_build_filename (folder, "merged", NULL);
  const char *layers[] = { lower, NULL };
  gboolean works = made && overlay_mount (layers, upper, scratch, merged, OVERLAY_NATIVE, NULL, NULL);
  if (works)
    (void) umount2 (merged, MNT_DETACH);
  storage_work_end (storage, &work);
  return works;
}

static json_t *
status_json (const InfoRequest *request, const struct statfs *fs)
{
  json_t *status = json_pack ("{s:s}", "Backing Filesystem", filesystem_name ((long) fs->f_type));
  if (request->map != NULL && !request->storage->read_only)
    json_object_set_new (status, "Native Overlay Diff", json_string (has_native_overlay (request->storage) ? "true" : "false"));
  json_object_set_new (status, "Supports d_type", json_string ("true"));   /* a store on a filesystem without it cannot be made */
  json_object_set_new (status, "Using metacopy", json_string ("false"));
  return status;
}

static json_t *
store_json (const InfoRequest *request, GError **error)
{
  Storage *storage = request->storage;
  const ConfigPaths *paths = storage->paths;
  json_t *containers = NULL;
  g_autoptr (GPtrArray) images = NULL;
  if (!count_containers (storage, &containers, error) || !state_image_list (storage->state, &images, error))
    {
      json_decref (containers);
      return NULL;
    }
  struct statfs fs = { 0 };
  (void) fstatfs (storage->root_fd, &fs);
  g_autofree char *volumes = g_build_filename (paths->root, "volumes", NULL), *tmp = g_build_filename (paths->root, "tmp", NULL);
  json_t *store = json_object ();
  const struct { const char *name; json_t *value; } fields[] = {
    { "containerStore", containers },
    { "graphDriverName", json_string ("overlay") },
    { "graphOptions", paths->mount_program != NULL ? json_pack ("{s:s}", "overlay.mount_program", paths->mount_program) : json_object () },
    { "graphRoot", json_string (paths->root) },
    { "graphRootAllocated", json_integer ((json_int_t) fs.f_blocks * fs.f_bsize) },
    { "graphRootUsed", json_integer ((json_int_t) (fs.f_blocks - fs.f_bfree) * fs.f_bsize) },
    { "graphStatus", status_json (request, &fs) },
    { "imageCopyTmpDir", json_string (tmp) },
    { "imageStore", json_pack ("{s:i}", "number", (int) images->len) },
    { "runRoot", json_string (paths->run_root) },
    { "volumePath", json_string (volumes) },
    { "transientStore", json_false () },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    json_object_set_new (store, fields[i].name, fields[i].value);
  return store;
}

/* ---- the whole */

json_t *
engine_info (const InfoRequest *request, GError **error)
{
  json_auto_t *conf = containers_conf_read (error);
  g_autofree char *own = oci_runtime_own ();
  g_auto (OciRuntime) runtime = { 0 };
  json_t *store = conf != NULL && oci_runtime_choose (conf, request->runtime, own, &runtime, error) ? store_json (request, error) : NULL;
  if (store == NULL)
    return NULL;
  json_t *plugins = json_pack ("{s:[s], s:[s, s, s], s:[s, s, s, s, s], s:n}", "volume", "local", "network", "bridge", "macvlan", "ipvlan", "log", "journald", "json-file", "k8s-file", "none", "passthrough",
                               "authorization");
  return json_pack ("{s:o, s:o, s:{}, s:o, s:o}", "host", host_json (request, &runtime), "store", store, "registries", "plugins", plugins, "version", engine_version ());
}

void
engine_info_add_go_names (json_t *info)
{
  json_t *host = json_object_get (info, "host"), *security = json_object_get (host, "security");
  json_object_set (host, "CgroupsVersion", json_object_get (host, "cgroupVersion"));
  json_object_set (security, "DefaultCapabilities", json_object_get (security, "capabilities"));
}
