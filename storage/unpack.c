#include "storage/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/archive/member.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"

#define BLOCK_SIZE (512 * 1024)
#define PARENTS 8                                       /* folders kept open: archives go folder by folder */
#define PADDING_LIMIT (G_GINT64_CONSTANT (64) << 20)    /* zeros after the end mark: tar pads to 10 KiB, tapes to a few MiB */
#define DEFERRED_LIMIT ((size_t) 256 << 20)             /* bytes remembered about folders */
#define XATTRS_LIMIT ((size_t) 256 << 10)               /* bytes of one member's attributes; Linux allows 64 KiB for each */

/* A folder's mode and times are set at the end: before, they would be in the way, or be undone by what is written into it. */
typedef struct {
  char *path;
  guint depth, order;
  mode_t mode;
  gboolean has_times;
  struct timespec times[2];
} Deferred;

typedef struct {
  char *path;
  int fd;
  guint64 used;
} Parent;

typedef struct {
  int root_fd;
  const UnpackOptions *options;
  UnpackStats stats;
  ByteStream *tar;
  char *block;                /* BLOCK_SIZE bytes, lent to libarchive */
  gint64 block_start, block_size;
  gboolean ended;
  GError *stream_error;       /* what @tar said while libarchive was reading */
  Parent parents[PARENTS];
  guint64 clock;
  GArray *deferred;
  size_t deferred_bytes;
  uid_t uid;                  /* what a new file gets by itself */
  gid_t gid;
} Unpack;

/* One member, as far as it concerns us. */
typedef struct {
  struct archive_entry *entry;
  char *path;                 /* normalised; "" is the folder itself */
  const char *name;           /* its last component, inside @path */
  int parent_fd;              /* borrowed from the cache; -1 for the folder itself */
  mode_t mode;
} Member;

static gboolean
throw_member (GError **error, int errsv, const char *doing, const Member *member)
{
  g_autofree char *shown = member_shown (member->path);
  return coracle_throw_errno (error, errsv, "%s %s", doing, shown);
}

static gboolean
throw_corrupt (GError **error, const char *what, const char *path)
{
  g_autofree char *shown = member_shown (path);
  return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: %s", shown, what);
}

static gboolean
set_opaque (int parent_fd, const char *name, const char *path, GError **error)
{
  cleanup_fd int fd = openat (parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0 && fsetxattr (fd, "user.overlay.opaque", "y", 1, 0) == 0)
    return TRUE;
  int errsv = errno;
  g_autofree char *shown = member_shown (path);
  return coracle_throw_errno (error, errsv, "marking folder %s opaque", shown);
}

static gboolean
is_whiteout (const struct stat *st)
{
  return S_ISCHR (st->st_mode) && st->st_rdev == makedev (0, 0);
}

/* ---- parents */

static void
parents_forget (Unpack *self)
{
  for (int i = 0; i < PARENTS; i++)
    {
      fd_close (self->parents[i].fd);
      g_free (self->parents[i].path);
      self->parents[i] = (Parent){ .fd = -1 };
    }
}

static gboolean
defer_folder (Unpack *self, const char *path, mode_t mode, const struct timespec times[2], GError **error)
{
  self->deferred_bytes += strlen (path) + 1 + sizeof (Deferred);
  if (self->deferred_bytes > DEFERRED_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "more folders than can be remembered");
  Deferred deferred = { .path = g_strdup (path), .order = self->deferred->len, .mode = mode, .has_times = times != NULL };
  for (const char *at = path; *at != '\0'; at++)
    deferred.depth += *at == '/';
  if (path[0] != '\0')
    deferred.depth++;
  if (times != NULL)
    memcpy (deferred.times, times, sizeof deferred.times);
  g_array_append_val (self->deferred, deferred);
  return TRUE;
}

static int
throw_parent (int r, const char *doing, const char *path, GError **error)
{
  g_autofree char *shown = member_shown (path);
  coracle_throw_errno (error, -r, "%s %s", doing, shown);
  return -1;
}

