#include "storage/copy_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/archive/member.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/file_id.h"
#include "pkg/base/path.h"
#include "storage/copy_data.h"
#include "storage/pack.h"

#define NAMES_SIZE ((size_t) 64 << 10)
enum { DEPTH_MAX = 4000 };   /* folders in folders: each costs two descriptors */

/* A file of several names that was copied: where to, below the target's root, and what became of it. */
typedef struct {
  FileId from, to;
  char *path;
} Link;

typedef struct {
  CopyOptions *options;
  GHashTable *links;    /* FileId → Link */
  GString *path;        /* of the entry at work, below the top */
  int to_root;          /* the folder that all is written below */
  dev_t root_device;    /* of the folder made at the top, which may lie within what is copied */
  ino_t root_inode;
  guint depth;
} Copy;

/* One name, on its way. */
typedef struct {
  int from_dir, to_dir;
  const char *name, *to_name;
  struct stat st;
} Entry;

static void
link_free (Link *link)
{
  g_free (link->path);
  g_free (link);
}

static gboolean
throw_path (Copy *self, int errsv, const char *doing, GError **error)
{
  g_autofree char *shown = member_shown (self->path->str);
  return coracle_throw_errno (error, errsv, "%s %s", doing, shown);
}

static int
fail_path (Copy *self, int errsv, const char *doing, GError **error)
{
  (void) throw_path (self, errsv, doing, error);
  return -1;
}

/* ---- metadata */

static void
copy_xattrs (int from, int to)
{
  g_autofree char *names = g_malloc (NAMES_SIZE), *value = g_malloc (NAMES_SIZE);
  ssize_t length = flistxattr (from, names, NAMES_SIZE);
  for (const char *name = names; length > 0 && name < names + length; name += strlen (name) + 1)
    {
      ssize_t size = pack_xattr_wanted (name) ? fgetxattr (from, name, value, NAMES_SIZE) : -1;
      if (size >= 0)
        (void) fsetxattr (to, name, value, (size_t) size, 0);   /* a filesystem that has none is no reason to fail */
    }
}

/* give: the owner by @fd, or of a name without descriptor; those that nobody here has (unmapped, or a single id) stay the copier's. */
static gboolean
give (Copy *self, const Entry *entry, int fd, GError **error)
{
  uid_t uid = self->options->give ? self->options->uid : entry->st.st_uid;
  gid_t gid = self->options->give ? self->options->gid : entry->st.st_gid;
  int r = fd >= 0 ? fchown (fd, uid, gid) : fchownat (entry->to_dir, entry->to_name, uid, gid, AT_SYMLINK_NOFOLLOW);
  return r == 0 || errno == EINVAL || errno == EPERM || throw_path (self, errno, "setting the owner of", error);
}

static gboolean
finish_by_fd (Copy *self, const Entry *entry, int from, int to, GError **error)
{
  struct timespec times[2] = { entry->st.st_mtim, entry->st.st_mtim };
  /* chown clears setuid and capabilities, so it comes first; times come last */
  if (!give (self, entry, to, error))
    return FALSE;
  copy_xattrs (from, to);
  return (fchmod (to, entry->st.st_mode & 07777) == 0 && futimens (to, times) == 0) || throw_path (self, errno, "setting the mode of", error);
}

static gboolean
finish_by_name (Copy *self, const Entry *entry, GError **error)
{
  struct timespec times[2] = { entry->st.st_mtim, entry->st.st_mtim };
  if (!give (self, entry, -1, error))
    return FALSE;
  (void) utimensat (entry->to_dir, entry->to_name, times, AT_SYMLINK_NOFOLLOW);
  return TRUE;
}

/* ---- what is in the way */

