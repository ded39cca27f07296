#include "storage/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/archive/member.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/file_id.h"
#include "pkg/base/path.h"
#include "storage/copy_data.h"

#define NAMES_SIZE ((size_t) 64 << 10)
#define SMALL_SIZE 16384   /* the attributes of a larger file take a block of their own on most filesystems: below this, copying is as good */
#define DIGEST_LENGTH 32
#define OVERFLOW_ID 65534   /* /proc/sys/kernel/overflowuid */
enum { DEPTH_MAX = 4000 };

typedef struct {
  const IdMap *ids;
  gboolean whole;
  GHashTable *links;    /* FileId → path below the copy */
  GString *path;        /* of the entry at work, below the layer */
  int to_root;
  guint depth;
  char *names, *value;
  gint64 begun;
  MappedNotice notice;  /* NULL: told already */
  void *data;
} Mapping;

void
mapped_layers_clear (MappedLayers *mapped)
{
  g_clear_pointer (&mapped->folders, g_ptr_array_unref);
  g_clear_pointer (&mapped->data, g_ptr_array_unref);
}

static gboolean
throw_path (Mapping *self, int errsv, const char *doing, GError **error)
{
  g_autofree char *shown = member_shown (self->path->str);
  return coracle_throw_errno (error, errsv, "%s %s", doing, shown);
}

static void
tell (Mapping *self)
{
  if (self->notice == NULL || g_get_monotonic_time () - self->begun < G_USEC_PER_SEC)
    return;
  self->notice ("making a copy of the image's layers with the owners that this user namespace has: once for an image and a mapping", self->data);
  self->notice = NULL;
}

/* ---- metadata */

/* outside_of: where the container's @inside is; what it has not is nobody's there: an id of ours that it does not see. */
static uint32_t
outside_of (const IdRange *ranges, size_t n, uint32_t inside)
{
  const uint32_t nobody[] = { inside, OVERFLOW_ID, 0 };
  uint32_t outside;
  if (idmap_outside (ranges, n, inside, &outside))
    return outside;
  for (size_t i = 0; i < G_N_ELEMENTS (nobody); i++)
    if (!idmap_inside (ranges, n, nobody[i], NULL))
      return nobody[i];
  return OVERFLOW_ID;
}

static uid_t
uid_of (const Mapping *self, uid_t inside)
{
  return outside_of (self->ids->uids, self->ids->n_uids, inside);
}

static gid_t
gid_of (const Mapping *self, gid_t inside)
{
  return outside_of (self->ids->gids, self->ids->n_gids, inside);
}

/* map_acl: the ids within an access control list. Source: linux/posix_acl_xattr.h: a version, then entries of tag, permissions and id, little-endian. */
static void
map_acl (const Mapping *self, guint8 *value, gsize size)
{
  enum { HEAD = 4, ENTRY = 8, ACL_USER = 2, ACL_GROUP = 8 };
  for (gsize at = HEAD; at + ENTRY <= size; at += ENTRY)
    {
      guint16 tag;
      guint32 id;
      memcpy (&tag, value + at, sizeof tag);
      memcpy (&id, value + at + 4, sizeof id);
      tag = GUINT16_FROM_LE (tag);
      if (tag != ACL_USER && tag != ACL_GROUP)
        continue;
      id = GUINT32_TO_LE (tag == ACL_USER ? uid_of (self, GUINT32_FROM_LE (id)) : gid_of (self, GUINT32_FROM_LE (id)));
      memcpy (value + at + 4, &id, sizeof id);
    }
}

/* copy_xattrs: all of them, overlay's own marks too: the copy is a layer. */
static gboolean
copy_xattrs (Mapping *self, int from, int to, GError **error)
{
  ssize_t length = flistxattr (from, self->names, NAMES_SIZE);
  for (const char *name = self->names; length > 0 && name < self->names + length; name += strlen (name) + 1)
    {
      /* labels of a security module are the host's to give */
      gboolean wanted = !g_str_has_prefix (name, "security.") || strcmp (name, "security.capability") == 0;
      ssize_t size = wanted ? fgetxattr (from, name, self->value, NAMES_SIZE) : -1;
      if (size >= 0 && g_str_has_prefix (name, "system.posix_acl_"))
        map_acl (self, (guint8 *) self->value, (gsize) size);
      if (size >= 0 && fsetxattr (to, name, self->value, (size_t) size, 0) < 0)
        return throw_path (self, errno, "setting an attribute of", error);
    }
  return TRUE;
}

