#include "storage/pack.h"

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
#include "pkg/base/file_id.h"
#include "pkg/base/path.h"

#define OVERFLOW_ID 65534   /* /proc/sys/kernel/overflowuid */
#define BUFFER_SIZE ((size_t) 512 * 1024)
#define HOLES_MIN ((off_t) 1 << 20)      /* fewer bytes of holes are written as zeros, which every reader knows */
#define NAMES_MAX ((size_t) 64 << 10)

typedef struct {
  struct archive *archive;
  const PackOptions *options;
  GHashTable *links;         /* FileId → the first name, of files with several */
  GString *path;             /* of the member at work; its folder's while names are read */
  char *buffer, *zeros;
  int out_fd;                /* borrowed; -1: what is still written is thrown away */
} Pack;

/* One file, open as far as it can be. */
typedef struct {
  int dir_fd;
  const char *name;          /* "." for the folder itself */
  struct stat st;
  int fd;                    /* of files and folders; -1 otherwise */
} Item;

gboolean
pack_xattr_wanted (const char *name)
{
  static const char *const ours[] = { "user.overlay.", "user.fuseoverlayfs.", "user.containers.", "user.coracle." };
  for (size_t i = 0; i < G_N_ELEMENTS (ours); i++)
    if (g_str_has_prefix (name, ours[i]))
      return FALSE;
  return g_str_has_prefix (name, "user.") || strcmp (name, "security.capability") == 0 || g_str_has_prefix (name, "system.posix_acl_");
}

static gboolean
throw_path (Pack *self, int errsv, const char *doing, GError **error)
{
  g_autofree char *shown = member_shown (self->path->str);
  return coracle_throw_errno (error, errsv, "%s /%s", doing, shown);
}

static gboolean
throw_output (Pack *self, GError **error)
{
  int errsv = archive_errno (self->archive);
  if (errsv > 0 && errsv < 4096)
    return coracle_throw_errno (error, errsv, "writing the archive");
  const char *text = archive_error_string (self->archive);
  return coracle_throw (error, CORACLE_ERROR_SYSTEM, "writing the archive: %s", text != NULL ? text : "failed");
}

/* ---- one member */

static gboolean
write_header (Pack *self, struct archive_entry *entry, GError **error)
{
  int r = archive_write_header (self->archive, entry);
  /* a warning is about a name in an encoding that the locale does not know: it is written as it is */
  return r == ARCHIVE_OK || r == ARCHIVE_WARN || throw_output (self, error);
}

static void
add_xattrs (const Item *item, struct archive_entry *entry, char *buffer)
{
  g_autofree char *names = g_malloc (NAMES_MAX);
  ssize_t length = item->fd >= 0 ? flistxattr (item->fd, names, NAMES_MAX) : 0;
  for (const char *name = names; length > 0 && name < names + length; name += strlen (name) + 1)
    {
      ssize_t size = pack_xattr_wanted (name) ? fgetxattr (item->fd, name, buffer, BUFFER_SIZE) : -1;
      if (size >= 0)
        archive_entry_xattr_add_entry (entry, name, buffer, (size_t) size);
    }
}

/* seen: an id as the container has it, or the kernel's overflow id for what it has not. */
static uint32_t
seen (const IdRange *ranges, size_t n, uint32_t id)
{
  uint32_t inside = OVERFLOW_ID;
  (void) idmap_inside (ranges, n, id, &inside);
  return inside;
}

static struct archive_entry *
new_entry (Pack *self, const Item *item, const char *name)
{
  const PackOptions *options = self->options;
  struct archive_entry *entry = archive_entry_new2 (self->archive);
  archive_entry_copy_pathname (entry, name);
  archive_entry_set_mode (entry, item->st.st_mode);
  const IdMap *ids = options->ids;
  archive_entry_set_uid (entry, options->numeric ? options->uid : ids != NULL ? seen (ids->uids, ids->n_uids, item->st.st_uid) : item->st.st_uid);
  archive_entry_set_gid (entry, options->numeric ? options->gid : ids != NULL ? seen (ids->gids, ids->n_gids, item->st.st_gid) : item->st.st_gid);
  archive_entry_set_mtime (entry, item->st.st_mtim.tv_sec, 0);
  archive_entry_set_size (entry, 0);
  return entry;
}

