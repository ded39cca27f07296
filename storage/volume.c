#include "storage/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/text.h"
#include "pkg/events/event.h"
#include "pkg/json/json.h"
#include "pkg/runtime/child.h"

#define DESCRIPTION "volume.json"
#define DESCRIPTION_MAX (1 << 20)
/* empty files beside the data, each removed by whoever does what it stands for */
#define MARK_COPY "first-copy"
#define MARK_OWN "first-own"
/* one that stays: the volume is more than a folder, and its description says what */
#define MARK_MOUNTS "mounts"

static void
tell (Storage *storage, const char *status, const char *name)
{
  const Event event = { .type = "volume", .status = status, .name = name };
  event_write (storage->paths->root, storage->paths->run_root, &event);
}

static int
open_volumes (Storage *storage, GError **error)
{
  g_autofree char *path = g_build_filename (storage->paths->root, "volumes", NULL);
  if (!path_mkdirs (path, 0711, error))
    return -1;
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int errsv = errno;
  if (fd < 0)
    coracle_throw_errno (error, errsv, "opening %s", path);
  return fd;
}

/* describe: the description and the marks, in the unfinished folder. Returns 0 or -errno. */
static int
describe (int folder, const Volume *volume)
{
  g_autofree char *created = text_time_rfc3339 (volume->created, FALSE);
  json_t *object = json_pack ("{s:s, s:O, s:O, s:I, s:I}", "created", created, "labels", volume->labels, "options", volume->options, "uid", (json_int_t) volume->uid, "gid", (json_int_t) volume->gid);
  g_autofree char *text = json_to_text (object, 0, JSON_TEXT_SORT);   /* as Go shows maps */
  json_decref (object);
  int r = path_write_file (folder, DESCRIPTION, text, strlen (text), 0644, TRUE);
  if (r == 0 && volume->copy)
    r = path_write_file (folder, MARK_COPY, "", 0, 0644, FALSE);
  if (r == 0 && volume->own)
    r = path_write_file (folder, MARK_OWN, "", 0, 0644, FALSE);
  if (r == 0 && volume->mounts)
    r = path_write_file (folder, MARK_MOUNTS, "", 0, 0644, FALSE);
  if (r == 0 && (volume->uid >= 0 || volume->gid >= 0) && fchownat (folder, "_data", (uid_t) volume->uid, (gid_t) volume->gid, AT_SYMLINK_NOFOLLOW) < 0)
    r = -errno;
  return r == 0 && fsync (folder) < 0 ? -errno : r;
}

