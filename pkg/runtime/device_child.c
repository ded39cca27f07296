/* The nodes and links of a container's /dev. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/runtime/child.h"
#include "pkg/runtime/mountsys.h"

static int
make_node (int dev_fd, const char *name, const PlanDevice *device)
{
  if (mknodat (dev_fd, name, device->mode, makedev (device->major, device->minor)) < 0)
    return -errno;
  if (fchownat (dev_fd, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) < 0 || fchmodat (dev_fd, name, device->mode & 07777, 0) < 0)
    return -errno;
  return 0;
}

static int
bind_node (int dev_fd, const char *name, const char *source)
{
  cleanup_fd int tree = sys_open_tree (AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0)
    return -errno;
  cleanup_fd int target = openat (dev_fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0666);
  if (target < 0)
    return -errno;
  if (sys_move_mount (tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return -errno;
  return 0;
}

/* open_parent: the folder of /dev/a/b/c's name, made if need be; *@ret_base is what is left of the name. /dev may hold what an image had there (a tmpfs that was filled): its links
 * lead nowhere but into /dev. */
static int
open_parent (int dev_fd, const char *name, const char **ret_base)
{
  char parent[PATH_MAX];
  size_t length = strlen (name);
  while (length > 0 && name[length - 1] != '/')
    length--;
  if (length >= sizeof parent)
    return -ENAMETOOLONG;
  *ret_base = name + length;
  parent[0] = '/';
  parent[1] = '\0';
  if (length > 0)
    {
      memcpy (parent, name, length);
      parent[length] = '\0';
    }
  return path_mkdirs_in_root (dev_fd, parent, 0755);
}

/* below_dev: "/dev/x" → "x", NULL if it is elsewhere. */
static const char *
below_dev (const char *path)
{
  return strncmp (path, "/dev/", 5) == 0 && strstr (path, "/..") == NULL ? path + 5 : NULL;
}

int
device_child_all (const RuntimePlan *plan, int dev_fd, int *ret_detail)
{
  const PlanDevice *devices = plan_bytes (plan, plan->devices.at);
  for (uint32_t i = 0; i < plan->devices.n; i++)
    {
      *ret_detail = (int) i;
      const char *name = below_dev (plan_text (plan, devices[i].path));
      if (name == NULL)
        return -EINVAL;
      const char *base;
      cleanup_fd int parent = open_parent (dev_fd, name, &base);
      int r = parent < 0 ? parent
              : devices[i].source != 0 ? bind_node (parent, base, plan_text (plan, devices[i].source)) : make_node (parent, base, &devices[i]);
      if (r < 0)
        return r;
    }
  const PlanSysctl *links = plan_bytes (plan, plan->links.at);
  for (uint32_t i = 0; i < plan->links.n; i++)
    {
      const char *name = below_dev (plan_text (plan, links[i].key));
      if (name == NULL || (symlinkat (plan_text (plan, links[i].value), dev_fd, name) < 0 && errno != EEXIST))
        return name == NULL ? -EINVAL : -errno;
    }
  return 0;
}
