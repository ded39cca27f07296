#include "pkg/engine/tree_diff.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

enum { PATH_DEPTH_MAX = PATH_MAX * 4 };   /* bytes of a path: deeper is not looked at with descriptors to spare */

typedef struct {
  gboolean layer;        /* the new side is an overlay's folder */
  GPtrArray *changes;
  GString *path;
} Diff;

void
tree_change_free (TreeChange *change)
{
  g_free (change->path);
  g_free (change);
}

static TreeChange *
change_new (char kind, const char *path)
{
  TreeChange *change = g_new (TreeChange, 1);
  *change = (TreeChange){ kind, g_strdup (path) };
  return change;
}

static void
add (Diff *self, char kind)
{
  g_ptr_array_add (self->changes, change_new (kind, self->path->str));
}

static gboolean
throw_path (Diff *self, int errsv, GError **error)
{
  return coracle_throw_errno (error, errsv, "looking at %s", self->path->len > 0 ? self->path->str : "/");
}

/* ---- folders */

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
add_names (int fd, GPtrArray *names)
{
  int copy = openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir (copy);
  if (dir == NULL)
    {
      fd_close (copy);
      return FALSE;
    }
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      g_ptr_array_add (names, g_strdup (entry->d_name));
  (void) closedir (dir);
  return TRUE;
}

/* names_of: of one folder or, each once, of both (-1: none), sorted; NULL with errno. */
static GPtrArray *
names_of (int new, int old)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  if ((new >= 0 && !add_names (new, names)) || (old >= 0 && !add_names (old, names)))
    {
      int errsv = errno;
      g_ptr_array_unref (names);
      errno = errsv;
      return NULL;
    }
  g_ptr_array_sort (names, compare_names);
  for (guint i = names->len; i > 1; i--)
    if (strcmp (names->pdata[i - 1], names->pdata[i - 2]) == 0)
      g_ptr_array_remove_index (names, i - 1);
  return names;
}

