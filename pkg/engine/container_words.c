#include "pkg/engine/container_words.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "network/accel.h"
#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/engine/container_hooks.h"
#include "pkg/engine/container_policy.h"
#include "pkg/engine/container_ports.h"
#include "pkg/engine/container_resources.h"
#include "pkg/engine/container_share.h"
#include "pkg/engine/container_systemd.h"
#include "pkg/engine/container_userns.h"
#include "pkg/engine/names.h"
#include "pkg/runtime/plan.h"
#include "pkg/seccomp/caps.h"
#include "pkg/spec/addhost.h"
#include "pkg/spec/device.h"
#include "pkg/spec/sysctl.h"
#include "pkg/spec/ulimit.h"
#include "pkg/spec/values.h"

/* Files and processes of a container that asks for no other limit: Podman's default */
#define USUAL_LIMIT ((guint64) 1 << 20)

char **
words_from_json (json_t *array)
{
  GStrvBuilder *builder = g_strv_builder_new ();
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    if (json_is_string (item))
      g_strv_builder_add (builder, json_string_value (item));
  char **words = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return words;
}

json_t *
words_to_json (char **words)
{
  json_t *array = json_array ();
  for (; words != NULL && *words != NULL; words++)
    json_array_append_new (array, json_string (*words));
  return array;
}

char **
words_entrypoint (const char *given, json_t *image, GError **error)
{
  if (given == NULL)
    return words_from_json (image);
  if (given[0] == '\0')
    return g_new0 (char *, 1);
  if (given[0] != '[')
    return g_strdupv ((char *[]){ (char *) given, NULL });
  /* what is not JSON is a command whose name starts with a bracket, as podman takes it */
  json_auto_t *array = json_loads (given, 0, NULL);
  size_t i;
  json_t *item;
  gboolean texts = json_is_array (array);
  json_array_foreach (array, i, item)
    texts = texts && json_is_string (item);
  return texts ? words_from_json (array) : g_strdupv ((char *[]){ (char *) given, NULL });
}

gboolean
words_network (const ContainerOptions *options, NetworkKind *ret_kind, char **ret_path, GError **error)
{
  const char *text = options->network;
  *ret_kind = container_network_kind (options);
  /* another container's: where: share_join */
  *ret_path = *ret_kind == NETWORK_PATH && g_str_has_prefix (text, "ns:") ? g_strdup (text + strlen ("ns:")) : NULL;
  /* one network with two grammars for its options */
  if (*ret_kind == NETWORK_PASTA)
    *ret_kind = NETWORK_SLIRP;
  return TRUE;
}

gboolean
words_slirp (const ContainerOptions *options, SlirpNetwork *ret_network, GError **error)
{
  const char *const *words = (const char *const *) options->slirp_options;
  gboolean good = container_network_kind (options) == NETWORK_PASTA ? slirp_network_parse_pasta (words, ret_network, error) : slirp_network_parse (words, ret_network, error);
  return good && (!ret_network->accel || accel_check (error));
}

gboolean
words_caps (const ContainerOptions *options, uint64_t *ret_caps, GError **error)
{
  uint64_t base = options->privileged ? caps_all () : caps_default ();
  if (!options->privileged && options->default_caps != NULL && !caps_merge (0, (const char *const *) options->default_caps, NULL, &base, error))
    return coracle_prefix (error, "containers.conf: default_capabilities");
  return caps_merge (base, (const char *const *) options->cap_add, (const char *const *) options->cap_drop, ret_caps, error);
}

/* ---- namespaces and the rest of the spec */

void
spec_words_clear (SpecWords *words)
{
  json_decref (words->rlimits);
  json_decref (words->sysctl);
  json_decref (words->annotations);
  json_decref (words->devices);
  json_decref (words->hooks);
  json_decref (words->resources);
}

static gboolean
parse_namespace (const char *flag, const char *text, SpecNamespace *ret_space, GError **error)
{
  *ret_space = (SpecNamespace){ SPEC_PRIVATE, NULL };
  if (text == NULL || text[0] == '\0' || strcmp (text, "private") == 0 || g_str_has_prefix (text, "container:"))
    return TRUE;   /* another container's: share_words */
  if (strcmp (text, "host") == 0)
    ret_space->kind = SPEC_HOST;
  else if (g_str_has_prefix (text, "ns:") && text[3] == '/')
    *ret_space = (SpecNamespace){ SPEC_PATH, text + 3 };
  else
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid argument \"%s\" for \"--%s\": unrecognized namespace mode %s passed: private, host, container:NAME and ns:PATH are known here", text, flag, text);
  return TRUE;
}

