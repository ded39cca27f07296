#include "pkg/archive/members.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/inflate.h"
#include "pkg/archive/member.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"

#define MEMBERS_LIMIT 200000    /* an image archive has a few files per layer */
#define LINKS_LIMIT 8
#define COPY_SIZE (256 * 1024)

typedef struct {
  gint64 offset, size;
  char *link;                   /* another member's normalised name; or NULL */
} Place;

struct Members {
  int folder_fd;                /* of a folder; -1 for a tar */
  int tar_fd;                   /* of a tar that can be sought in */
  GHashTable *places;           /* of a tar: name → Place */
};

static void
place_free (gpointer data)
{
  g_free (((Place *) data)->link);
  g_free (data);
}

void
members_free (Members *members)
{
  if (members == NULL)
    return;
  fd_close (members->folder_fd);
  fd_close (members->tar_fd);
  if (members->places != NULL)
    g_hash_table_unref (members->places);
  g_free (members);
}

/* ---- the spool file */

/* open_spool: a file without a name in @folder_fd, so that it is gone with us. -1 with @error. */
static int
open_spool (int folder_fd, GError **error)
{
  int fd = openat (folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  for (int tries = 0; fd < 0 && tries < 100; tries++)
    {
      g_autofree char *name = g_strdup_printf ("spool-%08x%08x", g_random_int (), g_random_int ());
      fd = openat (folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      if (fd >= 0)
        (void) unlinkat (folder_fd, name, 0);
      else if (errno != EEXIST)
        break;
    }
  int errsv = errno;
  if (fd < 0)
    coracle_throw_errno (error, errsv, "making a temporary file");
  return fd;
}

static int
spool (ByteStream *from, int spool_fd, GError **error)
{
  const char *tmpdir = g_getenv ("TMPDIR");
  cleanup_fd int own = spool_fd >= 0 ? -1 : open (tmpdir != NULL && tmpdir[0] != '\0' ? tmpdir : "/var/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  cleanup_fd int fd = open_spool (spool_fd >= 0 ? spool_fd : own, error);
  g_autofree char *buffer = g_malloc (COPY_SIZE);
  while (fd >= 0)
    {
      gssize n = byte_stream_read (from, buffer, COPY_SIZE, error);
      if (n == 0)
        return lseek (fd, 0, SEEK_SET) == 0 ? fd_steal (&fd) : -1;
      if (n < 0)
        return -1;
      int r = fd_write_all (fd, buffer, (size_t) n);
      if (r < 0)
        {
          coracle_throw_errno (error, -r, "writing a temporary file");
          return -1;
        }
    }
  return -1;
}

/* make_seekable: @fd (taken) if it is a plain tar in a file, else a spool file with what it holds, inflated. -1 with @error. */
static int
make_seekable (int fd, int spool_fd, GError **error)
{
  cleanup_fd int own = fd;
  struct stat st;
  char magic[6];
  if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && lseek (fd, 0, SEEK_CUR) == 0)
    {
      ssize_t n = pread (fd, magic, sizeof magic, 0);
      if (n >= 0 && compression_detect (magic, (size_t) n) == COMPRESSION_NONE)
        return fd_steal (&own);
    }
  g_autoptr (ByteStream) stream = inflate_open (byte_stream_from_fd (fd_steal (&own)), NULL, error);
  return stream == NULL ? -1 : spool (stream, spool_fd, error);
}

/* ---- the index of a tar */

/* link_target: where a link in the folder of @name leads, as a member's name; NULL: out of the archive. */
static char *
link_target (const char *name, struct archive_entry *entry)
{
  char *path = NULL;
  const char *hard = archive_entry_hardlink (entry), *soft = archive_entry_symlink (entry);
  if (hard != NULL)
    return member_normalise (hard, &path, NULL) ? path : NULL;
  if (soft == NULL)
    return NULL;
  const char *slash = strrchr (name, '/');
  g_autofree char *full = slash == NULL || soft[0] == '/' ? g_strdup (soft) : g_strdup_printf ("%.*s/%s", (int) (slash - name), name, soft);
  return member_normalise (full, &path, NULL) ? path : NULL;
}

static gboolean
index_member (Members *members, struct archive *archive, struct archive_entry *entry, gint64 file_size, GError **error)
{
  g_autofree char *name = NULL;
  if (!member_normalise (archive_entry_pathname (entry), &name, error))
    return FALSE;
  gboolean link = archive_entry_hardlink (entry) != NULL || archive_entry_filetype (entry) == AE_IFLNK;
  if (!link && archive_entry_filetype (entry) != AE_IFREG)
    return TRUE;
  if (g_hash_table_size (members->places) >= MEMBERS_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "not an image archive: more than %d members", MEMBERS_LIMIT);
  Place place = { .offset = archive_filter_bytes (archive, 0), .size = archive_entry_size (entry) };
  if (link)
    {
      place.link = link_target (name, entry);
      if (place.link == NULL)
        return TRUE;
    }
  else if (place.size < 0 || place.size > file_size - place.offset)
    {
      g_autofree char *shown = member_shown (name);
      return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: cut short", shown);
    }
  g_hash_table_replace (members->places, g_steal_pointer (&name), g_memdup2 (&place, sizeof place));
  return TRUE;
}

static gboolean
index_tar (Members *members, GError **error)
{
  struct stat st;
  if (fstat (members->tar_fd, &st) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "looking at the archive");
    }
  members->places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, place_free);
  struct archive *archive = archive_read_new ();
  archive_read_support_format_tar (archive);
  struct archive_entry *entry;
  gboolean sound = TRUE;
  int r = archive_read_open_fd (archive, members->tar_fd, 10240);
  while (sound && (r == ARCHIVE_OK || r == ARCHIVE_WARN) && (r = archive_read_next_header (archive, &entry)) != ARCHIVE_EOF)
    if (r == ARCHIVE_OK || r == ARCHIVE_WARN)
      sound = index_member (members, archive, entry, st.st_size, error);
  if (sound && r != ARCHIVE_EOF && g_hash_table_size (members->places) == 0)
    sound = coracle_throw (error, CORACLE_ERROR_CORRUPT, "payload does not match any of the supported image formats: not a sound tar archive: %s", archive_error_string (archive));
  else if (sound && r != ARCHIVE_EOF)
    sound = coracle_throw (error, CORACLE_ERROR_CORRUPT, "not a sound tar archive: %s", archive_error_string (archive));
  archive_read_free (archive);
  return sound;
}

