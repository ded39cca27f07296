#include "pkg/engine/copy_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/path.h"

#define LINKS_MAX 40   /* as the kernel's */

void
copy_place_clear (CopyPlace *place)
{
  fd_close (fd_steal (&place->dir_fd));
  g_free (place->container);
  g_free (place->path);
  g_free (place->name);
  *place = (CopyPlace) COPY_PLACE_INIT;
}

void
copy_place_parse (const char *text, CopyPlace *ret_place)
{
  const char *colon = strchr (text, ':');
  CopyPlace place = COPY_PLACE_INIT;
  if (colon == NULL || text[0] == '.' || text[0] == '/')
    {
      place.path = g_strdup (text);
      place.stream = strcmp (text, "-") == 0;
    }
  else
    {
      place.container = colon > text ? g_strndup (text, (gsize) (colon - text)) : NULL;
      place.path = g_strdup (colon + 1);
    }
  place.slash = g_str_has_suffix (place.path, "/");
  place.dot = strcmp (place.path, ".") == 0 || g_str_has_suffix (place.path, "/.");
  *ret_place = place;
}

/* split: @path without "/" and "/." at its end, as folder and name; the name is "." for the root, and the whole is the folder when it ends in "..". */
static void
split (const char *path, char **ret_folder, char **ret_name)
{
  size_t length = strlen (path);
  for (;;)
    {
      if (length > 0 && path[length - 1] == '/')
        length--;
      else if ((length > 1 && path[length - 1] == '.' && path[length - 2] == '/') || (length == 1 && path[0] == '.'))
        length--;
      else
        break;
    }
  g_autofree char *whole = g_strndup (path, length);
  char *slash = strrchr (whole, '/');
  const char *name = slash != NULL ? slash + 1 : whole;
  if (*name == '\0' || strcmp (name, "..") == 0)
    {
      *ret_folder = *whole == '\0' ? g_strdup (*path == '/' ? "/" : ".") : g_strdup (whole);
      *ret_name = g_strdup (".");
      return;
    }
  *ret_name = g_strdup (name);
  *ret_folder = slash == NULL ? g_strdup (".") : slash == whole ? g_strdup ("/") : g_strndup (whole, (gsize) (slash - whole));
}

static int
found (CopyPlace *place, int dir_fd, const char *name)
{
  place->exists = fstatat (dir_fd, name, &place->st, AT_SYMLINK_NOFOLLOW) == 0;
  int errsv = errno;
  if (!place->exists && errsv != ENOENT)
    {
      fd_close (dir_fd);
      return -errsv;
    }
  place->dir_fd = dir_fd;
  place->name = g_strdup (name);
  return 0;
}

int
copy_place_find_host (CopyPlace *place)
{
  g_autofree char *folder = NULL, *name = NULL;
  char real[PATH_MAX];
  gboolean exists = realpath (place->path, real) != NULL;
  if (!exists && errno != ENOENT)
    return -errno;
  split (exists ? real : place->path, &folder, &name);
  int fd = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? -errno : found (place, fd, name);
}

/* link_target: where the link @name leads, as a path from the container's root. */
static char *
link_target (int dir_fd, const char *folder, const char *name)
{
  char target[PATH_MAX];
  ssize_t n = readlinkat (dir_fd, name, target, sizeof target - 1);
  if (n <= 0)
    return NULL;
  target[n] = '\0';
  return target[0] == '/' ? g_strdup (target) : g_strconcat (folder, "/", target, NULL);
}

int
copy_place_find_container (CopyPlace *place, int root_fd, const char *cwd)
{
  g_autofree char *path = place->path[0] == '/' ? g_strdup (place->path) : g_strconcat (cwd, "/", place->path, NULL);
  for (int links = 0; links < LINKS_MAX; links++)
    {
      g_autofree char *folder = NULL, *name = NULL;
      split (path, &folder, &name);
      cleanup_fd int fd = path_open_in_root (root_fd, folder, O_PATH | O_DIRECTORY, 0);
      if (fd < 0)
        return fd;
      struct stat st;
      if (fstatat (fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK (st.st_mode))
        return found (place, fd_steal (&fd), name);
      char *target = link_target (fd, folder, name);
      if (target == NULL)
        return -ENOENT;
      g_free (path);
      path = target;
    }
  return -ELOOP;
}

gboolean
copy_place_is_folder (const CopyPlace *place)
{
  return place->exists && S_ISDIR (place->st.st_mode);
}

int
copy_place_open_folder (const CopyPlace *place)
{
  int fd = openat (place->dir_fd, place->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}