/* find_data: the ranges of a file that are no holes, into @entry, if leaving the holes out is worth it. FALSE: it is not. */
static gboolean
find_data (const Item *item, struct archive_entry *entry)
{
  off_t size = item->st.st_size, data, hole = 0, holes = 0;
  if ((off_t) item->st.st_blocks * 512 > size - HOLES_MIN)
    return FALSE;
  for (off_t at = 0; at < size; at = hole)
    {
      data = lseek (item->fd, at, SEEK_DATA);
      if (data < 0 && errno != ENXIO)
        return FALSE;
      data = data < 0 || data > size ? size : data;
      hole = data < size ? lseek (item->fd, data, SEEK_HOLE) : size;
      if (hole < 0)
        return FALSE;
      hole = MIN (hole, size);
      holes += data - at;
      if (hole > data)
        archive_entry_sparse_add_entry (entry, data, hole - data);
    }
  if (holes >= HOLES_MIN && archive_entry_sparse_count (entry) == 0)
    archive_entry_sparse_add_entry (entry, size, 0);   /* nothing but a hole */
  if (holes < HOLES_MIN)
    archive_entry_sparse_clear (entry);
  return holes >= HOLES_MIN;
}

/* put: data of the member, of whatever length libarchive takes at once. */
static gboolean
put (Pack *self, const char *data, size_t size, GError **error)
{
  while (size > 0)
    {
      la_ssize_t n = archive_write_data (self->archive, data, size);
      if (n <= 0)
        return throw_output (self, error);
      data += n;
      size -= (size_t) n;
    }
  return TRUE;
}

static gboolean
put_zeros (Pack *self, off_t size, GError **error)
{
  for (; size > 0; size -= MIN (size, (off_t) BUFFER_SIZE))
    if (!put (self, self->zeros, (size_t) MIN (size, (off_t) BUFFER_SIZE), error))
      return FALSE;
  return TRUE;
}

/* put_data: from @at to @end; what is missing by now is zeros. */
static gboolean
put_data (Pack *self, const Item *item, off_t at, off_t end, GError **error)
{
  while (at < end)
    {
      ssize_t n = pread (item->fd, self->buffer, (size_t) MIN (end - at, (off_t) BUFFER_SIZE), at);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return throw_path (self, errno, "reading", error);
      if (n == 0)
        return put_zeros (self, end - at, error);
      if (!put (self, self->buffer, (size_t) n, error))
        return FALSE;
      at += n;
    }
  return TRUE;
}

static gboolean
put_sparse (Pack *self, const Item *item, struct archive_entry *entry, GError **error)
{
  la_int64_t offset, length;
  off_t at = 0;
  archive_entry_sparse_reset (entry);
  while (archive_entry_sparse_next (entry, &offset, &length) == ARCHIVE_OK)
    {
      if (!put_zeros (self, offset - at, error) || !put_data (self, item, offset, offset + length, error))
        return FALSE;
      at = offset + length;
    }
  return put_zeros (self, item->st.st_size - at, error);
}

/* linked_to: the name by which this file is in the archive already; else it is remembered. */
static const char *
linked_to (Pack *self, const Item *item)
{
  if (item->st.st_nlink < 2 || S_ISDIR (item->st.st_mode))
    return NULL;
  FileId id = { item->st.st_dev, item->st.st_ino };
  const char *first = g_hash_table_lookup (self->links, &id);
  if (first == NULL)
    g_hash_table_insert (self->links, g_memdup2 (&id, sizeof id), g_strdup (self->path->str));
  return first;
}