static gboolean
parse_namespaces (const ContainerOptions *options, SpecWords *words, GError **error)
{
  const char *ipc = options->ipc;
  words->no_shm = g_strcmp0 (ipc, "none") == 0;
  if (g_strcmp0 (ipc, "shareable") == 0 || g_strcmp0 (ipc, "none") == 0)
    ipc = "private";
  return parse_namespace ("pid", options->pid, &words->pid, error) && parse_namespace ("ipc", ipc, &words->ipc, error)
         && parse_namespace ("uts", options->uts, &words->uts, error) && parse_namespace ("cgroupns", options->cgroupns, &words->cgroup, error);
}

static json_t *
ulimit_value (guint64 value)
{
  /* JSON has no unsigned 64 bits here: "unlimited" is its bit pattern, as the plan reads it back */
  return json_integer ((json_int_t) value);
}

static void
add_ulimit (json_t *rlimits, const SpecUlimit *limit, guint64 highest)
{
  json_array_append_new (rlimits, json_pack ("{s:s, s:o, s:o}", "type", limit->name, "soft", ulimit_value (MIN (limit->soft, highest)), "hard",
                                             ulimit_value (MIN (limit->hard, highest))));
}

/* add_usual: how many files and processes there may be, as Podman has it: all that the caller may have, up to a million; decided at each start. */
static void
add_usual (json_t *rlimits, GArray *limits, GArray *defaults)
{
  static const SpecUlimit usual[] = { { .name = "RLIMIT_NOFILE", .resource = RLIMIT_NOFILE }, { .name = "RLIMIT_NPROC", .resource = RLIMIT_NPROC } };
  for (size_t i = 0; i < G_N_ELEMENTS (usual); i++)
    {
      SpecUlimit limit = usual[i];
      struct rlimit own;
      if (spec_ulimit_find (limits, limit.resource) != NULL || spec_ulimit_find (defaults, limit.resource) != NULL || getrlimit ((__rlimit_resource_t) limit.resource, &own) < 0)
        continue;
      limit.soft = limit.hard = MIN ((guint64) own.rlim_max, USUAL_LIMIT);
      add_ulimit (rlimits, &limit, G_MAXUINT64);
    }
}

/* parse_ulimits: the user's own, and those of containers.conf as far as this user may go: a machine's default is no reason to fail. */
static gboolean
parse_ulimits (const ContainerOptions *options, SpecWords *words, GError **error)
{
  g_autoptr (GArray) limits = spec_ulimits_parse ((const char *const *) options->ulimit, error);
  g_autoptr (GArray) defaults = limits != NULL ? spec_ulimits_parse ((const char *const *) options->default_ulimit, error) : NULL;
  if (defaults == NULL)
    return FALSE;
  words->rlimits = json_array ();
  for (guint i = 0; i < limits->len; i++)
    add_ulimit (words->rlimits, &g_array_index (limits, SpecUlimit, i), G_MAXUINT64);
  for (guint i = 0; i < defaults->len; i++)
    {
      const SpecUlimit *limit = &g_array_index (defaults, SpecUlimit, i);
      struct rlimit own;
      gboolean bounded = words->limits_bounded && getrlimit ((__rlimit_resource_t) limit->resource, &own) == 0 && own.rlim_max != RLIM_INFINITY;
      if (spec_ulimit_find (limits, limit->resource) == NULL)
        add_ulimit (words->rlimits, limit, bounded ? own.rlim_max : G_MAXUINT64);
    }
  if (words->starts)
    add_usual (words->rlimits, limits, defaults);
  return TRUE;
}

static gboolean
parse_sysctls (const ContainerOptions *options, gboolean own_network, SpecWords *words, GError **error)
{
  words->sysctl = json_object ();
  /* containers.conf's are for namespaces of the container's own: with the host's they are left out */
  for (char **text = options->default_sysctl; text != NULL && *text != NULL; text++)
    {
      g_autofree char *name = NULL, *value = NULL;
      SpecSysctlNamespace space;
      if (!spec_sysctl_parse (*text, &name, &value, &space, error))
        return coracle_prefix (error, "containers.conf: default_sysctls");
      if (space == SPEC_SYSCTL_NET ? own_network : words->ipc.kind == SPEC_PRIVATE)
        json_object_set_new (words->sysctl, name, json_string (value));
    }
  for (char **text = options->sysctl; text != NULL && *text != NULL; text++)
    {
      g_autofree char *name = NULL, *value = NULL;
      SpecSysctlNamespace space;
      if (!spec_sysctl_parse (*text, &name, &value, &space, error)
          || !spec_sysctl_check (name, value, space, own_network, words->ipc.kind != SPEC_HOST, error))
        return FALSE;
      json_object_set_new (words->sysctl, name, json_string (value));
    }
  return TRUE;
}

