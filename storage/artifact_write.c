/* What changes the store of artifacts. Linked by coracle-image only. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"
#include "storage/artifact_private.h"

#define LAYOUT "{\"imageLayoutVersion\":\"1.0.0\"}"

/* lock_index: the folders and the file that says it is a layout are there, and nobody else changes it. */
static int
lock_index (Storage *storage, GError **error)
{
  g_autofree char *blobs = g_build_filename (storage->paths->root, ARTIFACT_BLOBS, NULL);
  if (!path_mkdirs (blobs, 0700, error))
    return -1;
  cleanup_fd int lock = openat (storage->root_fd, "artifacts/index.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), layout = -1;
  int r = lock < 0 ? -1 : 0;
  while (r == 0 && flock (lock, LOCK_EX) < 0)
    r = errno == EINTR ? 0 : -1;
  if (r == 0)
    layout = openat (storage->root_fd, "artifacts/oci-layout", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (r < 0 || (layout < 0 && errno != EEXIST) || (layout >= 0 && fd_write_all (layout, LAYOUT, strlen (LAYOUT)) < 0))
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "locking %s/artifacts", storage->paths->root), -1;
    }
  return fd_steal (&lock);
}

static gboolean
write_index (Storage *storage, json_t *entries, GError **error)
{
  json_auto_t *index = json_pack ("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType", MEDIA_OCI_INDEX, "manifests", entries);
  g_autofree char *text = json_to_text (index, 0, JSON_TEXT_DEFAULT);
  cleanup_fd int fd = openat (storage->root_fd, "artifacts/index.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
  int r = fd < 0 ? -errno : fd_write_all (fd, text, strlen (text));
  if (r == 0 && (fsync (fd) < 0 || renameat (storage->root_fd, "artifacts/index.new", storage->root_fd, "artifacts/index.json") < 0))
    r = -errno;
  cleanup_fd int folder = r == 0 ? openat (storage->root_fd, "artifacts", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (folder >= 0)
    (void) fsync (folder);
  return r == 0 || coracle_throw_errno (error, -r, "writing %s/artifacts/index.json", storage->paths->root);
}

static void
keep (GHashTable *kept, json_t *descriptor)
{
  const char *digest = artifact_entry_digest (descriptor);
  if (digest != NULL)
    g_hash_table_add (kept, g_strdup (image_digest_hex (digest)));
}

/* sweep: blobs that no manifest of @entries names. Nothing goes while one of them cannot be read. The caller holds the lock. */
static void
sweep (Storage *storage, json_t *entries)
{
  g_autoptr (GHashTable) kept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  size_t i, j;
  json_t *entry, *layer;
  json_array_foreach (entries, i, entry)
    {
      g_autoptr (Artifact) artifact = artifact_read (storage, entry, NULL);
      if (artifact == NULL)
        return;
      keep (kept, entry);
      keep (kept, json_object_get (artifact->manifest, "config"));
      json_array_foreach (json_object_get (artifact->manifest, "layers"), j, layer)
        keep (kept, layer);
    }
  int fd = openat (storage->root_fd, ARTIFACT_BLOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir == NULL)
    fd_close (fd);
  for (struct dirent *file; dir != NULL && (file = readdir (dir)) != NULL;)
    if (file->d_name[0] != '.' && !g_hash_table_contains (kept, file->d_name))
      (void) unlinkat (dirfd (dir), file->d_name, 0);
  if (dir != NULL)
    (void) closedir (dir);
}

struct ArtifactWriter {
  Storage *storage;
  StorageWork work;
  GPtrArray *names;   /* of blobs in @work: their digests' digits */
  guint n;
};

ArtifactWriter *
artifact_writer_new (Storage *storage, GError **error)
{
  ArtifactWriter *writer = g_new0 (ArtifactWriter, 1);
  *writer = (ArtifactWriter){ storage, STORAGE_WORK_INIT, g_ptr_array_new_with_free_func (g_free), 0 };
  if (storage_work_begin (storage, &writer->work, error))
    return writer;
  artifact_writer_free (writer);
  return NULL;
}

void
artifact_writer_free (ArtifactWriter *writer)
{
  if (writer == NULL)
    return;
  storage_work_end (writer->storage, &writer->work);
  g_ptr_array_unref (writer->names);
  g_free (writer);
}

gboolean
artifact_writer_add (ArtifactWriter *writer, ByteStream *stream, gint64 limit, char **ret_digest, gint64 *ret_size, GError **error)
{
  g_autofree char *part = g_strdup_printf ("part%u", writer->n++), *buffer = g_malloc ((gsize) 1 << 18);
  cleanup_fd int fd = openat (writer->work.fd, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  int errsv = errno;
  g_autoptr (Digest) digest = digest_new ();
  gint64 size = 0;
  gssize n;
  if (fd < 0)
    {
      byte_stream_free (stream);
      return coracle_throw_errno (error, errsv, "writing a blob");
    }
  g_autoptr (ByteStream) tee = byte_stream_tee (stream, digest, fd, &size, limit);
  while ((n = byte_stream_read (tee, buffer, (gsize) 1 << 18, error)) > 0)
    continue;
  if (n < 0)
    return FALSE;
  g_autofree char *whole = digest_end (digest);
  const char *hex = image_digest_hex (whole);
  if (fsync (fd) < 0 || renameat (writer->work.fd, part, writer->work.fd, hex) < 0)
    {
      errsv = errno;
      return coracle_throw_errno (error, errsv, "writing blob %s", whole);
    }
  g_ptr_array_add (writer->names, g_strdup (hex));
  *ret_digest = g_steal_pointer (&whole);
  *ret_size = size;
  return TRUE;
}

static gboolean
place_blobs (const ArtifactWriter *writer, GError **error)
{
  cleanup_fd int blobs = openat (writer->storage->root_fd, ARTIFACT_BLOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (guint i = 0; i < writer->names->len; i++)
    /* the same blob twice is in place already */
    if (renameat (writer->work.fd, writer->names->pdata[i], blobs, writer->names->pdata[i]) < 0 && errno != ENOENT)
      {
        int errsv = errno;
        return coracle_throw_errno (error, errsv, "placing blob %s", (const char *) writer->names->pdata[i]);
      }
  return fsync (blobs) == 0 || coracle_throw_errno (error, errno, "syncing %s/" ARTIFACT_BLOBS, writer->storage->paths->root);
}

static json_t *
find_name (json_t *entries, const char *name, size_t *ret_at)
{
  for (size_t i = 0; i < json_array_size (entries); i++)
    if (strcmp (artifact_entry_name (json_array_get (entries, i)), name) == 0)
      {
        *ret_at = i;
        return json_array_get (entries, i);
      }
  return NULL;
}

gboolean
artifact_writer_commit (ArtifactWriter *writer, const char *name, const char *replaces, const char *manifest, gsize size, char **ret_digest, GError **error)
{
  g_autofree char *digest = NULL;
  gint64 written;
  if (!artifact_writer_add (writer, byte_stream_from_data (manifest, size), -1, &digest, &written, error))
    return FALSE;
  cleanup_fd int lock = lock_index (writer->storage, error);
  json_auto_t *entries = lock >= 0 ? artifact_index_read (writer->storage, error) : NULL;
  size_t at = 0;
  if (entries == NULL)
    return FALSE;
  json_t *there = find_name (entries, name, &at);
  if (there != NULL && replaces != NULL && g_strcmp0 (artifact_entry_digest (there), replaces) != 0)
    return coracle_throw (error, CORACLE_ERROR_EXISTS, *replaces != '\0' ? "%s: artifact was changed meanwhile" : "%s: artifact already exists", name);
  json_t *entry = json_pack ("{s:s, s:s, s:I, s:{s:s}}", "mediaType", MEDIA_OCI_MANIFEST, "digest", digest, "size", (json_int_t) size, "annotations", ANNOTATION_REF_NAME, name);
  if (there != NULL)
    (void) json_array_set_new (entries, at, entry);
  else
    (void) json_array_append_new (entries, entry);
  if (!place_blobs (writer, error) || !write_index (writer->storage, entries, error))
    return FALSE;
  sweep (writer->storage, entries);
  *ret_digest = g_steal_pointer (&digest);
  return TRUE;
}

gboolean
artifact_remove (Storage *storage, const Artifact *artifact, GError **error)
{
  cleanup_fd int lock = lock_index (storage, error);
  json_auto_t *entries = lock >= 0 ? artifact_index_read (storage, error) : NULL;
  size_t i;
  json_t *entry;
  if (entries == NULL)
    return FALSE;
  json_array_foreach (entries, i, entry)
    if (g_strcmp0 (artifact_entry_digest (entry), artifact->digest) == 0 && strcmp (artifact_entry_name (entry), artifact->name) == 0)
      {
        (void) json_array_remove (entries, i);
        if (!write_index (storage, entries, error))
          return FALSE;
        sweep (storage, entries);
        return TRUE;
      }
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: artifact does not exist", *artifact->name != '\0' ? artifact->name : artifact->digest);
}
