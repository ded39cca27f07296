#include "storage/layer_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/image/digest.h"
#include "storage/content.h"
#include "storage/layer.h"

#define PIECE ((size_t) 1 << 18)
#define ATTRIBUTES_MAX 65536 /* the kernel's: of a list, and of a value */

/* One comparison. Of both sides the first is the store's, the second as it should be. */
typedef struct {
  GString *path;
  char *pieces[2], *problem; /* PIECE bytes each; NULL: nothing found yet */
} Compare;

static void compare_folders (Compare *self, int is, int should);

static void
tell (Compare *self, const char *text)
{
  if (self->problem == NULL)
    self->problem = g_strdup_printf ("/%s %s", self->path->str, text);
}

static void
tell_errno (Compare *self, int errsv)
{
  g_autofree char *text = g_strdup_printf ("cannot be read: %s", g_strerror (errsv));
  tell (self, text);
}

/* ---- one file */

/* attributes_of: the' names, sorted; what the filesystem has none of is empty. */
static char **
attributes_of (int fd)
{
  g_autofree char *list = g_malloc (ATTRIBUTES_MAX);
  ssize_t n = flistxattr (fd, list, ATTRIBUTES_MAX);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  for (ssize_t at = 0; at < n; at += (ssize_t) strlen (list + at) + 1)
    /* the machine's own labels are no part of a layer */
    if (strcmp (list + at, "security.selinux") != 0)
      g_strv_builder_add (names, list + at);
  return g_strv_builder_end (names);
}

static gboolean
same_value (int is, int should, const char *name)
{
  g_autofree char *a = g_malloc (ATTRIBUTES_MAX), *b = g_malloc (ATTRIBUTES_MAX);
  ssize_t n = fgetxattr (is, name, a, ATTRIBUTES_MAX), m = fgetxattr (should, name, b, ATTRIBUTES_MAX);
  return n >= 0 && n == m && memcmp (a, b, (size_t) n) == 0;
}

static void
compare_attributes (Compare *self, int is, int should)
{
  g_auto (GStrv) have = attributes_of (is), want = attributes_of (should);
  gboolean same = g_strv_length (have) == g_strv_length (want);
  for (char **name = want; same && *name != NULL; name++)
    same = g_strv_contains ((const char *const *) have, *name) && same_value (is, should, *name);
  if (!same)
    tell (self, "has other extended attributes");
}

static void
compare_content (Compare *self, int is, int should)
{
  for (;;)
    {
      ssize_t n = fd_read_all (is, self->pieces[0], PIECE), m = fd_read_all (should, self->pieces[1], PIECE);
      if (n < 0 || m < 0)
        return tell_errno (self, (int) -MIN (n, m));
      if (n != m || memcmp (self->pieces[0], self->pieces[1], (size_t) n) != 0)
        return tell (self, "has another content");
      if (n == 0)
        return;
    }
}

static void
compare_links (Compare *self, int is, int should, const char *name)
{
  ssize_t n = readlinkat (is, name, self->pieces[0], PIECE), m = readlinkat (should, name, self->pieces[1], PIECE);
  if (n < 0 || n != m || memcmp (self->pieces[0], self->pieces[1], (size_t) n) != 0)
    tell (self, "leads elsewhere");
}

static void
compare_opened (Compare *self, int is_dir, int should_dir, const char *name, gboolean folder)
{
  int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (folder ? O_DIRECTORY : 0);
  cleanup_fd int is = openat (is_dir, name, flags);
  int errsv = errno;
  cleanup_fd int should = openat (should_dir, name, flags);
  if (is < 0 || should < 0)
    return tell_errno (self, is < 0 ? errsv : errno);
  compare_attributes (self, is, should);
  if (folder)
    compare_folders (self, is, should);
  else
    compare_content (self, is, should);
}

/* same_file: what stat tells. The time of a whiteout is that of the unpacking, and that of a folder too where the layer does not name it. */
static gboolean
same_file (const struct stat *a, const struct stat *b)
{
  gboolean timed = S_ISREG (a->st_mode) || S_ISLNK (a->st_mode);
  return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid && a->st_rdev == b->st_rdev
         && (!timed || (a->st_nlink == b->st_nlink && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec));
}

static void
compare_name (Compare *self, int is, int should, const char *name)
{
  struct stat a, b;
  gsize length = self->path->len;
  g_string_append_printf (self->path, "%s%s", length > 0 ? "/" : "", name);
  if (fstatat (should, name, &b, AT_SYMLINK_NOFOLLOW) < 0)
    tell (self, "does not belong there");
  else if (fstatat (is, name, &a, AT_SYMLINK_NOFOLLOW) < 0)
    tell (self, "is missing");
  else if ((a.st_mode & S_IFMT) != (b.st_mode & S_IFMT))
    tell (self, "is another kind of file");
  else if (!same_file (&a, &b))
    tell (self, a.st_size != b.st_size && S_ISREG (a.st_mode) ? "has another size" : "has another mode, owner or time");
  else if (S_ISLNK (a.st_mode))
    compare_links (self, is, should, name);
  else if (S_ISREG (a.st_mode) || S_ISDIR (a.st_mode))
    compare_opened (self, is, should, name, S_ISDIR (a.st_mode));
  g_string_truncate (self->path, length);
}