static gboolean
parse_annotations (const ContainerOptions *options, SpecWords *words, GError **error)
{
  words->annotations = json_object ();
  for (char **text = options->annotation; text != NULL && *text != NULL; text++)
    {
      const char *equals = strchr (*text, '=');
      if (equals == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "annotation \"%s\" must include an '=' sign: KEY=VALUE", *text);
      g_autofree char *key = g_strndup (*text, (gsize) (equals - *text));
      json_object_set_new (words->annotations, key, json_string (equals + 1));
    }
  return TRUE;
}

/* What every container's /dev has of its own */
static gboolean
is_own_device (const char *path)
{
  static const char *const own[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/console", "/dev/ptmx", NULL };
  return g_strv_contains (own, path) || g_str_has_prefix (path, "/dev/pts/");
}

/* is_virtual_terminal: one of the machine's consoles, which a program in a container must not take for its own: podman-run(1) --privileged. */
static gboolean
is_virtual_terminal (const char *path)
{
  return g_str_has_prefix (path, "/dev/tty") && g_ascii_isdigit (path[strlen ("/dev/tty")]);
}

GPtrArray *
words_devices (const ContainerOptions *options, gboolean rootless, GError **error)
{
  g_autoptr (GPtrArray) devices = spec_devices_parse ((const char *const *) options->device, error);
  if (devices == NULL || !options->privileged)
    return g_steal_pointer (&devices);
  /* podman-run(1) --privileged: all devices of the host that there are; which of them the user may open is not changed by that */
  g_autoptr (GPtrArray) all = spec_devices_parse ((const char *const[]){ "/dev", NULL }, NULL);
  for (guint i = 0; all != NULL && i < all->len; i++)
    {
      SpecDevice *device = all->pdata[i];
      if (is_own_device (device->destination) || (rootless && is_virtual_terminal (device->destination)))
        continue;
      all->pdata[i] = NULL;
      g_ptr_array_add (devices, device);
    }
  return g_steal_pointer (&devices);
}

static gboolean
parse_devices (const ContainerOptions *options, SpecWords *words, GError **error)
{
  g_autoptr (GPtrArray) devices = words_devices (options, words->limits_bounded, error);
  if (devices == NULL)
    return FALSE;
  words->devices = json_array ();
  for (guint i = 0; i < devices->len; i++)
    {
      const SpecDevice *device = devices->pdata[i];
      if (!g_str_has_prefix (device->destination, "/dev/"))
        continue; /* a bind mount: container_mounts.c */
      char type[2] = { device->type, '\0' };
      json_array_append_new (words->devices, json_pack ("{s:s, s:s, s:i, s:i, s:i}", "path", device->destination, "type", type, "major", (int) device->major, "minor",
                                                        (int) device->minor, "fileMode", (int) device->mode));
      if (strcmp (device->source, device->destination) == 0)
        continue;
      g_autofree char *key = g_strconcat (SPEC_DEVICE_SOURCE, device->destination, NULL);
      json_object_set_new (words->annotations, key, json_string (device->source));
    }
  return TRUE;
}

static gboolean
parse_spec (const ContainerOptions *options, gboolean own_network, SpecWords *words, GError **error)
{
  mode_t umask_value = 022;
  if (options->umask != NULL && options->umask[0] != '\0' && !spec_umask_parse (options->umask, &umask_value, error))
    return FALSE;
  words->umask = umask_value;
  if (options->has_oom_score_adj && (options->oom_score_adj < -1000 || options->oom_score_adj > 1000))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid value, %" G_GINT64_FORMAT ", for oom score adj: must be between -1000 and 1000", options->oom_score_adj);
  if (!resources_check (options, error))
    return FALSE;
  words->resources = resources_build (options, error);
  return words->resources != NULL && parse_namespaces (options, words, error) && parse_ulimits (options, words, error) && parse_sysctls (options, own_network, words, error)
         && parse_annotations (options, words, error) && parse_devices (options, words, error);
}

gboolean
words_spec (const Make *make, SpecWords *ret_words, GError **error)
{
  ret_words->limits_bounded = make->map->mode != IDMAP_HOST;
  ret_words->starts = !make->only_made;
  if (!parse_spec (make->options, make->network != NETWORK_HOST, ret_words, error))
    return FALSE;
  share_words (make, &ret_words->pid, &ret_words->ipc, &ret_words->uts, &ret_words->cgroup);
  return hooks_words (make, ret_words->annotations, &ret_words->hooks, error);
}

char *
words_host_address (const ContainerOptions *options, const SlirpNetwork *slirp)
{
  const char *given = options->host_internal;
  if (given == NULL || given[0] == '\0')
    return slirp_host_address (slirp);
  return strcmp (given, "none") == 0 ? NULL : g_strdup (given);
}

gboolean
words_hosts (const ContainerOptions *options, const SlirpNetwork *slirp, char ***ret_lines, GError **error)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  for (char **text = options->add_hosts; text != NULL && *text != NULL; text++)
    {
      g_autoptr (SpecAddHost) host = spec_add_host_parse (*text, error);
      if (host == NULL)
        return FALSE;
      g_autofree char *gateway = host->address == NULL ? words_host_address (options, slirp) : NULL;
      const char *address = host->address != NULL ? host->address : gateway;
      if (address == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "--add-host %s: unable to replace host-gateway: this machine has no address but its loopback", *text);
      g_autofree char *names = g_strjoinv (" ", host->names);
      g_ptr_array_add (lines, g_strdup_printf ("%s\t%s", address, names));
    }
  g_ptr_array_add (lines, NULL);
  *ret_lines = (char **) g_ptr_array_free (g_steal_pointer (&lines), FALSE);
  return TRUE;
}

