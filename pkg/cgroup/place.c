#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/cgroup/scope.h"

void
cgroup_place_clear (CgroupPlace *place)
{
  g_free (place->mount);
  g_free (place->own);
  g_free (place->delegated);
  *place = (CgroupPlace) { 0 };
}

char *
cgroup_own_path (const char *text)
{
  const char *line = text == NULL ? NULL : g_str_has_prefix (text, "0::") ? text
                                                                          : strstr (text, "\n0::");
  if (line == NULL)
    return NULL;
  line = strchr (line, ':') + 2;
  return g_strndup (line, strcspn (line, "\n"));
}

static gboolean
is_ours (const char *mount, const char *path)
{
  g_autofree char *folder = g_strconcat (mount, path, NULL), *procs = g_strconcat (folder, "/cgroup.procs", NULL);
  return access (folder, W_OK | X_OK) == 0 && access (procs, W_OK) == 0;
}

/* find_delegated: upwards from @own, as far as the groups are ours. */
static char *
find_delegated (const char *mount, const char *own)
{
  g_autofree char *at = g_strdup (own), *found = NULL;
  while (is_ours (mount, at))
    {
      g_free (found);
      found = g_strdup (at);
      char *slash = strrchr (at, '/');
      if (slash == NULL || at[1] == '\0')
        break;
      slash[slash == at] = '\0';
    }
  return g_steal_pointer (&found);
}

void
cgroup_place_look (const char *mount, const char *text, CgroupPlace *ret_place)
{
  *ret_place = (CgroupPlace) { .mount = g_strdup (mount) };
  g_autofree char *own = cgroup_own_path (text);
  /* "/.." is outside of the cgroup namespace; "… (deleted)" is gone */
  if (own == NULL || own[0] != '/' || g_str_has_prefix (own, "/..") || g_str_has_suffix (own, " (deleted)"))
    return;
  ret_place->delegated = find_delegated (mount, own);
  ret_place->own = g_steal_pointer (&own);
}

static gboolean
is_cgroup2 (const char *path)
{
  struct statfs fs;
  return statfs (path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

void
cgroup_place_find (CgroupPlace *ret_place)
{
  static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
  *ret_place = (CgroupPlace) { 0 };
  for (size_t i = 0; i < G_N_ELEMENTS (mounts); i++)
    {
      g_autofree char *text = NULL;
      if (!is_cgroup2 (mounts[i]) || !path_read_file (AT_FDCWD, "/proc/self/cgroup", 1 << 16, &text, NULL, NULL))
        continue;
      cgroup_place_look (mounts[i], text, ret_place);
      ret_place->hybrid = i > 0;
      return;
    }
}

const char *
cgroup_manager_name (const char *wanted, const CgroupPlace *place)
{
  gboolean systemd = place->mount != NULL && !place->hybrid && scope_possible ();
  if (g_strcmp0 (wanted, "systemd") == 0 && systemd)
    return "systemd";
  if (place->delegated != NULL)
    return "cgroupfs";
  return systemd && wanted == NULL ? "systemd" : "none";
}