static gboolean
write_member (Pack *self, const Item *item, GError **error)
{
  g_autofree char *folder = S_ISDIR (item->st.st_mode) ? g_strconcat (self->path->len > 0 ? self->path->str : ".", "/", NULL) : NULL;
  struct archive_entry *entry = new_entry (self, item, folder != NULL ? folder : self->path->str);
  const char *first = linked_to (self, item);
  gboolean sparse = FALSE, data = first == NULL && S_ISREG (item->st.st_mode);
  if (first != NULL)
    archive_entry_copy_hardlink (entry, first);
  else if (S_ISLNK (item->st.st_mode))
    {
      ssize_t n = readlinkat (item->dir_fd, item->name, self->buffer, PATH_MAX);
      self->buffer[MAX (n, 0)] = '\0';
      archive_entry_copy_symlink (entry, self->buffer);
    }
  else if (S_ISCHR (item->st.st_mode) || S_ISBLK (item->st.st_mode))
    archive_entry_set_rdev (entry, item->st.st_rdev);
  if (data)
    {
      archive_entry_set_size (entry, item->st.st_size);
      sparse = find_data (item, entry);
    }
  if (first == NULL)
    add_xattrs (item, entry, self->buffer);
  gboolean ok = write_header (self, entry, error);
  if (ok && data)
    ok = sparse ? put_sparse (self, item, entry, error) : put_data (self, item, 0, item->st.st_size, error);
  archive_entry_free (entry);
  return ok;
}

/* write_mark: an empty file in place of what cannot be in a tar: a whiteout. @like: whose time it gets. */
static gboolean
write_mark (Pack *self, const Item *like, const char *name, GError **error)
{
  Item mark = { .st = { .st_mode = S_IFREG, .st_mtim = like->st.st_mtim } };
  struct archive_entry *entry = new_entry (self, &mark, name);
  gboolean ok = write_header (self, entry, error);
  archive_entry_free (entry);
  return ok;
}

static gboolean
write_whiteout (Pack *self, const Item *item, GError **error)
{
  const char *slash = strrchr (self->path->str, '/');
  int folder = slash == NULL ? 0 : (int) (slash - self->path->str) + 1;
  g_autofree char *name = g_strdup_printf ("%.*s.wh.%s", folder, self->path->str, self->path->str + folder);
  return write_mark (self, item, name, error);
}

/* write_opaque: the mark of a folder that hides all of the lower layers'. */
static gboolean
write_opaque (Pack *self, const Item *item, GError **error)
{
  static const char *const names[] = { "user.overlay.opaque", "user.fuseoverlayfs.opaque" };
  char value[2];
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (fgetxattr (item->fd, names[i], value, sizeof value) == 1 && value[0] == 'y')
      {
        g_autofree char *name = g_strconcat (self->path->str, self->path->len > 0 ? "/" : "", ".wh..wh..opq", NULL);
        return write_mark (self, item, name, error);
      }
  return TRUE;
}

/* ---- the tree */

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static GPtrArray *
sorted_names (Pack *self, int fd, GError **error)
{
  int errsv;
  GPtrArray *names = path_list (fd, &errsv);
  if (names == NULL)
    throw_path (self, errsv, "reading folder", error);
  else
    g_ptr_array_sort (names, compare_names);
  return names;
}

/* item_open: *@ret_gone: it is not there any more. What is opened is what was looked at, or looked at again: a name may lead elsewhere now. */
static gboolean
item_open (Pack *self, Item *item, gboolean *ret_gone, GError **error)
{
  *ret_gone = FALSE;
  int r = fstatat (item->dir_fd, item->name, &item->st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
  if (r == 0 && (S_ISREG (item->st.st_mode) || S_ISDIR (item->st.st_mode)))
    {
      item->fd = openat (item->dir_fd, item->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (S_ISDIR (item->st.st_mode) ? O_DIRECTORY : 0));
      struct stat now;
      r = item->fd < 0 || fstat (item->fd, &now) < 0 ? -errno : 0;
      /* changed its kind in between: the next look would be at something else again */
      if (r == 0 && (now.st_mode & S_IFMT) != (item->st.st_mode & S_IFMT))
        r = -ENOENT;
      if (r == 0)
        item->st = now;
    }
  *ret_gone = r == -ENOENT || r == -ELOOP || r == -ENOTDIR;
  return r == 0 || *ret_gone || throw_path (self, -r, "opening", error);
}

static gboolean pack_below (Pack *self, int fd, GError **error);

static gboolean
pack_item (Pack *self, Item *item, GError **error)
{
  mode_t kind = item->st.st_mode & S_IFMT;
  if (kind == S_IFSOCK)
    return TRUE;
  if (self->options->layer && kind == S_IFCHR && item->st.st_rdev == makedev (0, 0))
    return write_whiteout (self, item, error);
  if (!write_member (self, item, error))
    return FALSE;
  return kind != S_IFDIR || ((!self->options->layer || write_opaque (self, item, error)) && pack_below (self, item->fd, error));
}

static gboolean
pack_name (Pack *self, int dir_fd, const char *name, GError **error)
{
  gsize length = self->path->len;
  if (length > 0)
    g_string_append_c (self->path, '/');
  g_string_append (self->path, name);
  if (self->path->len >= PATH_MAX)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "/%.60s…: the path is too long for an archive", self->path->str);
  cleanup_fd int fd = -1;
  Item item = { .dir_fd = dir_fd, .name = name, .fd = -1 };
  gboolean gone, ok = item_open (self, &item, &gone, error);
  fd = item.fd;
  ok = ok && (gone || pack_item (self, &item, error));
  g_string_truncate (self->path, length);
  return ok;
}

