#include "pkg/engine/volume_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/disk_usage.h"
#include "pkg/runtime/mountopt.h"
#include "pkg/runtime/mountsys.h"

typedef struct {
  const char *type, *device;   /* as given; NULL or "" = not */
  gboolean bind;
  MountOptions words;          /* of o, without those that are about the owner */
} What;

static void
what_clear (What *what)
{
  mountopt_clear (&what->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (What, what_clear)

static const char *
text_of (json_t *options, const char *key)
{
  const char *text = json_string_value (json_object_get (options, key));
  return text != NULL && text[0] != '\0' ? text : NULL;
}

/* is_ours: a word of o that is no mount's: whose the folder is, whether it is filled, and how long a plugin may take. */
static gboolean
is_ours (const char *word)
{
  static const char *const ours[] = { "uid=", "gid=", "timeout=" };
  for (size_t i = 0; i < G_N_ELEMENTS (ours); i++)
    if (g_str_has_prefix (word, ours[i]))
      return TRUE;
  return word[0] == '\0' || strcmp (word, "copy") == 0 || strcmp (word, "nocopy") == 0 || strcmp (word, "noquota") == 0;
}

static void
read_what (json_t *options, What *ret_what)
{
  const char *o = text_of (options, "o");
  g_auto (GStrv) words = g_strsplit (o != NULL ? o : "", ",", -1);
  g_autoptr (GPtrArray) mount = g_ptr_array_new ();
  for (char **word = words; *word != NULL; word++)
    if (!is_ours (*word))
      g_ptr_array_add (mount, *word);
  g_ptr_array_add (mount, NULL);
  *ret_what = (What){ .type = text_of (options, "type"), .device = text_of (options, "device") };
  mountopt_parse ((const char *const *) mount->pdata, &ret_what->words);
  ret_what->bind = ret_what->words.bind || g_strcmp0 (ret_what->type, "bind") == 0;
}

gboolean
volume_mount_wanted (json_t *options)
{
  return text_of (options, "type") != NULL || text_of (options, "device") != NULL;
}

gboolean
volume_mount_check (json_t *options, GError **error)
{
  g_auto (What) what = { 0 };
  read_what (options, &what);
  struct stat st;
  if (!volume_mount_wanted (options) && what.words.data->len > 0)
    {
      const char *word = what.words.data->pdata[0];
      gboolean quota = g_str_has_prefix (word, "size=") || g_str_has_prefix (word, "inodes=");
      return quota ? coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "volume option o=%s: a folder has no quota; with type=tmpfs it may", word)
                   : coracle_throw (error, CORACLE_ERROR_INVALID, "volume option o=%s: a type or a device is missing, to which it would apply: invalid argument", word);
    }
  if (!what.bind)
    return TRUE;
  if (what.device == NULL || what.device[0] != '/')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid volume option device for driver 'local': %s is no absolute path: invalid argument", what.device != NULL ? what.device : "\"\"");
  if (stat (what.device, &st) < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid volume option device for driver 'local': faccessat %s: %s", what.device, errno == ENOENT ? "no such file or directory" : g_strerror (errno));
  return TRUE;
}

/* ---- mounting */

/* set_flags: of a detached mount. */
static int
set_flags (int tree, const What *what)
{
  struct mount_attr attributes = { .attr_set = what->words.attr_set, .attr_clr = what->words.attr_clear & ~what->words.attr_set };
  if (attributes.attr_set == 0 && attributes.attr_clr == 0)
    return 0;
  return sys_mount_setattr (tree, "", AT_EMPTY_PATH, &attributes) < 0 ? -errno : 0;
}

static int
open_bind (const What *what)
{
  int tree = sys_open_tree (AT_FDCWD, what->device, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (what->words.recursive ? AT_RECURSIVE : 0));
  return tree < 0 ? -errno : tree;
}

/* configure: the filesystem's own words. 0 or -errno. */
static int
configure (int fs, const What *what)
{
  /* some (tmpfs) have no device, and still want a word in its place, as mount(8) gives them */
  if (sys_fsconfig (fs, FSCONFIG_SET_STRING, "source", what->device != NULL ? what->device : what->type, 0) < 0)
    return -errno;
  for (guint i = 0; i < what->words.data->len; i++)
    {
      g_auto (GStrv) pair = g_strsplit (what->words.data->pdata[i], "=", 2);
      if (sys_fsconfig (fs, pair[1] != NULL ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, pair[0], pair[1], 0) < 0)
        return -errno;
    }
  if ((what->words.attr_set & MOUNT_ATTR_RDONLY) != 0 && strcmp (what->type, "tmpfs") != 0)
    (void) sys_fsconfig (fs, FSCONFIG_SET_FLAG, "ro", NULL, 0);
  return sys_fsconfig (fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

/* open_filesystem: a new mount, detached, or -errno. */
static int
open_filesystem (const What *what)
{
  if (what->type == NULL)
    return -ENODEV;
  cleanup_fd int fs = sys_fsopen (what->type, FSOPEN_CLOEXEC);
  int r = fs < 0 ? -errno : configure (fs, what);
  int tree = r < 0 ? -1 : sys_fsmount (fs, FSMOUNT_CLOEXEC, 0);
  return r < 0 ? r : tree < 0 ? -errno : tree;
}

/* open_there: the tree at @place in the mount namespace of @pidfd's process, cloned, or -errno. @ours, @cwd: where to come back to; -ESTALE: we could not, and nothing is where it is thought to be. */
static int
open_there (int pidfd, const char *place, dev_t outside, int ours, int cwd)
{
  if (setns (pidfd, CLONE_NEWNS) < 0)
    return -errno;
  struct stat st;
  int tree = stat (place, &st) < 0 || st.st_dev == outside ? -ENOENT : sys_open_tree (AT_FDCWD, place, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree == -1)
    tree = -errno;
  if (setns (ours, CLONE_NEWNS) == 0 && fchdir (cwd) == 0)
    return tree;
  fd_close (tree >= 0 ? tree : -1);
  return -ESTALE;
}

/* open_living: what a container that runs has there, or -ENOENT. */
static int
open_living (Storage *storage, const char *name, const char *place, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  cleanup_fd int ours = open ("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), cwd = open (".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  struct stat st;
  if (ours < 0 || cwd < 0 || stat (place, &st) < 0)
    return -errno;
  if (!state_container_list (storage->state, &rows, error))
    return -ECANCELED;
  for (guint i = 0; i < rows->len; i++)
    {
      const StateContainer *row = rows->pdata[i];
      cleanup_fd int pidfd = disk_container_has_volume (row, name) ? live_open_monitor (storage, row->id) : -1;
      int tree = pidfd >= 0 ? open_there (pidfd, place, st.st_dev, ours, cwd) : -ENOENT;
      if (tree >= 0 || tree == -ESTALE)
        return tree;
    }
  return -ENOENT;
}

static gboolean
throw_mount (const Volume *volume, const char *container, const What *what, int number, GError **error)
{
  const char *type = what->bind ? "bind" : what->type != NULL ? what->type : "no type";
  gboolean refused = number == EPERM || number == EACCES;
  return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "mounting volume %s%s%s: %s of type %s: %s%s", volume->name, container != NULL ? " for container " : "",
                        container != NULL ? container : "", what->device != NULL ? what->device : type, type, g_strerror (number), refused && !what->bind ? " (cannot mount volumes of this type without root privileges; bind and tmpfs can be)" : "");
}

/* put: the mount on its place; the folder is then whose the volume is to be. */
static int
put (int tree, const char *place, const Volume *volume, gboolean fresh)
{
  if (sys_move_mount (tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
    return -errno;
  if (fresh && (volume->uid >= 0 || volume->gid >= 0) && chown (place, (uid_t) volume->uid, (gid_t) volume->gid) < 0)
    return -errno;
  return 0;
}

/* is_mounted: here, already. */
static gboolean
is_mounted (const char *place)
{
  struct statx it;
  return statx (AT_FDCWD, place, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &it) == 0 && (it.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* lock_volumes: all of them, for a container may have several. -1 with @error. */
static int
lock_volumes (Storage *storage, GError **error)
{
  cleanup_fd int lock = openat (storage->root_fd, "volumes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int r = lock < 0 ? -1 : 0;
  while (r == 0 && flock (lock, LOCK_EX) < 0)
    r = errno == EINTR ? 0 : -1;
  int errsv = errno;
  if (r == 0)
    return fd_steal (&lock);
  coracle_throw_errno (error, errsv, "locking the volumes");
  return -1;
}

/* open_tree_of: what is to be on @place: a detached mount, or -errno; -ECANCELED with @error. @ret_fresh: it is a new filesystem. */
static int
open_tree_of (Storage *storage, const Volume *volume, const What *what, const char *place, gboolean *ret_fresh, GError **error)
{
  int living = what->bind ? -ENOENT : open_living (storage, volume->name, place, error);
  *ret_fresh = FALSE;
  if (living != -ENOENT)
    return living;
  cleanup_fd int tree = what->bind ? open_bind (what) : open_filesystem (what);
  int r = tree < 0 ? tree : set_flags (tree, what);
  *ret_fresh = !what->bind;
  return r < 0 ? r : fd_steal (&tree);
}

gboolean
volume_mount (Storage *storage, const char *name, const char *container, int *lock, GError **error)
{
  g_autoptr (Volume) volume = volume_read (storage, name, error);
  if (volume == NULL || !volume->mounts)
    return volume != NULL;
  g_auto (What) what = { 0 };
  read_what (volume->options, &what);
  g_autofree char *place = g_build_filename (storage->paths->root, "volumes", name, "_data", NULL);
  if (is_mounted (place))
    return TRUE;
  if (!what.bind && *lock < 0)
    *lock = lock_volumes (storage, error);
  if (!what.bind && *lock < 0)
    return FALSE;
  gboolean fresh;
  GError *problem = NULL;
  cleanup_fd int tree = open_tree_of (storage, volume, &what, place, &fresh, &problem);
  int r = tree < 0 ? tree : put (tree, place, volume, fresh);
  if (problem != NULL)
    g_propagate_error (error, problem);
  return r == 0 || (problem == NULL && throw_mount (volume, container, &what, -r, error));
}
