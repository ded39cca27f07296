#include "storage/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "storage/overlay_private.h"

gboolean
overlay_kind_from_environment (OverlayKind otherwise, OverlayKind *ret_kind, GError **error)
{
  static const struct {
    const char *name;
    OverlayKind kind;
  } kinds[] = { { "auto", OVERLAY_AUTO }, { "native", OVERLAY_NATIVE }, { "fuse", OVERLAY_FUSE } };
  const char *value = getenv ("CORACLE_OVERLAY");
  if (value == NULL || value[0] == '\0')
    {
      *ret_kind = otherwise;
      return TRUE;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (value, kinds[i].name) == 0)
      {
        *ret_kind = kinds[i].kind;
        return TRUE;
      }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "CORACLE_OVERLAY=%s: must be auto, native or fuse", value);
}

void
overlay_folders_clear (OverlayFolders *folders)
{
  for (size_t i = 0; i < folders->n_lower; i++)
    fd_close (folders->lower[i]);
  g_free (folders->lower);
  fd_close (folders->upper);
  fd_close (folders->work);
  *folders = (OverlayFolders){ .upper = -1, .work = -1 };
}

static OverlayFolders
folders_steal (OverlayFolders *folders)
{
  OverlayFolders taken = *folders;
  *folders = (OverlayFolders){ .upper = -1, .work = -1 };
  return taken;
}

/* 500 layers and the usual soft limit of 1024 agree; a lower one is raised for good, since the descriptors of a command are few otherwise */
static void
limit_raise (size_t wanted)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
    return;
  limit.rlim_cur = MIN (limit.rlim_max, (rlim_t) wanted);
  (void) setrlimit (RLIMIT_NOFILE, &limit);
}

static gboolean
folder_open (const char *path, int *ret_fd, GError **error)
{
  *ret_fd = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (*ret_fd >= 0)
    return TRUE;
  int errsv = errno;
  return coracle_throw_errno (error, errsv, "%s", path);
}

gboolean
overlay_folders_open (const char *const *layers, const char *upper, const char *work, OverlayFolders *ret_folders, GError **error)
{
  size_t n = g_strv_length ((char **) layers);
  g_assert (n > 0 && (upper == NULL) == (work == NULL));
  if (n > OVERLAY_LAYERS_MAX)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%zu layers: the kernel stacks at most %d", n, OVERLAY_LAYERS_MAX);
  g_auto (OverlayFolders) folders = { .lower = g_new (int, n), .upper = -1, .work = -1 };
  if (n > 100)
    limit_raise (n + 128);
  for (; folders.n_lower < n; folders.n_lower++)
    if (!folder_open (layers[folders.n_lower], &folders.lower[folders.n_lower], error))
      return FALSE;
  if (upper != NULL && (!folder_open (upper, &folders.upper, error) || !folder_open (work, &folders.work, error)))
    return FALSE;
  *ret_folders = folders_steal (&folders);
  return TRUE;
}

char *
overlay_options (const OverlayFolders *folders, const char *prefix)
{
  GString *options = g_string_new ("lowerdir=");
  for (size_t i = 0; i < folders->n_lower; i++)
    g_string_append_printf (options, "%s%s%d", i == 0 ? "" : i >= folders->n_lower - folders->n_data ? "::" : ":", prefix, folders->lower[i]);
  if (folders->upper >= 0)
    g_string_append_printf (options, ",upperdir=%s%d,workdir=%s%d", prefix, folders->upper, prefix, folders->work);
  return g_string_free (options, FALSE);
}