static gboolean
add_label (json_t *labels, const char *text, GError **error)
{
  const char *equals = strchrnul (text, '=');
  if (equals == text)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid label: \"%s\": its key is empty", text);
  g_autofree char *key = g_strndup (text, (gsize) (equals - text));
  json_object_set_new (labels, key, json_string (*equals == '=' ? equals + 1 : ""));
  return TRUE;
}

json_t *
words_labels (const ContainerOptions *options, json_t *image, GError **error)
{
  json_auto_t *labels = json_is_object (image) ? json_copy (image) : json_object ();
  for (char **path = options->label_file; path != NULL && *path != NULL; path++)
    {
      g_autofree char *text = NULL;
      if (!path_read_file (AT_FDCWD, *path, 1 << 20, &text, NULL, error))
        return NULL;
      g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
      for (char **line = lines; *line != NULL; line++)
        if (g_strstrip (*line)[0] != '\0' && (*line)[0] != '#' && !add_label (labels, *line, error))
          return NULL;
    }
  for (char **text = options->label; text != NULL && *text != NULL; text++)
    if (!add_label (labels, *text, error))
      return NULL;
  return json_incref (labels);
}

/* is_domain: of letters, digits and dashes between dots, or the word for none; it is a line of /etc/resolv.conf. */
static gboolean
is_domain (const char *text)
{
  g_auto (GStrv) labels = g_strsplit (text, ".", -1);
  guint n = g_strv_length (labels);
  if (strcmp (text, ".") == 0)
    return TRUE;
  for (guint i = 0; i < n; i++)
    {
      gsize length = strlen (labels[i]);
      if (length == 0 && i > 0 && i == n - 1)
        break;
      if (length == 0 || labels[i][strspn (labels[i], G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_")] != '\0' || labels[i][0] == '-' || labels[i][length - 1] == '-')
        return FALSE;
    }
  return n > 0;
}

/* check_names: --hostname is a line of /etc/hosts and at most as long as sethostname(2) takes; --dns-search is domains; --dns is addresses, or "none". */
static gboolean
check_names (const ContainerOptions *options, GError **error)
{
  const char *host = options->hostname != NULL ? options->hostname : "";
  if (strlen (host) > HOST_NAME_MAX || host[strspn (host, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-._")] != '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid hostname \"%s\": at most %d letters, digits, dots, dashes and underscores", host, HOST_NAME_MAX);
  for (char **domain = options->dns_search; domain != NULL && *domain != NULL; domain++)
    if ((*domain)[0] != '\0' && !is_domain (*domain))
      return coracle_throw (error, CORACLE_ERROR_INVALID, "%s is not a valid domain", *domain);
  if (options->dns == NULL || g_strv_equal ((const char *const *) options->dns, (const char *const[]){ "none", NULL }))
    return TRUE;
  for (char **server = options->dns; *server != NULL; server++)
    if (!g_hostname_is_ip_address (*server))
      return coracle_throw (error, CORACLE_ERROR_INVALID, "%s is not an ip address", *server);
  return TRUE;
}

/* check_rest: the words whose meaning only shows when the container is made. */
static gboolean
check_rest (const ContainerOptions *options, GError **error)
{
  g_auto (GStrv) hosts = NULL, env = NULL;
  g_autofree char *zone = NULL;
  json_auto_t *labels = words_labels (options, NULL, error);
  if (labels == NULL || !words_hosts (options, NULL, &hosts, error) || !env_given (options, &env, error))
    return FALSE;
  if (options->tz != NULL && !spec_timezone_file (options->tz, &zone, error))
    return FALSE;
  if (options->user != NULL)
    {
      g_autoptr (SpecUser) user = spec_user_parse (options->user, error);
      if (user == NULL)
        return FALSE;
    }
  static const char *const policies[] = { "always", "missing", "never", "newer", "ifnotpresent", "ifmissing", "ifnewer", "", NULL };
  if (options->pull != NULL && !g_strv_contains (policies, options->pull))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unsupported pull policy \"%s\"", options->pull);
  if (options->name != NULL && !container_name_check (options->name, error))
    return FALSE;
  int number;
  if (options->stop_signal != NULL && !proc_signal_read (options->stop_signal, &number, error))
    return FALSE;
  if (words_keep_groups (options) && options->group_add[1] != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "the '--group-add keep-groups' option is not allowed with any other --group-add options");
  if (!userns_check (options, error) || !systemd_check (options, error))
    return FALSE;
  if (options->personality != NULL && strcmp (options->personality, "LINUX") != 0 && strcmp (options->personality, "LINUX32") != 0)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "unknown persona specified `%s`", options->personality);
  if (options->init_path != NULL && access (options->init_path, F_OK) < 0)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "--init-path %s: no such file or directory", options->init_path);
  return TRUE;
}

gboolean
words_check_fds (const ContainerOptions *options, GError **error)
{
  for (gint64 i = 0; i < options->preserve_fds; i++)
    if (i > G_MAXINT - 3 || fcntl ((int) (3 + i), F_GETFD) < 0)
      return coracle_throw (error, CORACLE_ERROR_INVALID, "--preserve-fds %" G_GINT64_FORMAT ": file descriptor %" G_GINT64_FORMAT " is not open", options->preserve_fds, 3 + i);
  gint64 n = options->preserve_fds + options->n_kept_fds;
  Policy policy;
  gboolean again = g_strcmp0 (options->health_on_failure, "restart") == 0 || (policy_parse (options->restart, &policy, NULL) && policy.kind != POLICY_NO);
  if (n > PLAN_KEPT_AGAIN_MAX && again)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "restarts: of the caller's open files at most %d can be kept for the next start, and --preserve-fds asks for %" G_GINT64_FORMAT, PLAN_KEPT_AGAIN_MAX, n);
  return TRUE;
}

gboolean
words_check (const ContainerOptions *options, GError **error)
{
  g_auto (SpecWords) words = { 0 };
  NetworkKind network;
  g_autofree char *path = NULL;
  uint64_t caps;
  g_autoptr (SpecSecurity) security = NULL;
  SlirpNetwork slirp;
  if (!words_network (options, &network, &path, error) || (network == NETWORK_SLIRP && !words_slirp (options, &slirp, error)) || !words_caps (options, &caps, error)
      || !parse_spec (options, network != NETWORK_HOST, &words, error))
    return FALSE;
  security = spec_security_parse ((const char *const *) options->security_opt, error);
  return security != NULL && mounts_check (options, error) && ports_check (options, error) && check_names (options, error) && check_rest (options, error);
}

char **
words_groups (const ContainerOptions *options)
{
  GStrvBuilder *builder = g_strv_builder_new ();
  for (char **name = options->group_add; name != NULL && *name != NULL; name++)
    if (strcmp (*name, "keep-groups") != 0)
      g_strv_builder_add (builder, *name);
  char **groups = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return groups;
}

gboolean
words_keep_groups (const ContainerOptions *options)
{
  return options->group_add != NULL && g_strv_contains ((const char *const *) options->group_add, "keep-groups");
}

char *
words_hostname (const Make *make)
{
  if (make->options->hostname != NULL)
    return g_strdup (make->options->hostname);
  char name[65] = "localhost";
  /* on the machine's own network it is the machine, by its name */
  gboolean machine = g_strcmp0 (make->options->uts, "host") == 0 || g_strcmp0 (make->options->network, "host") == 0;
  if (machine && gethostname (name, sizeof name - 1) == 0)
    return g_strdup (name);
  return make->options->name_as_hostname ? g_strdup (make->name) : g_strndup (make->id, 12);
}
