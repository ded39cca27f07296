#include "pkg/spec/sysctl.h"

#include "pkg/base/error.h"

#include <string.h>

char *
spec_sysctl_path (const char *name)
{
  char *path = g_strdup (name);
  const char *first = strpbrk (name, "./");
  for (char *p = path; first != NULL && *first == '.' && *p != '\0'; p++)
    *p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
  return path;
}

static gboolean
namespace_find (const char *path, SpecSysctlNamespace *ret)
{
  static const char *const ipc[] = { "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem",         "kernel/shmall",
                                     "kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced", NULL };
  *ret = g_str_has_prefix (path, "net/") ? SPEC_SYSCTL_NET : SPEC_SYSCTL_IPC;
  return *ret == SPEC_SYSCTL_NET || g_strv_contains (ipc, path) || g_str_has_prefix (path, "fs/mqueue/");
}

/* The name becomes a path below /proc/sys, so each part must be a plain name. */
static gboolean
path_is_plain (const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  for (char **part = parts; *part != NULL; part++)
    if (**part == '\0' || strcmp (*part, ".") == 0 || strcmp (*part, "..") == 0)
      return FALSE;
  return strpbrk (path, " \t\n") == NULL;
}

gboolean
spec_sysctl_parse (const char *text, char **ret_name, char **ret_value, SpecSysctlNamespace *ret_namespace, GError **error)
{
  const char *equals = strchr (text, '=');
  if (equals == NULL || equals == text)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s is invalid, sysctl values must be in the form of KEY=VALUE", text);
  g_autofree char *name = g_strndup (text, (gsize) (equals - text));
  g_autofree char *path = spec_sysctl_path (name);
  if (!path_is_plain (path))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "sysctl \"%s\" is no name of a kernel parameter", name);
  if (!namespace_find (path, ret_namespace))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "sysctl '%s' is not allowed: it belongs to no namespace of the container", text);
  *ret_name = g_steal_pointer (&name);
  *ret_value = g_strdup (equals + 1);
  return TRUE;
}

gboolean
spec_sysctl_check (const char *name, const char *value, SpecSysctlNamespace ns, gboolean own_net, gboolean own_ipc, GError **error)
{
  if (ns == SPEC_SYSCTL_NET ? own_net : own_ipc)
    return TRUE;
  return coracle_throw (error, CORACLE_ERROR_INVALID, "sysctl %s=%s can't be set since %s Namespace set to host", name, value,
                        ns == SPEC_SYSCTL_NET ? "Network" : "IPC");
}