/* a folder, seen read-only at @target; what is mounted below it stays out of sight */
static gboolean
mount_bind (const char *folder, const char *target, GError **error)
{
  if (mount (folder, target, NULL, MS_BIND, NULL) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "mounting %s on %s", folder, target);
    }
  /* flags of the mount it came from are locked in a user namespace: to leave one out would be EPERM */
  struct statvfs fs;
  unsigned long kept = 0;
  static const struct {
    unsigned long seen, flag;
  } locked[] = { { ST_NOSUID, MS_NOSUID },     { ST_NODEV, MS_NODEV },           { ST_NOEXEC, MS_NOEXEC }, { ST_NOATIME, MS_NOATIME },
                 { ST_NODIRATIME, MS_NODIRATIME }, { ST_RELATIME, MS_RELATIME } };
  if (statvfs (target, &fs) == 0)
    for (size_t i = 0; i < G_N_ELEMENTS (locked); i++)
      if ((fs.f_flag & locked[i].seen) != 0)
        kept |= locked[i].flag;
  if (mount (NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | kept, NULL) < 0)
    {
      int errsv = errno;
      (void) umount2 (target, MNT_DETACH);
      return coracle_throw_errno (error, errsv, "making %s read-only", target);
    }
  return TRUE;
}

/* mount(2) from within /proc/self/fd, where the numbers are names. Returns 0 or -errno */
static int
mount_native (const OverlayFolders *folders, const char *target)
{
  g_autofree char *folder_options = overlay_options (folders, "");
  g_autofree char *options = g_strconcat (folder_options, ",userxattr", NULL);
  cleanup_fd int before = open (".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (before < 0 || chdir ("/proc/self/fd") < 0)
    return -errno;
  int r = mount ("overlay", target, "overlay", 0, options) < 0 ? -errno : 0;
  if (fchdir (before) < 0 && r == 0)
    r = -errno;
  return r;
}

/* Did the kernel refuse the kind of thing, so that fuse-overlayfs may do better? EINVAL: no userxattr (before 5.11), or a file system that cannot be an upper.
 * EPERM: not in a user namespace (before 5.11), or a security module */
static gboolean
is_refusal (int errsv)
{
  return errsv == EPERM || errsv == EACCES || errsv == EINVAL || errsv == ENODEV || errsv == EOPNOTSUPP || errsv == ENOSYS;
}

gboolean
overlay_mount_data (const char *const *layers, const char *const *data, const char *upper, const char *work, const char *target, GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  for (; *layers != NULL; layers++)
    g_ptr_array_add (all, (char *) (uintptr_t) *layers);
  size_t n = all->len;
  for (; *data != NULL; data++)
    g_ptr_array_add (all, (char *) (uintptr_t) *data);
  g_ptr_array_add (all, NULL);
  g_auto (OverlayFolders) folders = { .upper = -1, .work = -1 };
  if (!overlay_folders_open ((const char *const *) all->pdata, upper, work, &folders, error))
    return FALSE;
  folders.n_data = all->len - 1 - n;
  int r = mount_native (&folders, target);
  if (r == 0)
    return TRUE;
  return is_refusal (-r) ? coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "mounting an overlay with data-only layers on %s: %s", target, g_strerror (-r))
                         : coracle_throw_errno (error, -r, "mounting an overlay on %s", target);
}

gboolean
overlay_mount (const char *const *layers, const char *upper, const char *work, const char *target, OverlayKind kind, pid_t *ret_fuse, GError **error)
{
  if (upper == NULL && layers[1] == NULL)
    {
      if (!mount_bind (layers[0], target, error))
        return FALSE;
      if (ret_fuse != NULL)
        *ret_fuse = 0;
      return TRUE;
    }
  if (kind == OVERLAY_FUSE)
    return overlay_mount_fuse (layers, upper, work, target, NULL, ret_fuse, error);

  g_auto (OverlayFolders) folders = { .upper = -1, .work = -1 };
  if (!overlay_folders_open (layers, upper, work, &folders, error))
    return FALSE;
  int r = mount_native (&folders, target);
  if (r == 0)
    {
      if (ret_fuse != NULL)
        *ret_fuse = 0;
      return TRUE;
    }
  if (kind == OVERLAY_NATIVE || !is_refusal (-r))
    return coracle_throw_errno (error, -r, "mounting an overlay on %s", target);
  overlay_folders_clear (&folders);
  g_autoptr (GError) problem = NULL;
  if (overlay_mount_fuse (layers, upper, work, target, NULL, ret_fuse, &problem))
    return TRUE;
  return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "mounting an overlay on %s: the kernel refuses (%s), and so does the other way: %s", target, g_strerror (-r),
                        problem->message);
}