static int
open_folder (int dir_fd, const char *name)
{
  return openat (dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static gboolean
is_opaque (int fd)
{
  char value[2];
  return (fgetxattr (fd, "user.overlay.opaque", value, sizeof value) == 1 || fgetxattr (fd, "user.fuseoverlayfs.opaque", value, sizeof value) == 1) && value[0] == 'y';
}

static gboolean
same_time (const struct stat *a, const struct stat *b)
{
  /* layers that came as a tar have whole seconds */
  return a->st_mtim.tv_sec == b->st_mtim.tv_sec && (a->st_mtim.tv_nsec == b->st_mtim.tv_nsec || a->st_mtim.tv_nsec == 0 || b->st_mtim.tv_nsec == 0);
}

static gboolean
same_owner (const struct stat *a, const struct stat *b)
{
  return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid && a->st_rdev == b->st_rdev;
}

/* ---- one name on both sides */

typedef struct {
  int new_dir, old_dir;         /* -1: not on that side */
  struct stat new_st, old_st;   /* st_mode 0: likewise */
} Pair;

static gboolean below (Diff *self, int new, int old, GError **error);

static gboolean
look (int dir_fd, const char *name, struct stat *st)
{
  memset (st, 0, sizeof *st);
  if (dir_fd < 0 || fstatat (dir_fd, name, st, AT_SYMLINK_NOFOLLOW) == 0)
    return TRUE;
  st->st_mode = 0;
  return errno == ENOENT;
}

/* mark: is the folder itself changed by what was found in it, from @from on? Told of before it, unless it was told of already. */
static void
mark (Diff *self, guint from, gboolean any)
{
  gboolean found = FALSE;
  for (guint i = from; i < self->changes->len && !found; i++)
    {
      const TreeChange *change = self->changes->pdata[i];
      gboolean direct = strchr (change->path + self->path->len + 1, '/') == NULL;
      found = any || (direct && change->kind != 'C');
    }
  if (found)
    g_ptr_array_insert (self->changes, (gint) from, change_new ('C', self->path->str));
}

/* both_folders: on both sides. */
static gboolean
both_folders (Diff *self, const Pair *pair, const char *name, GError **error)
{
  cleanup_fd int new = open_folder (pair->new_dir, name);
  if (new < 0)
    return errno == ENOENT || throw_path (self, errno, error);
  if (self->layer && is_opaque (new))
    {
      add (self, 'D');
      return below (self, new, -1, error);
    }
  cleanup_fd int old = open_folder (pair->old_dir, name);
  if (old < 0 && errno != ENOENT)
    return throw_path (self, errno, error);
  gboolean told = !same_owner (&pair->new_st, &pair->old_st) || (self->layer && !same_time (&pair->new_st, &pair->old_st));
  if (told)
    add (self, 'C');
  guint from = self->changes->len;
  if (!below (self, new, old, error))
    return FALSE;
  if (!told)
    mark (self, from, !self->layer);
  return TRUE;
}

static gboolean
new_folder_below (Diff *self, const Pair *pair, const char *name, GError **error)
{
  if (!S_ISDIR (pair->new_st.st_mode))
    return TRUE;
  cleanup_fd int new = open_folder (pair->new_dir, name);
  if (new < 0)
    return errno == ENOENT || throw_path (self, errno, error);
  return below (self, new, -1, error);
}

static gboolean
one_name (Diff *self, const Pair *pair, const char *name, GError **error)
{
  const struct stat *new = &pair->new_st, *old = &pair->old_st;
  if (self->layer && S_ISCHR (new->st_mode) && new->st_rdev == makedev (0, 0))
    add (self, 'D');
  else if (new->st_mode == 0 && old->st_mode != 0)
    add (self, 'D');
  else if (old->st_mode == 0 && new->st_mode != 0)
    {
      add (self, 'A');
      return new_folder_below (self, pair, name, error);
    }
  else if (S_ISDIR (new->st_mode) && S_ISDIR (old->st_mode))
    return both_folders (self, pair, name, error);
  else if (new->st_mode != 0 && (self->layer || !same_owner (new, old) || new->st_size != old->st_size || !same_time (new, old)))
    {
      add (self, 'C');
      return new_folder_below (self, pair, name, error);
    }
  return TRUE;
}

/* below: what is in a folder that @new, and perhaps @old, has. A layer says nothing of the names that it has not. */
static gboolean
below (Diff *self, int new, int old, GError **error)
{
  g_autoptr (GPtrArray) names = names_of (new, self->layer ? -1 : old);
  if (names == NULL)
    return throw_path (self, errno, error);
  if (self->path->len > PATH_DEPTH_MAX)
    return throw_path (self, ENAMETOOLONG, error);
  gsize length = self->path->len;
  for (guint i = 0; i < names->len; i++)
    {
      Pair pair = { .new_dir = new, .old_dir = old };
      const char *name = names->pdata[i];
      g_string_append_c (self->path, '/');
      g_string_append (self->path, name);
      if (!look (new, name, &pair.new_st) || !look (old, name, &pair.old_st))
        return throw_path (self, errno, error);
      if (!one_name (self, &pair, name, error))
        return FALSE;
      g_string_truncate (self->path, length);
    }
  return TRUE;
}

static gboolean
diff_run (gboolean layer, int new, int old, GPtrArray **ret_changes, GError **error)
{
  Diff self = { .layer = layer, .changes = g_ptr_array_new_with_free_func ((GDestroyNotify) tree_change_free), .path = g_string_new (NULL) };
  gboolean ok = below (&self, new, layer && is_opaque (new) ? -1 : old, error);
  g_string_free (self.path, TRUE);
  if (ok)
    *ret_changes = self.changes;
  else
    g_ptr_array_unref (self.changes);
  return ok;
}

gboolean
tree_diff_layer (int upper, int lower, GPtrArray **ret_changes, GError **error)
{
  return diff_run (TRUE, upper, lower, ret_changes, error);
}

gboolean
tree_diff_roots (int new, int old, GPtrArray **ret_changes, GError **error)
{
  return diff_run (FALSE, new, old, ret_changes, error);
}