/* ---- folders */

static gboolean
add_names (int fd, GHashTable *names)
{
  int copy = openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy >= 0 ? fdopendir (copy) : NULL;
  if (dir == NULL)
    {
      fd_close (copy);
      return FALSE;
    }
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      g_hash_table_add (names, g_strdup (entry->d_name));
  (void) closedir (dir);
  return TRUE;
}

static void
compare_folders (Compare *self, int is, int should)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (!add_names (is, names) || !add_names (should, names))
    return tell_errno (self, errno);
  GHashTableIter at;
  gpointer name;
  g_hash_table_iter_init (&at, names);
  while (self->problem == NULL && g_hash_table_iter_next (&at, &name, NULL))
    compare_name (self, is, should, name);
}

/* ---- a layer */

static char *
compare_layer (Storage *storage, const StorageWork *work, const char *diff_id, const char *folder, GError **error)
{
  g_autofree char *path = g_strconcat ("layers/", image_digest_hex (diff_id), NULL);
  cleanup_fd int is = openat (storage->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int errsv = errno;
  cleanup_fd int should = openat (work->fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat a, b;
  if (is < 0 || should < 0 || fstat (is, &a) < 0 || fstat (should, &b) < 0)
    return coracle_throw_errno (error, is < 0 ? errsv : errno, "opening layer %s", diff_id), NULL;
  Compare compare = { .path = g_string_new (NULL), .pieces = { g_malloc (PIECE), g_malloc (PIECE) } };
  if (!same_file (&a, &b))
    tell (&compare, "has another mode or owner");
  compare_attributes (&compare, is, should);
  compare_folders (&compare, is, should);
  g_string_free (compare.path, TRUE);
  g_free (compare.pieces[0]);
  g_free (compare.pieces[1]);
  return compare.problem;
}

/* check_once: @plain: as a root filesystem that was imported, in which ".wh." is nothing special. */
static gboolean
check_once (Storage *storage, const StorageWork *work, const StateLayer *row, gboolean plain, char **ret_problem, char **ret_folder, GError **error)
{
  g_autoptr (GError) problem = NULL;
  int fd = content_open (storage, row->blob_digest, NULL, error);
  if (fd < 0)
    return FALSE;
  const LayerExpect expect = { .blob_digest = row->blob_digest, .blob_size = row->blob_size, .diff_id = row->diff_id, .single = row->single, .plain = plain };
  g_autoptr (LayerUnpacked) unpacked = layer_unpack (work, byte_stream_from_fd (fd), &expect, &problem);
  if (unpacked == NULL && g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_CORRUPT))
    {
      *ret_problem = g_strdup (problem->message);
      return TRUE;
    }
  *ret_problem = unpacked != NULL ? compare_layer (storage, work, row->diff_id, unpacked->folder, &problem) : NULL;
  if (problem != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  (void) unlinkat (work->fd, unpacked->blob, 0);
  if (*ret_problem != NULL)
    *ret_folder = g_steal_pointer (&unpacked->folder);
  else
    (void) path_remove_tree (work->fd, unpacked->folder);
  return TRUE;
}

gboolean
layer_check (Storage *storage, const StorageWork *work, const StateLayer *row, char **ret_problem, char **ret_folder, GError **error)
{
  g_autofree char *problem = NULL, *folder = NULL, *other = NULL, *other_folder = NULL;
  g_autofree char *own = g_strconcat ("layers/", image_digest_hex (row->diff_id), NULL);
  *ret_problem = *ret_folder = NULL;
  /* what an additional store has is not ours to look after */
  if (row->blob_digest == NULL || row->blob_digest[0] == '\0' || !content_has (storage, row->blob_digest) || faccessat (storage->root_fd, own, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
    return TRUE;
  if (!check_once (storage, work, row, FALSE, &problem, &folder, error) || (folder != NULL && !check_once (storage, work, row, TRUE, &other, &other_folder, error)))
    return FALSE;
  if (other_folder != NULL)
    (void) path_remove_tree (work->fd, other_folder);
  gboolean same = problem == NULL || (folder != NULL && other == NULL);
  if (same && folder != NULL)
    (void) path_remove_tree (work->fd, folder);
  if (same)
    return TRUE;
  *ret_problem = g_steal_pointer (&problem);
  *ret_folder = g_steal_pointer (&folder);
  return TRUE;
}

gboolean
layer_mend (Storage *storage, const StorageWork *work, const char *diff_id, const char *folder, gboolean (*free_to) (Storage *storage, const char *diff_id), gboolean *ret_done, GError **error)
{
  g_autofree char *path = g_strconcat ("layers/", image_digest_hex (diff_id), NULL);
  *ret_done = FALSE;
  int r = syncfs (work->fd) < 0 ? -errno : 0;
  cleanup_fd int lock = r == 0 ? storage_lock_try (storage) : -1;
  if (r == 0 && (lock < 0 || !free_to (storage, diff_id)))
    return TRUE;
  /* the broken one is removed with @work */
  if (r == 0 && renameat2 (work->fd, folder, storage->root_fd, path, RENAME_EXCHANGE) < 0)
    r = -errno;
  *ret_done = r == 0;
  return r == 0 || coracle_throw_errno (error, -r, "putting layer %s in place", diff_id);
}
