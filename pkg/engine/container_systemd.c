#include "pkg/engine/container_systemd.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/container_userns.h"
#include "pkg/spec/env.h"

gboolean
systemd_check (const ContainerOptions *options, GError **error)
{
  static const char *const words[] = { "true", "false", "always", NULL };
  return options->systemd == NULL || g_strv_contains (words, options->systemd)
         || coracle_throw (error, CORACLE_ERROR_INVALID, "invalid config provided: --systemd values must be one of \"true, false, always\": invalid configuration");
}

gboolean
systemd_wanted (const ContainerOptions *options, char *const *args)
{
  static const char *const inits[] = { "/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init", NULL };
  const char *command = args != NULL && args[0] != NULL ? args[options->init ? 2 : 0] : NULL;
  if (options->systemd != NULL && strcmp (options->systemd, "true") != 0)
    return strcmp (options->systemd, "always") == 0;
  g_autofree char *name = command != NULL ? g_path_get_basename (command) : NULL;
  return command != NULL && (strcmp (name, "systemd") == 0 || g_strv_contains (inits, command));
}

void
systemd_mounts (Make *make, gboolean (*taken) (const char *destination, void *data), void *data)
{
  static const struct {
    const char *place, *option;
  } mounts[] = { { "/run", "mode=755" }, { "/run/lock", NULL }, { "/tmp", "tmpcopyup" }, { "/var/log/journal", "tmpcopyup" } };
  for (size_t i = 0; make->systemd && i < G_N_ELEMENTS (mounts); i++)
    {
      if (taken (mounts[i].place, data))
        continue;
      json_t *options = json_pack ("[s, s, s, s]", "rw", "rprivate", "nosuid", "nodev");
      if (mounts[i].option != NULL)
        json_array_append_new (options, json_string (mounts[i].option));
      if (make->options->shm_size_systemd != 0)
        json_array_append_new (options, json_sprintf ("size=%lld", (long long) make->options->shm_size_systemd));
      json_array_append_new (make->mounts, json_pack ("{s:s, s:s, s:s, s:o}", "destination", mounts[i].place, "type", "tmpfs", "source", "tmpfs", "options", options));
    }
}

void
systemd_env (const Make *make, char ***env)
{
  g_autofree char *id = make->systemd ? g_strndup (make->id, 32) : NULL;
  if (id != NULL)
    spec_env_set (env, "container_uuid", id);
}

void
systemd_hide_consoles (json_t *devices)
{
  static const char prefix[] = "/dev/tty";
  for (size_t i = json_array_size (devices); i-- > 0;)
    {
      const char *path = json_string_value (json_object_get (json_array_get (devices, i), "path"));
      const char *number = g_str_has_prefix (path, prefix) ? path + strlen (prefix) : "";
      if (*number != '\0' && strspn (number, "0123456789") == strlen (number))
        json_array_remove (devices, i);
    }
}

/* systemd.io/CGROUP_DELEGATION: the folder and these files, no others. */
void
systemd_give_group (const Make *make)
{
  static const char *const files[] = { ".", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control" };
  for (size_t i = 0; make->systemd && make->cgroup.fd >= 0 && i < G_N_ELEMENTS (files); i++)
    userns_give (make, make->cgroup.fd, files[i], 0, 0);
}