/* make: .NAME.PID/_data renamed to NAME. @volume: with this description; NULL: without. Returns 0 or -errno: -EEXIST somebody made it first. */
static int
make (int volumes, const char *name, const Volume *volume)
{
  g_autofree char *unfinished = g_strdup_printf (".%s.%d", name, (int) getpid ()), *data = g_strconcat (unfinished, "/_data", NULL);
  int r = mkdirat (volumes, unfinished, 0711) < 0 || mkdirat (volumes, data, 0755) < 0 || fchmodat (volumes, data, 0755, 0) < 0 ? -errno : 0;
  if (r == 0 && volume != NULL)
    {
      cleanup_fd int folder = openat (volumes, unfinished, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      r = folder < 0 ? -errno : describe (folder, volume);
    }
  if (r == 0 && renameat2 (volumes, unfinished, volumes, name, RENAME_NOREPLACE) < 0)
    r = -errno;
  if (r < 0)
    (void) path_remove_tree (volumes, unfinished);
  return r;
}

gboolean
volume_make (Storage *storage, const Volume *volume, GError **error)
{
  cleanup_fd int volumes = open_volumes (storage, error);
  if (volumes < 0)
    return FALSE;
  int r = make (volumes, volume->name, volume);
  if (r == -EEXIST)
    return coracle_throw (error, CORACLE_ERROR_EXISTS, "volume with name %s already exists: volume already exists", volume->name);
  if (r == 0 && fsync (volumes) < 0)
    r = -errno;
  if (r < 0)
    return coracle_throw_errno (error, -r, "making volume %s", volume->name);
  tell (storage, "create", volume->name);
  return TRUE;
}

/* take_mark: was it there? Of several that ask at once one is told so. */
static gboolean
take_mark (int volumes, const char *name, const char *mark)
{
  g_autofree char *path = g_build_filename (name, mark, NULL);
  return unlinkat (volumes, path, 0) == 0;
}

static gboolean
has_mark (int volumes, const char *name, const char *mark)
{
  g_autofree char *path = g_build_filename (name, mark, NULL);
  return faccessat (volumes, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

char *
volume_open (Storage *storage, const char *name, gboolean create, VolumeFirst *ret_first, GError **error)
{
  cleanup_fd int volumes = open_volumes (storage, error);
  if (volumes < 0)
    return NULL;
  *ret_first = (VolumeFirst){ FALSE, FALSE, FALSE };
  if (faccessat (volumes, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    *ret_first = (VolumeFirst){ .copy = take_mark (volumes, name, MARK_COPY), .own = take_mark (volumes, name, MARK_OWN), .mounts = has_mark (volumes, name, MARK_MOUNTS) };
  else if (!create)
    {
      coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no such volume %s", name);
      return NULL;
    }
  else
    {
      int r = make (volumes, name, NULL);
      if (r < 0 && r != -EEXIST)   /* somebody who made it first has won, and that is as good */
        {
          coracle_throw_errno (error, -r, "making volume %s", name);
          return NULL;
        }
      *ret_first = (VolumeFirst){ TRUE, TRUE, FALSE };
      tell (storage, "create", name);
    }
  return g_build_filename (storage->paths->root, "volumes", name, "_data", NULL);
}

void
volume_free (Volume *volume)
{
  if (volume == NULL)
    return;
  g_free (volume->name);
  json_decref (volume->labels);
  json_decref (volume->options);
  g_free (volume);
}

/* read_description: what it says, into @volume. */
static gboolean
read_description (Volume *volume, const char *text, size_t size, GError **error)
{
  json_auto_t *object = json_parse_bounded (text, size, DESCRIPTION_MAX, JSON_PARSE_DEFAULT, error);
  json_t *labels = NULL, *options = NULL;
  const char *created = NULL;
  const struct timespec now = { 0 };
  if (object == NULL || !json_get_map (object, "labels", &labels, error) || !json_get_map (object, "options", &options, error) || !json_get_string (object, "created", &created, error)
      || !json_get_int (object, "uid", -1, G_MAXUINT32, &volume->uid, error) || !json_get_int (object, "gid", -1, G_MAXUINT32, &volume->gid, error)
      || (created != NULL && !text_time_parse (created, now, &volume->created, error)))
    return FALSE;
  if (labels != NULL)
    json_object_update (volume->labels, labels);
  if (options != NULL)
    json_object_update (volume->options, options);
  return TRUE;
}

Volume *
volume_read (Storage *storage, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename ("volumes", name, NULL);
  cleanup_fd int folder = name[0] == '.' || strchr (name, '/') != NULL ? -1 : openat (storage->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat st;
  if (folder < 0 || fstat (folder, &st) < 0)
    {
      coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no such volume %s", name);
      return NULL;
    }
  g_autoptr (Volume) volume = g_new0 (Volume, 1);
  g_autoptr (GError) problem = NULL;
  g_autofree char *text = NULL;
  size_t size;
  *volume = (Volume){ .name = g_strdup (name), .created = st.st_mtim, .labels = json_object (), .options = json_object (), .uid = -1, .gid = -1,
                      .copy = faccessat (folder, MARK_COPY, F_OK, 0) == 0, .own = faccessat (folder, MARK_OWN, F_OK, 0) == 0, .mounts = faccessat (folder, MARK_MOUNTS, F_OK, 0) == 0 };
  if (!path_read_file (folder, DESCRIPTION, DESCRIPTION_MAX, &text, &size, &problem))
    {
      volume->anonymous = strlen (name) == 64 && strspn (name, "0123456789abcdef") == 64;
      if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        return g_steal_pointer (&volume);
      g_propagate_error (error, g_steal_pointer (&problem));
      return NULL;
    }
  if (!read_description (volume, text, size, error))
    {
      coracle_prefix (error, "volume %s", name);
      return NULL;
    }
  return g_steal_pointer (&volume);
}

static gboolean
is_empty (int folder)
{
  int copy = openat (folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir (copy);
  if (dir == NULL)
    {
      fd_close (copy);
      return FALSE;
    }
  gboolean empty = TRUE;
  for (struct dirent *entry; empty && (entry = readdir (dir)) != NULL;)
    empty = strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0;
  (void) closedir (dir);
  return empty;
}

gboolean
volume_fill (const char *data, int root_fd, const char *destination, GError **error)
{
  cleanup_fd int from = path_open_in_root (root_fd, destination, O_RDONLY | O_DIRECTORY, 0);
  if (from < 0)
    return TRUE;
  cleanup_fd int to = open (data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int r = to < 0 ? -errno : is_empty (to) ? mount_child_copyup (from, to, 0) : 0;
  if (r < 0)
    return coracle_throw_errno (error, -r, "copying the image's %s into the volume", destination);
  return TRUE;
}

static int
chown_below (int dir_fd, const char *name, uid_t uid, gid_t gid, int depth)
{
  if (depth > 4096)
    return -ELOOP;
  if (fchownat (dir_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
    return -errno;
  int fd = openat (dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
  DIR *dir = fdopendir (fd);
  if (dir == NULL)
    {
      fd_close (fd);
      return -ENOMEM;
    }
  int r = 0;
  for (struct dirent *entry; r == 0 && (entry = readdir (dir)) != NULL;)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      r = chown_below (dirfd (dir), entry->d_name, uid, gid, depth + 1);
  (void) closedir (dir);
  return r;
}

gboolean
volume_chown (const char *path, uid_t uid, gid_t gid, GError **error)
{
  int r = chown_below (AT_FDCWD, path, uid, gid, 0);
  if (r < 0)
    return coracle_throw_errno (error, -r, "changing the owner of %s", path);
  return TRUE;
}

gboolean
volume_remove (Storage *storage, const char *name, GError **error)
{
  cleanup_fd int volumes = open_volumes (storage, error);
  if (volumes < 0)
    return FALSE;
  int r = path_remove_tree (volumes, name);
  if (r < 0)
    return coracle_throw_errno (error, -r, "removing volume %s", name);
  tell (storage, "remove", name);
  return TRUE;
}