static gboolean
finish (Mapping *self, int from, int to, const struct stat *st, GError **error)
{
  struct timespec times[2] = { st->st_mtim, st->st_mtim };
  /* chown clears setuid and capabilities, so it comes first; times come last */
  if (fchown (to, uid_of (self, st->st_uid), gid_of (self, st->st_gid)) < 0)
    return throw_path (self, errno, "setting the owner of", error);
  if (!copy_xattrs (self, from, to, error))
    return FALSE;
  return (fchmod (to, st->st_mode & 07777) == 0 && futimens (to, times) == 0) || throw_path (self, errno, "setting the mode of", error);
}

/* ---- kinds */

/* refer: an empty file of that size, whose data is the layer's. */
static int
refer (Mapping *self, int to, off_t size)
{
  g_autofree char *redirect = g_strconcat ("/", self->path->str, NULL);
  if (ftruncate (to, size) < 0 || fsetxattr (to, "user.overlay.metacopy", "", 0, 0) < 0 || fsetxattr (to, "user.overlay.redirect", redirect, strlen (redirect), 0) < 0)
    return -errno;
  return 0;
}

static gboolean
map_file (Mapping *self, int from_dir, int to_dir, const char *name, const struct stat *st, GError **error)
{
  FileId id = { st->st_dev, st->st_ino };
  const char *first = st->st_nlink > 1 ? g_hash_table_lookup (self->links, &id) : NULL;
  if (first != NULL)
    return linkat (self->to_root, first, to_dir, name, 0) == 0 || throw_path (self, errno, "linking", error);
  cleanup_fd int from = openat (from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  cleanup_fd int to = from < 0 ? -1 : openat (to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (to < 0)
    return throw_path (self, errno, "copying", error);
  if (st->st_nlink > 1)
    {
      FileId *key = g_new (FileId, 1);
      *key = id;
      g_hash_table_insert (self->links, key, g_strdup (self->path->str));
    }
  int r = self->whole || st->st_size <= SMALL_SIZE || st->st_nlink > 1 ? copy_data (from, to, st->st_size) : refer (self, to, st->st_size);
  return r < 0 ? throw_path (self, -r, "copying", error) : finish (self, from, to, st, error);
}

static gboolean
map_other (Mapping *self, int from_dir, int to_dir, const char *name, const struct stat *st, GError **error)
{
  struct timespec times[2] = { st->st_mtim, st->st_mtim };
  char target[PATH_MAX];
  if (S_ISLNK (st->st_mode))
    {
      ssize_t n = readlinkat (from_dir, name, target, sizeof target - 1);
      if (n < 0)
        return throw_path (self, errno, "reading link", error);
      target[n] = '\0';
      if (symlinkat (target, to_dir, name) < 0)
        return throw_path (self, errno, "making link", error);
    }
  else if (mknodat (to_dir, name, st->st_mode, st->st_rdev) < 0)   /* whiteouts, fifos, sockets; with real root devices */
    return throw_path (self, errno, "making", error);
  if (fchownat (to_dir, name, uid_of (self, st->st_uid), gid_of (self, st->st_gid), AT_SYMLINK_NOFOLLOW) < 0)
    return throw_path (self, errno, "setting the owner of", error);
  if (!S_ISLNK (st->st_mode))
    (void) fchmodat (to_dir, name, st->st_mode & 07777, 0);
  (void) utimensat (to_dir, name, times, AT_SYMLINK_NOFOLLOW);
  return TRUE;
}

static gboolean map_below (Mapping *self, int from, int to, GError **error);

static gboolean
map_folder (Mapping *self, int from_dir, int to_dir, const char *name, const struct stat *st, GError **error)
{
  cleanup_fd int from = openat (from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (from < 0 || mkdirat (to_dir, name, 0700) < 0)
    return throw_path (self, errno, "making folder", error);
  cleanup_fd int to = openat (to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (to < 0)
    return throw_path (self, errno, "opening folder", error);
  return map_below (self, from, to, error) && finish (self, from, to, st, error);
}

static gboolean
map_name (Mapping *self, int from, int to, const char *name, GError **error)
{
  struct stat st;
  tell (self);
  if (fstatat (from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return throw_path (self, errno, "looking at", error);
  switch (st.st_mode & S_IFMT)
    {
    case S_IFREG: return map_file (self, from, to, name, &st, error);
    case S_IFDIR: return map_folder (self, from, to, name, &st, error);
    default: return map_other (self, from, to, name, &st, error);
    }
}

static gboolean
map_below (Mapping *self, int from, int to, GError **error)
{
  int errsv;
  g_autoptr (GPtrArray) names = path_list (from, &errsv);
  if (names == NULL)
    return throw_path (self, errsv, "reading folder", error);
  if (self->depth >= DEPTH_MAX)
    return throw_path (self, ENAMETOOLONG, "too many folders within each other:", error);
  gsize length = self->path->len;
  gboolean ok = TRUE;
  self->depth++;
  for (guint i = 0; ok && i < names->len; i++)
    {
      if (length > 0)
        g_string_append_c (self->path, '/');
      g_string_append (self->path, names->pdata[i]);
      ok = map_name (self, from, to, names->pdata[i], error);
      g_string_truncate (self->path, length);
    }
  self->depth--;
  return ok;
}

/* ---- one folder */

static gboolean
map_folder_top (Mapping *self, const char *source, int work_fd, GError **error)
{
  struct stat st;
  cleanup_fd int from = open (source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (from < 0 || fstat (from, &st) < 0 || mkdirat (work_fd, "layer", 0700) < 0)
    return throw_path (self, errno, "opening the layer", error);
  cleanup_fd int to = openat (work_fd, "layer", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (to < 0)
    return throw_path (self, errno, "opening the copy", error);
  self->to_root = to;
  self->links = g_hash_table_new_full (file_id_hash, file_id_equal, g_free, g_free);
  gboolean ok = map_below (self, from, to, error) && finish (self, from, to, &st, error);
  g_hash_table_unref (self->links);
  return ok;
}

/* place: synced, so that what is there is whole after a loss of power. Somebody else's that came first is as good. */
static gboolean
place (Storage *storage, const StorageWork *work, const char *name, GError **error)
{
  g_autofree char *to = g_build_filename ("mapped", name, NULL);
  (void) mkdirat (storage->root_fd, "mapped", 0700);
  if (syncfs (work->fd) == 0 && (renameat (work->fd, "layer", storage->root_fd, to) == 0 || errno == EEXIST || errno == ENOTEMPTY))
    return TRUE;
  int errsv = errno;
  return coracle_throw_errno (error, errsv, "putting %s in place", to);
}

/* map_together: what the layers show together. */
static gboolean
map_together (Mapping *self, Storage *storage, const char *const *layers, const StorageWork *work, GError **error)
{
  g_autofree char *target = g_build_filename (storage->paths->root, "tmp", work->name, "together", NULL);
  if (mkdirat (work->fd, "together", 0700) < 0)
    return throw_path (self, errno, "making a folder", error);
  if (!overlay_mount (layers, NULL, NULL, target, OVERLAY_NATIVE, NULL, error))
    return FALSE;
  gboolean ok = map_folder_top (self, target, work->fd, error);
  (void) umount2 (target, MNT_DETACH);
  return ok;
}

/* make: ROOT/mapped/@name of @layers: of the first alone with all data, else of all together. */
static gboolean
make (Mapping *self, Storage *storage, const char *const *layers, const char *name, GError **error)
{
  StorageWork work = STORAGE_WORK_INIT;
  if (!storage_work_begin (storage, &work, error))
    return FALSE;
  gboolean ok = (self->whole ? map_folder_top (self, layers[0], work.fd, error) : map_together (self, storage, layers, &work, error)) && place (storage, &work, name, error);
  storage_work_end (storage, &work);
  return ok || coracle_prefix (error, "the image's files in this user namespace");
}

/* has_data_layers: does the kernel take data-only layers here? Tried with two empty folders. */
static gboolean
has_data_layers (Storage *storage)
{
  const char *wanted = g_getenv ("CORACLE_MAPPED");   /* for tests: "copy" as an older kernel would */
  StorageWork work = STORAGE_WORK_INIT;
  if (g_strcmp0 (wanted, "copy") == 0 || !storage_work_begin (storage, &work, NULL))
    return FALSE;
  g_autofree char *folder = g_build_filename (storage->paths->root, "tmp", work.name, NULL), *lower = g_build_filename (folder, "lower", NULL), *data = g_build_filename (folder, "data", NULL);
  g_autofree char *target = g_build_filename (folder, "target", NULL);
  gboolean has = mkdir (lower, 0700) == 0 && mkdir (data, 0700) == 0 && mkdir (target, 0700) == 0
                 && overlay_mount_data ((const char *const[]){ lower, NULL }, (const char *const[]){ data, NULL }, NULL, NULL, target, NULL);
  if (has)
    (void) umount2 (target, MNT_DETACH);
  storage_work_end (storage, &work);
  return has;
}

/* ---- all layers */

/* digest_of: of the table, and of @layers if they are not NULL. */
static char *
digest_of (const IdMap *ids, const char *const *layers)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (size_t i = 0; i < ids->n_uids; i++)
    g_string_append_printf (text, "%u:%u:%u\n", ids->uids[i].inside, ids->uids[i].outside, ids->uids[i].count);
  g_string_append_c (text, '\n');
  for (size_t i = 0; i < ids->n_gids; i++)
    g_string_append_printf (text, "%u:%u:%u\n", ids->gids[i].inside, ids->gids[i].outside, ids->gids[i].count);
  for (; layers != NULL && *layers != NULL; layers++)
    {
      g_autofree char *hex = g_path_get_basename (*layers);
      g_string_append_printf (text, "%s\n", hex);
    }
  char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text->str, (gssize) text->len);
  digest[DIGEST_LENGTH] = '\0';
  return digest;
}

/* find: the name that the copy of @layers[0], or of all, has; *@ret_there: it is there. */
static char *
find (Storage *storage, const IdMap *ids, const char *const *layers, gboolean whole, gboolean *ret_there)
{
  g_autofree char *digest = digest_of (ids, whole ? NULL : layers), *hex = g_path_get_basename (layers[0]);
  char *name = g_strdup_printf ("%s-%s.%c", hex, digest, whole ? 'c' : 'm');
  g_autofree char *path = g_build_filename (storage->paths->root, "mapped", name, NULL);
  *ret_there = access (path, F_OK) == 0;
  return name;
}

static void
add (Storage *storage, GPtrArray *folders, const char *name)
{
  g_ptr_array_add (folders, g_build_filename (storage->paths->root, "mapped", name, NULL));
}

/* together: all as one layer, if that can be. *@ret_done: it could. */
static gboolean
together (Mapping *self, Storage *storage, const char *const *layers, MappedLayers *mapped, gboolean *ret_done, GError **error)
{
  gboolean there;
  g_autofree char *name = find (storage, self->ids, layers, FALSE, &there);
  *ret_done = there || has_data_layers (storage);
  if (!*ret_done || (!there && !make (self, storage, layers, name, error)))
    return !*ret_done;
  add (storage, mapped->folders, name);
  mapped->data = g_ptr_array_new_with_free_func (g_free);
  for (; *layers != NULL; layers++)
    g_ptr_array_add (mapped->data, g_strdup (*layers));
  g_ptr_array_add (mapped->data, NULL);
  return TRUE;
}

gboolean
mapped_layers (Storage *storage, const char *const *layers, const IdMap *ids, gboolean whole, MappedNotice notice, void *data, MappedLayers *ret_mapped, GError **error)
{
  g_autofree char *names = g_malloc (NAMES_SIZE), *value = g_malloc (NAMES_SIZE);
  g_autoptr (GString) path = g_string_new (NULL);
  g_auto (MappedLayers) mapped = { .folders = g_ptr_array_new_with_free_func (g_free) };
  Mapping self = { .ids = ids, .path = path, .names = names, .value = value, .begun = g_get_monotonic_time (), .notice = notice, .data = data };
  gboolean done = FALSE;
  if (!whole && !together (&self, storage, layers, &mapped, &done, error))
    return FALSE;
  self.whole = TRUE;
  for (; !done && *layers != NULL; layers++)
    {
      gboolean there;
      g_autofree char *name = find (storage, ids, layers, TRUE, &there);
      if (!there && !make (&self, storage, layers, name, error))
        return FALSE;
      add (storage, mapped.folders, name);
    }
  g_ptr_array_add (mapped.folders, NULL);
  *ret_mapped = mapped;
  mapped = (MappedLayers){ 0 };
  return TRUE;
}

static gboolean
mount_mapped (const MappedLayers *mapped, const char *upper, const char *work, const char *target, OverlayKind kind, const char *program, GError **error)
{
  const char *const *folders = (const char *const *) mapped->folders->pdata;
  if (mapped->data != NULL)
    return overlay_mount_data (folders, (const char *const *) mapped->data->pdata, upper, work, target, error);
  return kind == OVERLAY_FUSE ? overlay_mount_fuse (folders, upper, work, target, program, NULL, error) : overlay_mount (folders, upper, work, target, kind, NULL, error);
}

static gboolean
mount_plain (const char *const *layers, const char *upper, const char *work, const char *target, OverlayKind kind, const char *program, GError **error)
{
  g_auto (MappedLayers) mapped = { .folders = g_ptr_array_new_with_free_func (g_free) };
  if (upper != NULL && work == NULL)
    g_ptr_array_add (mapped.folders, g_strdup (upper));
  for (; *layers != NULL; layers++)
    g_ptr_array_add (mapped.folders, g_strdup (*layers));
  g_ptr_array_add (mapped.folders, NULL);
  return mount_mapped (&mapped, work != NULL ? upper : NULL, work, target, kind, program, error);
}

gboolean
mapped_overlay (Storage *storage, const char *const *layers, const IdMap *ids, const char *upper, const char *work, const char *target, OverlayKind kind, const char *program,
                MappedNotice notice, void *data, GError **error)
{
  /* there is one id only: whatever it is called, all files have it */
  if (ids->mode == IDMAP_SINGLE)
    return mount_plain (layers, upper, work, target, kind, program, error);
  /* twice as many layers must fit */
  gboolean whole = kind == OVERLAY_FUSE || g_strv_length ((char **) layers) > OVERLAY_LAYERS_MAX / 2 - 1;
  for (;; whole = TRUE)
    {
      g_auto (MappedLayers) mapped = { 0 };
      g_autoptr (GError) problem = NULL;
      if (!mapped_layers (storage, layers, ids, whole, notice, data, &mapped, error))
        return FALSE;
      /* a read-only look at a container: its upper is the first layer */
      if (upper != NULL && work == NULL)
        g_ptr_array_insert (mapped.folders, 0, g_strdup (upper));
      if (mount_mapped (&mapped, work != NULL ? upper : NULL, work, target, kind, program, &problem))
        return TRUE;
      /* a kernel that has forgotten data-only layers (an older one was booted) */
      if (whole || mapped.data == NULL)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
    }
}

gboolean
mapped_is_known (const char *name, GHashTable *layers)
{
  g_autofree char *hex = g_strndup (name, strcspn (name, "-"));
  return g_hash_table_contains (layers, hex);
}