Members *
members_open (const char *path, int spool_fd, GError **error)
{
  g_autoptr (Members) members = g_new0 (Members, 1);
  members->folder_fd = members->tar_fd = -1;
  gboolean input = strcmp (path, "-") == 0;
  cleanup_fd int fd = input ? fcntl (0, F_DUPFD_CLOEXEC, 3) : open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  int errsv = errno;
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      coracle_throw_errno (error, errsv, "opening %s", path);
      return NULL;
    }
  if (S_ISDIR (st.st_mode))
    {
      members->folder_fd = fd_steal (&fd);
      return g_steal_pointer (&members);
    }
  members->tar_fd = make_seekable (fd_steal (&fd), spool_fd, error);
  if (members->tar_fd < 0 || !index_tar (members, error))
    {
      coracle_prefix (error, "%s", input ? "standard input" : path);
      return NULL;
    }
  return g_steal_pointer (&members);
}

/* ---- use */

static const Place *
place_find (Members *members, const char *name)
{
  g_autofree char *path = NULL;
  if (!member_normalise (name, &path, NULL))
    return NULL;
  const Place *place = g_hash_table_lookup (members->places, path);
  for (int i = 0; place != NULL && place->link != NULL && i < LINKS_LIMIT; i++)
    place = g_hash_table_lookup (members->places, place->link);
  return place != NULL && place->link == NULL ? place : NULL;
}

gboolean
members_has (Members *members, const char *name)
{
  struct stat st;
  if (members->folder_fd >= 0)
    return fstatat (members->folder_fd, name, &st, 0) == 0 && S_ISREG (st.st_mode);
  return place_find (members, name) != NULL;
}

/* folder_stream: links are followed wherever they lead, as build tools lay them: the folder is the user's own, and blobs are known by digest. */
static ByteStream *
folder_stream (Members *members, const char *name, gint64 *ret_size, GError **error)
{
  cleanup_fd int fd = openat (members->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  int errsv = errno;
  g_autofree char *shown = member_shown (name);
  struct stat st;
  if (fd < 0)
    coracle_throw_errno (error, errsv, "opening %s", shown);
  else if (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode))
    coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: not a regular file", shown);
  else
    {
      *ret_size = st.st_size;
      return byte_stream_from_fd (fd_steal (&fd));
    }
  return NULL;
}

ByteStream *
members_stream (Members *members, const char *name, gint64 *ret_size, GError **error)
{
  if (members->folder_fd >= 0)
    return folder_stream (members, name, ret_size, error);
  const Place *place = place_find (members, name);
  if (place == NULL)
    {
      g_autofree char *shown = member_shown (name);
      coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s is not in the archive", shown);
      return NULL;
    }
  *ret_size = place->size;
  return byte_stream_from_range (members->tar_fd, place->offset, place->size);
}

gboolean
members_read (Members *members, const char *name, size_t limit, char **ret_data, size_t *ret_size, GError **error)
{
  gint64 size;
  g_autoptr (ByteStream) stream = members_stream (members, name, &size, error);
  if (stream == NULL)
    return FALSE;
  g_autofree char *shown = member_shown (name);
  return byte_stream_read_all (stream, limit, ret_data, ret_size, error) || coracle_prefix (error, "%s", shown);
}