/* clear_way: of what is no folder. *@ret_busy: something is mounted there. */
static gboolean
clear_way (Copy *self, const Entry *entry, gboolean *ret_busy, GError **error)
{
  struct stat there;
  *ret_busy = FALSE;
  if (fstatat (entry->to_dir, entry->to_name, &there, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT || throw_path (self, errno, "looking at", error);
  if (S_ISDIR (there.st_mode) && !self->options->overwrite)
    return throw_path (self, EEXIST, "a folder is in the place of", error);
  int r = S_ISDIR (there.st_mode) ? path_remove_tree (entry->to_dir, entry->to_name) : unlinkat (entry->to_dir, entry->to_name, 0) < 0 ? -errno : 0;
  *ret_busy = r == -EBUSY && S_ISREG (there.st_mode);
  return r == 0 || r == -ENOENT || *ret_busy || throw_path (self, -r, "replacing", error);
}

/* ---- kinds */

static gboolean
throw_unreadable (Copy *self, int errsv, gboolean *ret_skip, GError **error)
{
  *ret_skip = errsv == EACCES || errsv == EPERM;
  if (*ret_skip)
    self->options->unreadable++;
  return *ret_skip || throw_path (self, errsv, "opening", error);
}

/* open_target: a new file; or the one on which something is mounted (/etc/hosts), to be written over. */
static int
open_target (Copy *self, const Entry *entry, GError **error)
{
  gboolean busy;
  for (int tries = 0; tries < 8; tries++)
    {
      int fd = openat (entry->to_dir, entry->to_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      if (fd >= 0)
        return fd;
      if (errno != EEXIST)
        return fail_path (self, errno, "making", error);
      if (!clear_way (self, entry, &busy, error))
        return -1;
      struct stat st;
      cleanup_fd int mounted = busy ? openat (entry->to_dir, entry->to_name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
      if (busy && (mounted < 0 || fstat (mounted, &st) < 0 || !S_ISREG (st.st_mode) || ftruncate (mounted, 0) < 0))
        return fail_path (self, mounted < 0 ? errno : EBUSY, "writing over", error);
      if (busy)
        return fd_steal (&mounted);
    }
  /* somebody makes it again and again */
  return fail_path (self, EEXIST, "making", error);
}

/* made_before: the file was copied under another name, which it gets as a second one. FALSE: it is to be copied. The first copy is looked up again, and linked only if it is still that. */
static gboolean
made_before (Copy *self, const Entry *entry)
{
  FileId id = { entry->st.st_dev, entry->st.st_ino };
  const Link *link = entry->st.st_nlink > 1 ? g_hash_table_lookup (self->links, &id) : NULL;
  cleanup_fd int fd = link != NULL ? path_open_beneath (self->to_root, link->path, O_PATH | O_NOFOLLOW, 0) : -1;
  struct stat st;
  gboolean busy;
  if (fd < 0 || fstat (fd, &st) < 0 || st.st_dev != link->to.device || st.st_ino != link->to.inode || !clear_way (self, entry, &busy, NULL))
    return FALSE;
  char path[64];
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  return linkat (AT_FDCWD, path, entry->to_dir, entry->to_name, AT_SYMLINK_FOLLOW) == 0;
}

static void
remember (Copy *self, const Entry *entry, int to)
{
  struct stat st;
  if (entry->st.st_nlink < 2 || fstat (to, &st) < 0)
    return;
  Link *link = g_new (Link, 1);
  *link = (Link){ { entry->st.st_dev, entry->st.st_ino }, { st.st_dev, st.st_ino }, g_strdup (self->path->str) };
  g_hash_table_replace (self->links, &link->from, link);
}

static gboolean
copy_file (Copy *self, Entry *entry, GError **error)
{
  gboolean skip = FALSE;
  cleanup_fd int from = openat (entry->from_dir, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (from < 0)
    return throw_unreadable (self, errno, &skip, error);
  if (fstat (from, &entry->st) < 0 || !S_ISREG (entry->st.st_mode))
    return throw_path (self, ESTALE, "opening", error);
  if (made_before (self, entry))
    return TRUE;
  cleanup_fd int to = open_target (self, entry, error);
  if (to < 0)
    return FALSE;
  int r = copy_data (from, to, entry->st.st_size);
  if (r < 0)
    return throw_path (self, -r, "copying", error);
  remember (self, entry, to);
  return finish_by_fd (self, entry, from, to, error);
}

static gboolean
copy_link (Copy *self, const Entry *entry, GError **error)
{
  char target[PATH_MAX];
  ssize_t n = readlinkat (entry->from_dir, entry->name, target, sizeof target - 1);
  if (n < 0)
    return throw_path (self, errno, "reading link", error);
  target[n] = '\0';
  gboolean busy;
  if (!clear_way (self, entry, &busy, error))
    return FALSE;
  return symlinkat (target, entry->to_dir, entry->to_name) == 0 ? finish_by_name (self, entry, error) : throw_path (self, errno, "making link", error);
}

static gboolean
copy_node (Copy *self, const Entry *entry, GError **error)
{
  gboolean fifo = S_ISFIFO (entry->st.st_mode), busy;
  if (S_ISSOCK (entry->st.st_mode) || (!fifo && !self->options->devices))
    return self->depth > 0 || coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s is a %s, which cannot be copied", entry->name, S_ISSOCK (entry->st.st_mode) ? "socket" : "device");
  if (!clear_way (self, entry, &busy, error))
    return FALSE;
  if (mknodat (entry->to_dir, entry->to_name, (entry->st.st_mode & S_IFMT) | 0600, entry->st.st_rdev) < 0)
    return throw_path (self, errno, "making", error);
  /* by descriptor: fchmodat follows links */
  cleanup_fd int fd = openat (entry->to_dir, entry->to_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct stat st;
  char path[64];
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  if (!give (self, entry, -1, error))
    return FALSE;
  if (fd >= 0 && fstat (fd, &st) == 0 && (st.st_mode & S_IFMT) == (entry->st.st_mode & S_IFMT))
    (void) chmod (path, entry->st.st_mode & 07777);
  return finish_by_name (self, entry, error);
}

/* ---- folders */

static gboolean copy_below (Copy *self, int from, int to, GError **error);

/* is_kernels: a filesystem of the kernel's own data, within what is copied. */
static gboolean
is_kernels (int fd)
{
  static const guint32 kinds[] = { PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP2_SUPER_MAGIC, CGROUP_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, 0x19800202 /* mqueue */ };
  struct statfs fs;
  for (size_t i = 0; fstatfs (fd, &fs) == 0 && i < G_N_ELEMENTS (kinds); i++)
    if ((guint32) fs.f_type == kinds[i])
      return TRUE;
  return FALSE;
}

/* open_folder: the target's folder, made if it is not there. */
static int
open_folder (Copy *self, const Entry *entry, GError **error)
{
  gboolean busy;
  for (int tries = 0; tries < 8; tries++)
    {
      int fd = openat (entry->to_dir, entry->to_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (fd >= 0 || mkdirat (entry->to_dir, entry->to_name, 0700) == 0)
        {
          if (fd >= 0)
            return fd;
          continue;
        }
      if (errno != EEXIST)
        return fail_path (self, errno, "making folder", error);
      if (!self->options->overwrite)
        return fail_path (self, EEXIST, "making folder", error);
      if (!clear_way (self, entry, &busy, error))
        return -1;
    }
  return fail_path (self, EEXIST, "making folder", error);
}

static gboolean
copy_folder (Copy *self, Entry *entry, GError **error)
{
  gboolean skip = FALSE;
  cleanup_fd int from = openat (entry->from_dir, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (from < 0)
    return throw_unreadable (self, errno, &skip, error);
  if (fstat (from, &entry->st) < 0)
    return throw_path (self, errno, "looking at", error);
  /* the copy of a folder into itself ends here */
  if (self->depth > 0 && ((entry->st.st_dev == self->root_device && entry->st.st_ino == self->root_inode) || is_kernels (from)))
    return TRUE;
  cleanup_fd int to = open_folder (self, entry, error);
  struct stat made;
  if (to < 0)
    return FALSE;
  if (self->depth == 0 && fstat (to, &made) == 0)
    {
      self->root_device = made.st_dev;
      self->root_inode = made.st_ino;
    }
  return copy_below (self, from, to, error) && finish_by_fd (self, entry, from, to, error);
}

static gboolean
copy_name (Copy *self, Entry *entry, GError **error)
{
  if (fstatat (entry->from_dir, entry->name, &entry->st, AT_SYMLINK_NOFOLLOW) < 0)
    /* below the top it went away meanwhile */
    return (errno == ENOENT && self->depth > 0) || throw_path (self, errno, "looking at", error);
  switch (entry->st.st_mode & S_IFMT)
    {
    case S_IFREG: return copy_file (self, entry, error);
    case S_IFDIR: return copy_folder (self, entry, error);
    case S_IFLNK: return copy_link (self, entry, error);
    default: return copy_node (self, entry, error);
    }
}

static GPtrArray *
read_names (Copy *self, int fd, GError **error)
{
  int errsv;
  GPtrArray *names = path_list (fd, &errsv);
  if (names == NULL)
    throw_path (self, errsv, "reading folder", error);
  return names;
}

static gboolean
copy_below (Copy *self, int from, int to, GError **error)
{
  g_autoptr (GPtrArray) names = read_names (self, from, error);
  if (names == NULL)
    return FALSE;
  if (self->depth >= DEPTH_MAX)
    return throw_path (self, ENAMETOOLONG, "too many folders within each other:", error);
  gsize length = self->path->len;
  gboolean ok = TRUE;
  self->depth++;
  for (guint i = 0; ok && i < names->len; i++)
    {
      Entry entry = { .from_dir = from, .to_dir = to, .name = names->pdata[i], .to_name = names->pdata[i] };
      if (length > 0)
        g_string_append_c (self->path, '/');
      g_string_append (self->path, entry.name);
      ok = copy_name (self, &entry, error);
      g_string_truncate (self->path, length);
    }
  self->depth--;
  return ok;
}

static void
copy_begin (Copy *self, CopyOptions *options, int to_root, const char *name)
{
  *self = (Copy){ .options = options, .path = g_string_new (name), .to_root = to_root };
  self->links = g_hash_table_new_full (file_id_hash, file_id_equal, NULL, (GDestroyNotify) link_free);
}

static void
copy_end (Copy *self)
{
  g_hash_table_unref (self->links);
  g_string_free (self->path, TRUE);
}

gboolean
copy_entry (int from_dir, const char *name, int to_dir, const char *to_name, CopyOptions *options, GError **error)
{
  Copy self;
  copy_begin (&self, options, to_dir, to_name);
  Entry entry = { .from_dir = from_dir, .to_dir = to_dir, .name = name, .to_name = to_name };
  gboolean ok = copy_name (&self, &entry, error);
  copy_end (&self);
  return ok;
}

gboolean
copy_content (int from_fd, int to_fd, CopyOptions *options, GError **error)
{
  Copy self;
  struct stat st;
  copy_begin (&self, options, to_fd, NULL);
  if (fstat (to_fd, &st) == 0)
    {
      self.root_device = st.st_dev;
      self.root_inode = st.st_ino;
    }
  gboolean ok = copy_below (&self, from_fd, to_fd, error);
  copy_end (&self);
  return ok;
}