static gboolean
pack_below (Pack *self, int fd, GError **error)
{
  g_autoptr (GPtrArray) names = sorted_names (self, fd, error);
  if (names == NULL)
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    if (!pack_name (self, fd, names->pdata[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
pack_root (Pack *self, int dir_fd, GError **error)
{
  Item item = { .dir_fd = dir_fd, .name = ".", .fd = dir_fd };
  if (fstat (dir_fd, &item.st) < 0)
    {
      int errsv = errno;
      return throw_path (self, errsv, "looking at", error);
    }
  return (!self->options->root || write_member (self, &item, error)) && (!self->options->layer || write_opaque (self, &item, error)) && pack_below (self, dir_fd, error);
}

/* ---- the archive */

static la_ssize_t
write_out (struct archive *archive, void *data, const void *buffer, size_t size)
{
  const Pack *self = data;
  if (self->out_fd < 0)
    return (la_ssize_t) size;
  ssize_t n;
  do
    n = write (self->out_fd, buffer, size);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    archive_set_error (archive, errno, "Write error");
  return n;
}

static gboolean
pack_begin (Pack *self, const PackOptions *options, int out_fd, GError **error)
{
  *self = (Pack){ .archive = archive_write_new (), .options = options, .path = g_string_new (options->prefix), .buffer = g_malloc (BUFFER_SIZE), .zeros = g_malloc0 (BUFFER_SIZE) };
  self->links = g_hash_table_new_full (file_id_hash, file_id_equal, g_free, g_free);
  struct archive *archive = self->archive;
  archive_write_set_format_pax_restricted (archive);
  archive_write_set_format_option (archive, "pax", "xattrheader", "SCHILY");
  archive_write_set_bytes_per_block (archive, (int) BUFFER_SIZE);
  archive_write_set_bytes_in_last_block (archive, 1);
  self->out_fd = out_fd;
  return archive_write_open (archive, self, NULL, write_out, NULL) == ARCHIVE_OK || throw_output (self, error);
}

static gboolean
pack_end (Pack *self, gboolean ok, GError **error)
{
  if (ok)
    ok = archive_write_close (self->archive) == ARCHIVE_OK || throw_output (self, error);
  else
    {
      /* closed, for archive_write_free of one that has failed keeps its buffers; and without the end of archive that closing writes: what is there must not look whole */
      self->out_fd = -1;
      (void) archive_write_close (self->archive);
    }
  archive_write_free (self->archive);
  g_hash_table_unref (self->links);
  g_string_free (self->path, TRUE);
  g_free (self->buffer);
  g_free (self->zeros);
  return ok;
}

gboolean
pack_tree (int dir_fd, const PackOptions *options, int out_fd, GError **error)
{
  Pack self;
  gboolean ok = pack_begin (&self, options, out_fd, error) && pack_root (&self, dir_fd, error);
  return pack_end (&self, ok, error);
}

gboolean
pack_one (int dir_fd, const char *name, const PackOptions *options, int out_fd, GError **error)
{
  Pack self;
  cleanup_fd int fd = -1;
  Item item = { .dir_fd = dir_fd, .name = name, .fd = -1 };
  gboolean gone = FALSE, ok = pack_begin (&self, options, out_fd, error) && item_open (&self, &item, &gone, error);
  fd = item.fd;
  if (ok && gone)
    ok = throw_path (&self, ENOENT, "opening", error);
  ok = ok && pack_item (&self, &item, error);
  return pack_end (&self, ok, error);
}