/* make_below: the missing folder @name of @path in @above_fd: 0755 and ours. A whiteout there gives way, and still hides what is below. */
static gboolean
make_below (Unpack *self, int above_fd, const char *name, const char *path, GError **error)
{
  struct stat st;
  gboolean there = fstatat (above_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0, over_whiteout = there && self->options->layer && is_whiteout (&st);
  if (there && S_ISLNK (st.st_mode))
    return throw_corrupt (error, "a link that leads nowhere is used as a folder", path);
  if (there && !over_whiteout)
    return throw_corrupt (error, "something that is no folder is used as one", path);
  if ((over_whiteout && unlinkat (above_fd, name, 0) < 0) || mkdirat (above_fd, name, 0700) < 0)
    {
      int errsv = errno;
      return throw_parent (-errsv, "making folder", path, error) == 0;
    }
  return (!over_whiteout || set_opaque (above_fd, name, path, error)) && defer_folder (self, path, 0755, NULL, error);
}

/* make_parent: the folder @path, made with what is missing above it. Returns an O_PATH descriptor, or -1 with @error. */
static int
make_parent (Unpack *self, const char *path, GError **error)
{
  int fd = path_open_in_root (self->root_fd, path[0] == '\0' ? "." : path, O_PATH | O_DIRECTORY, 0);
  if (fd >= 0)
    return fd;
  if (fd == -ELOOP)
    {
      throw_corrupt (error, "something that is no folder is used as one", path);
      return -1;
    }
  if ((fd != -ENOENT && fd != -ENOTDIR) || path[0] == '\0')
    return throw_parent (fd, "opening folder", path, error);
  const char *slash = strrchr (path, '/');
  g_autofree char *above = slash == NULL ? g_strdup ("") : g_strndup (path, (gsize) (slash - path));
  cleanup_fd int above_fd = make_parent (self, above, error);
  if (above_fd < 0 || !make_below (self, above_fd, slash == NULL ? path : slash + 1, path, error))
    return -1;
  fd = path_open_in_root (self->root_fd, path, O_PATH | O_DIRECTORY, 0);
  return fd >= 0 ? fd : throw_parent (fd, "opening folder", path, error);
}

/* parent_get: the folder @path (@length bytes of it), from the cache or made; borrowed until the next call. -1 with @error. */
static int
parent_get (Unpack *self, const char *path, size_t length, GError **error)
{
  Parent *oldest = &self->parents[0];
  for (int i = 0; i < PARENTS; i++)
    {
      Parent *parent = &self->parents[i];
      if (parent->fd >= 0 && strncmp (parent->path, path, length) == 0 && parent->path[length] == '\0')
        {
          parent->used = ++self->clock;
          return parent->fd;
        }
      if (parent->used < oldest->used)
        oldest = parent;
    }
  g_autofree char *wanted = g_strndup (path, length);
  int fd = make_parent (self, wanted, error);
  if (fd < 0)
    return -1;
  fd_close (oldest->fd);
  g_free (oldest->path);
  *oldest = (Parent){ .path = g_steal_pointer (&wanted), .fd = fd, .used = ++self->clock };
  return fd;
}

static gboolean
member_locate (Unpack *self, Member *member, GError **error)
{
  const char *slash = strrchr (member->path, '/');
  member->name = slash == NULL ? member->path : slash + 1;
  member->parent_fd = parent_get (self, member->path, slash == NULL ? 0 : (size_t) (slash - member->path), error);
  return member->parent_fd >= 0;
}

/* clear_way: remove what stands where @member goes (an earlier member of the same archive). */
static gboolean
clear_way (Unpack *self, Member *member, GError **error)
{
  struct stat st;
  if (fstatat (member->parent_fd, member->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    {
      int errsv = errno;
      return errsv == ENOENT ? TRUE : throw_member (error, errsv, "looking at", member);
    }
  if (self->options->into && !self->options->overwrite && S_ISDIR (st.st_mode) != (archive_entry_hardlink (member->entry) == NULL && archive_entry_filetype (member->entry) == AE_IFDIR))
    return throw_member (error, EEXIST, "making", member);
  int r = path_remove_tree (member->parent_fd, member->name);
  if (r < 0)
    return throw_member (error, -r, "replacing", member);
  /* kept descriptors may be of a folder below the one that went, or reached through the link that went */
  if (!S_ISREG (st.st_mode))
    {
      parents_forget (self);
      return member_locate (self, member, error);
    }
  return TRUE;
}

/* ---- metadata */

static gboolean
throw_unmapped (const Member *member, uint32_t uid, uint32_t gid, GError **error)
{
  g_autofree char *shown = member_shown (member->path);
  return coracle_throw (error, CORACLE_ERROR_DENIED,
                        "%s belongs to %u:%u, which this user namespace does not map: give this user a larger range in /etc/subuid and /etc/subgid, or use --userns=single", shown, uid, gid);
}

static gboolean
set_owner (Unpack *self, const Member *member, int fd, GError **error)
{
  if (self->options->single)
    return TRUE;
  gint64 uid = self->options->give ? (gint64) self->options->uid : archive_entry_uid (member->entry), gid = self->options->give ? (gint64) self->options->gid : archive_entry_gid (member->entry);
  if (uid < 0 || gid < 0 || uid >= G_MAXUINT32 || gid >= G_MAXUINT32)
    return throw_corrupt (error, "its owner is not a valid id", member->path);
  const IdMap *ids = self->options->ids;
  uint32_t outside_uid = (uint32_t) uid, outside_gid = (uint32_t) gid;
  if (ids != NULL && (!idmap_outside (ids->uids, ids->n_uids, outside_uid, &outside_uid) || !idmap_outside (ids->gids, ids->n_gids, outside_gid, &outside_gid)))
    return throw_unmapped (member, (uint32_t) uid, (uint32_t) gid, error);
  if (outside_uid == self->uid && outside_gid == self->gid)
    return TRUE;
  int r = fd >= 0 ? fchown (fd, outside_uid, outside_gid) : fchownat (member->parent_fd, member->name, outside_uid, outside_gid, AT_SYMLINK_NOFOLLOW);
  if (r == 0)
    return TRUE;
  int errsv = errno;
  if (errsv != EINVAL && errsv != EPERM)
    return throw_member (error, errsv, "setting the owner of", member);
  return throw_unmapped (member, (uint32_t) uid, (uint32_t) gid, error);
}

/* xattr_wanted: whether an image may set it. Overlay's own would let an image speak to the overlay mount that shows it. */
static gboolean
xattr_wanted (const char *name)
{
  if (g_str_has_prefix (name, "user."))
    return !g_str_has_prefix (name, "user.overlay.") && !g_str_has_prefix (name, "user.fuseoverlayfs.") && !g_str_has_prefix (name, "user.containers.");
  return strcmp (name, "security.capability") == 0 || g_str_has_prefix (name, "system.posix_acl_");
}

/* set_xattrs: by descriptor. security.capability, set inside a user namespace, becomes version 3 with the namespace's root by the kernel (capabilities(7)). */
static gboolean
set_xattrs (Unpack *self, const Member *member, int fd, GError **error)
{
  const char *name;
  const void *value;
  size_t size, total = 0;
  if (archive_entry_xattr_reset (member->entry) == 0)
    return TRUE;
  while (archive_entry_xattr_next (member->entry, &name, &value, &size) == ARCHIVE_OK)
    total += size;
  if (total > XATTRS_LIMIT)
    return throw_corrupt (error, "its extended attributes are too large", member->path);
  archive_entry_xattr_reset (member->entry);
  while (archive_entry_xattr_next (member->entry, &name, &value, &size) == ARCHIVE_OK)
    {
      if (name == NULL || !xattr_wanted (name) || (self->options->single && g_str_has_prefix (name, "system.posix_acl_")))
        {
          self->stats.dropped_xattrs++;
          continue;
        }
      if (fsetxattr (fd, name, value, size, 0) == 0)
        continue;
      int errsv = errno;
      if (errsv == ENOSPC || errsv == EDQUOT || errsv == EIO)
        return throw_member (error, errsv, "setting an extended attribute of", member);
      self->stats.dropped_xattrs++;
    }
  return TRUE;
}

static void
member_times (const Member *member, struct timespec times[2])
{
  times[1] = (struct timespec){ .tv_sec = archive_entry_mtime (member->entry), .tv_nsec = archive_entry_mtime_nsec (member->entry) };
  times[0] = times[1];
  if (archive_entry_atime_is_set (member->entry))
    times[0] = (struct timespec){ .tv_sec = archive_entry_atime (member->entry), .tv_nsec = archive_entry_atime_nsec (member->entry) };
}

/* finish_by_name: owner and times of what has no descriptor: links, fifos. */
static gboolean
finish_by_name (Unpack *self, const Member *member, GError **error)
{
  if (!set_owner (self, member, -1, error))
    return FALSE;
  struct timespec times[2];
  member_times (member, times);
  (void) utimensat (member->parent_fd, member->name, times, AT_SYMLINK_NOFOLLOW);
  return TRUE;
}

/* ---- kinds of members */

static gboolean
throw_archive (Unpack *self, struct archive *archive, GError **error)
{
  if (self->stream_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->stream_error));
      return FALSE;
    }
  const char *text = archive_error_string (archive);
  return coracle_throw (error, CORACLE_ERROR_CORRUPT, "not a sound tar archive: %s", text != NULL ? text : "unreadable");
}

/* write_data: the member's data, hole by hole. */
static gboolean
write_data (Unpack *self, struct archive *archive, const Member *member, int fd, GError **error)
{
  const void *data;
  size_t size;
  la_int64_t offset;
  gint64 end = 0, wanted = archive_entry_size (member->entry);
  for (;;)
    {
      int r = archive_read_data_block (archive, &data, &size, &offset);
      if (r == ARCHIVE_EOF)
        break;
      if (r != ARCHIVE_OK)
        return throw_archive (self, archive, error);
      if (size == 0)
        continue;
      if (offset < end || offset > wanted || (gint64) size > wanted - offset)
        return throw_corrupt (error, "its data does not fit its size", member->path);
      if (offset > end && lseek (fd, offset, SEEK_SET) < 0)
        {
          int errsv = errno;
          return throw_member (error, errsv, "writing", member);
        }
      r = fd_write_all (fd, data, size);
      if (r < 0)
        return throw_member (error, -r, "writing", member);
      end = offset + (gint64) size;
      self->stats.bytes += size;
    }
  if (end < wanted && ftruncate (fd, wanted) < 0)
    {
      int errsv = errno;
      return throw_member (error, errsv, "writing", member);
    }
  return TRUE;
}

static gboolean
make_file (Unpack *self, struct archive *archive, Member *member, GError **error)
{
  int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  cleanup_fd int fd = openat (member->parent_fd, member->name, flags, 0600);
  if (fd < 0 && errno == EEXIST)
    {
      if (!clear_way (self, member, error))
        return FALSE;
      fd = openat (member->parent_fd, member->name, flags, 0600);
    }
  if (fd < 0)
    {
      int errsv = errno;
      return throw_member (error, errsv, "making", member);
    }
  if (archive_entry_size (member->entry) > 0 && !write_data (self, archive, member, fd, error))
    return FALSE;
  /* chown clears setuid and capabilities, so it comes first; times come last */
  if (!set_owner (self, member, fd, error) || !set_xattrs (self, member, fd, error))
    return FALSE;
  struct timespec times[2];
  member_times (member, times);
  if (fchmod (fd, member->mode) < 0 || futimens (fd, times) < 0)
    {
      int errsv = errno;
      return throw_member (error, errsv, "setting the mode of", member);
    }
  return TRUE;
}

static gboolean
make_folder (Unpack *self, Member *member, GError **error)
{
  gboolean root = member->path[0] == '\0', over_whiteout = FALSE;
  if (!root && mkdirat (member->parent_fd, member->name, 0700) < 0)
    {
      struct stat st;
      int errsv = errno;
      if (errsv != EEXIST || fstatat (member->parent_fd, member->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return throw_member (error, errsv, "making folder", member);
      if (!S_ISDIR (st.st_mode))
        {
          over_whiteout = self->options->layer && is_whiteout (&st);
          if (!clear_way (self, member, error))
            return FALSE;
          if (mkdirat (member->parent_fd, member->name, 0700) < 0)
            {
              errsv = errno;
              return throw_member (error, errsv, "making folder", member);
            }
        }
    }
  cleanup_fd int fd = root ? openat (self->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                           : openat (member->parent_fd, member->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    {
      int errsv = errno;
      return throw_member (error, errsv, "opening folder", member);
    }
  /* what a whiteout hid must stay hidden below the folder that takes its place */
  if (over_whiteout && !set_opaque (member->parent_fd, member->name, member->path, error))
    return FALSE;
  if (root && fsetxattr (fd, UNPACK_ROOT_XATTR, "", 0, 0) < 0 && errno != ENOTSUP)
    {
      int errsv = errno;
      return throw_member (error, errsv, "marking folder", member);
    }
  struct timespec times[2];
  member_times (member, times);
  return set_owner (self, member, fd, error) && set_xattrs (self, member, fd, error) && defer_folder (self, member->path, member->mode, times, error);
}

static gboolean
make_symlink (Unpack *self, Member *member, GError **error)
{
  const char *target = archive_entry_symlink (member->entry);
  if (target == NULL || target[0] == '\0')
    return throw_corrupt (error, "a link without a target", member->path);
  if (strlen (target) >= PATH_MAX)
    return throw_corrupt (error, "a link's target is too long", member->path);
  if (!clear_way (self, member, error))
    return FALSE;
  if (symlinkat (target, member->parent_fd, member->name) < 0)
    {
      int errsv = errno;
      return throw_member (error, errsv, "making link", member);
    }
  return finish_by_name (self, member, error);
}

static gboolean
make_hardlink (Unpack *self, Member *member, GError **error)
{
  Member target = { .entry = member->entry };
  g_autofree char *path = NULL;
  if (!member_normalise (archive_entry_hardlink (member->entry), &path, error))
    {
      g_autofree char *shown = member_shown (member->path);
      return coracle_prefix (error, "hard link %s", shown);
    }
  target.path = path;
  if (strcmp (path, member->path) == 0)
    return TRUE;
  if (!clear_way (self, member, error))
    return FALSE;
  /* looked up, not made: what is missing is an error here */
  const char *slash = strrchr (path, '/');
  g_autofree char *folder = slash == NULL ? g_strdup (".") : g_strndup (path, (gsize) (slash - path));
  cleanup_fd int folder_fd = path_open_in_root (self->root_fd, folder, O_PATH | O_DIRECTORY, 0);
  target.name = slash == NULL ? path : slash + 1;
  struct stat st;
  if (folder_fd < 0 || path[0] == '\0' || fstatat (folder_fd, target.name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR (st.st_mode) || is_whiteout (&st))
    {
      g_autofree char *shown = member_shown (path);
      g_autofree char *link = member_shown (member->path);
      return coracle_throw (error, CORACLE_ERROR_CORRUPT, "hard link %s: its target %s is not a file before it in this layer", link, shown);
    }
  if (linkat (folder_fd, target.name, member->parent_fd, member->name, 0) < 0)
    {
      int errsv = errno;
      return throw_member (error, errsv, "making hard link", member);
    }
  return TRUE;
}

static gboolean
make_fifo (Unpack *self, Member *member, GError **error)
{
  if (!clear_way (self, member, error))
    return FALSE;
  if (mknodat (member->parent_fd, member->name, S_IFIFO | 0600, 0) < 0)
    {
      int errsv = errno;
      return throw_member (error, errsv, "making fifo", member);
    }
  if (!set_owner (self, member, -1, error))
    return FALSE;
  if (fchmodat (member->parent_fd, member->name, member->mode, 0) < 0)
    {
      int errsv = errno;
      return throw_member (error, errsv, "setting the mode of", member);
    }
  return finish_by_name (self, member, error);
}

/* ---- whiteouts */

/* hide_name: NAME of ".wh.NAME". It speaks of lower layers only, so what this layer itself has there stays, a folder as opaque. */
static gboolean
hide_name (Unpack *self, Member *member, GError **error)
{
  const char *hidden = member->name + strlen (".wh.");
  if (hidden[0] == '\0' || strcmp (hidden, ".") == 0 || strcmp (hidden, "..") == 0)
    return throw_corrupt (error, "not a valid whiteout", member->path);
  struct stat st;
  if (fstatat (member->parent_fd, hidden, &st, AT_SYMLINK_NOFOLLOW) == 0)
    return S_ISDIR (st.st_mode) ? set_opaque (member->parent_fd, hidden, member->path, error) : TRUE;
  if (mknodat (member->parent_fd, hidden, S_IFCHR, makedev (0, 0)) == 0)
    return TRUE;
  int errsv = errno;
  return throw_member (error, errsv, "making whiteout", member);
}

/* take_whiteout: *@ret_taken if @member is one, or another of aufs' marks. */
static gboolean
take_whiteout (Unpack *self, Member *member, gboolean *ret_taken, GError **error)
{
  *ret_taken = self->options->layer && g_str_has_prefix (member->name, ".wh.");
  if (!*ret_taken)
    return TRUE;
  if (strcmp (member->name, ".wh..wh..opq") == 0)
    {
      cleanup_fd int fd = openat (member->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      return set_opaque (fd, ".", member->path, error);
    }
  if (g_str_has_prefix (member->name, ".wh..wh."))
    return TRUE;
  return hide_name (self, member, error);
}

/* ---- the archive */

static gboolean
make_member (Unpack *self, struct archive *archive, Member *member, GError **error)
{
  if (archive_entry_hardlink (member->entry) != NULL)
    return make_hardlink (self, member, error);
  switch (archive_entry_filetype (member->entry))
    {
    case AE_IFREG:
      return make_file (self, archive, member, error);
    case AE_IFDIR:
      return make_folder (self, member, error);
    case AE_IFLNK:
      return make_symlink (self, member, error);
    case AE_IFIFO:
      return make_fifo (self, member, error);
    case AE_IFCHR:
    case AE_IFBLK:
      self->stats.skipped_devices++;
      return TRUE;
    default:
      self->stats.skipped_others++;
      return TRUE;
    }
}

static gboolean
take_member (Unpack *self, struct archive *archive, struct archive_entry *entry, GError **error)
{
  Member member = { .entry = entry, .parent_fd = -1, .name = "" };
  g_autofree char *path = NULL;
  if (!member_normalise (archive_entry_pathname (entry), &path, error))
    return FALSE;
  member.path = path;
  member.mode = archive_entry_perm (entry) & 07777;
  if (path[0] == '\0' && (archive_entry_filetype (entry) != AE_IFDIR || archive_entry_hardlink (entry) != NULL))
    return throw_corrupt (error, "a member that replaces the root folder", "/");
  if (path[0] == '\0')
    return self->options->into || make_folder (self, &member, error);
  gboolean taken;
  if (!member_locate (self, &member, error) || !take_whiteout (self, &member, &taken, error))
    return FALSE;
  return taken || make_member (self, archive, &member, error);
}

static la_ssize_t
pull_block (struct archive *archive, void *data, const void **ret_block)
{
  Unpack *self = data;
  if (self->ended)
    return 0;
  self->block_start += self->block_size;
  gssize n = byte_stream_read_full (self->tar, self->block, BLOCK_SIZE, &self->stream_error);
  self->block_size = MAX (n, 0);
  self->ended = n < BLOCK_SIZE;
  *ret_block = self->block;
  if (n >= 0)
    return n;
  archive_set_error (archive, EIO, "%s", self->stream_error->message);
  return ARCHIVE_FATAL;
}

/* check_padding: after the end mark only zeros, and not for ever, so that the digest of the whole stream can be told. */
static gboolean
check_padding (Unpack *self, gint64 consumed, GError **error)
{
  static const char zeros[4096];
  gint64 at = CLAMP (consumed - self->block_start, 0, self->block_size), total = 0;
  for (;;)
    {
      total += self->block_size - at;
      if (total > PADDING_LIMIT)
        return coracle_throw (error, CORACLE_ERROR_CORRUPT, "not a sound tar archive: too much padding after its end");
      for (; at < self->block_size; at += MIN (4096, self->block_size - at))
        if (memcmp (self->block + at, zeros, (size_t) MIN (4096, self->block_size - at)) != 0)
          return coracle_throw (error, CORACLE_ERROR_CORRUPT, "not a sound tar archive: there is data after its end");
      if (self->ended)
        return TRUE;
      gssize n = byte_stream_read_full (self->tar, self->block, BLOCK_SIZE, error);
      if (n < 0)
        return FALSE;
      self->block_size = n;
      self->ended = n < BLOCK_SIZE;
      at = 0;
    }
}

static gboolean
take_members (Unpack *self, struct archive *archive, GError **error)
{
  for (;;)
    {
      struct archive_entry *entry;
      int r = archive_read_next_header (archive, &entry);
      if (r == ARCHIVE_EOF)
        return check_padding (self, archive_filter_bytes (archive, 0), error);
      /* a warning is about characters that the locale does not know: the name is then given as it is, and that is what is wanted */
      if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
        return throw_archive (self, archive, error);
      if (!take_member (self, archive, entry, error))
        return FALSE;
      self->stats.members++;
    }
}

static int
deferred_order (gconstpointer a, gconstpointer b)
{
  const Deferred *x = a, *y = b;
  if (x->depth != y->depth)
    return x->depth > y->depth ? -1 : 1;
  int same = strcmp (x->path, y->path);
  if (same != 0)
    return same;
  return x->order < y->order ? -1 : x->order > y->order;
}

/* finish_folders: the modes and times that waited, deepest first, the last word on each. A folder that a later member replaced is passed over. */
static gboolean
finish_folders (Unpack *self, GError **error)
{
  g_array_sort (self->deferred, deferred_order);
  for (guint i = 0; i < self->deferred->len; i++)
    {
      const Deferred *deferred = &g_array_index (self->deferred, Deferred, i);
      if (i + 1 < self->deferred->len && strcmp (deferred[1].path, deferred->path) == 0)
        continue;
      const char *path = deferred->path[0] == '\0' ? "." : deferred->path;
      cleanup_fd int fd = path_open_in_root (self->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
      if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
        continue;
      int r = fd < 0 ? fd : fchmod (fd, deferred->mode) < 0 ? -errno : 0;
      if (r == 0 && deferred->has_times && futimens (fd, deferred->times) < 0)
        r = -errno;
      if (r < 0)
        {
          g_autofree char *shown = member_shown (deferred->path);
          return coracle_throw_errno (error, -r, "setting the mode of folder %s", shown);
        }
    }
  return TRUE;
}

static void
deferred_clear (gpointer data)
{
  g_free (((Deferred *) data)->path);
}

static gboolean
unpack_run (Unpack *self, GError **error)
{
  struct archive *archive = archive_read_new ();
  archive_read_support_format_tar (archive);
  archive_read_support_format_empty (archive);
  gboolean done = archive_read_open (archive, self, NULL, pull_block, NULL) == ARCHIVE_OK ? take_members (self, archive, error) && finish_folders (self, error)
                                                                                          : throw_archive (self, archive, error);
  archive_read_free (archive);
  return done;
}

gboolean
unpack_tar (int dir_fd, ByteStream *tar, const UnpackOptions *options, UnpackStats *ret_stats, GError **error)
{
  Unpack self = { .root_fd = dir_fd, .options = options, .tar = tar, .uid = geteuid (), .gid = getegid () };
  for (int i = 0; i < PARENTS; i++)
    self.parents[i].fd = -1;
  self.block = g_malloc (BLOCK_SIZE);
  self.deferred = g_array_new (FALSE, FALSE, sizeof (Deferred));
  g_array_set_clear_func (self.deferred, deferred_clear);
  gboolean done = unpack_run (&self, error);
  parents_forget (&self);
  g_array_unref (self.deferred);
  g_free (self.block);
  g_clear_error (&self.stream_error);
  if (done)
    *ret_stats = self.stats;
  return done;
}
