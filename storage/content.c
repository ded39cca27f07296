/* What needs no libcrypto, so that `coracle` itself can open, list and collect; writing is in content_put.c. */
#include "storage/content.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"

#define BLOBS "oci/blobs/sha256"
#define LAYOUT "{\"imageLayoutVersion\":\"1.0.0\"}"

static char *
blob_path (const char *digest)
{
  return g_strconcat (BLOBS "/", image_digest_hex (digest), NULL);
}

gboolean
content_has (Storage *storage, const char *digest)
{
  struct stat st;
  g_autofree char *path = blob_path (digest);
  return fstatat (storage->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (st.st_mode);
}

/* open_additional: that of an additional store; -1: none has it. */
static int
open_additional (Storage *storage, const char *path)
{
  const char *root;
  int fd = -1;
  for (guint i = 0; fd < 0 && (root = state_store_root (storage->state, i)) != NULL; i++)
    {
      g_autofree char *full = g_build_filename (root, path, NULL);
      fd = open (full, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    }
  return fd;
}

gboolean
content_there (Storage *storage, const char *digest)
{
  g_autofree char *path = blob_path (digest);
  cleanup_fd int fd = content_has (storage, digest) ? -1 : open_additional (storage, path);
  return fd >= 0 || content_has (storage, digest);
}

int
content_open (Storage *storage, const char *digest, gint64 *ret_size, GError **error)
{
  g_autofree char *path = blob_path (digest);
  cleanup_fd int fd = openat (storage->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT && (fd = open_additional (storage, path)) < 0)
    errno = ENOENT;
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      int errsv = errno;
      coracle_throw_errno (error, errsv, "opening blob %s", digest);
      return -1;
    }
  if (ret_size != NULL)
    *ret_size = st.st_size;
  return fd_steal (&fd);
}

gboolean
content_read (Storage *storage, const char *digest, size_t limit, char **ret_data, size_t *ret_size, GError **error)
{
  cleanup_fd int fd = content_open (storage, digest, NULL, error);
  if (fd < 0)
    return FALSE;
  return fd_read_file (fd, limit, ret_data, ret_size, error) || coracle_prefix (error, "blob %s", digest);
}

/* ---- the layout */

static gboolean
throw_store (Storage *storage, int errsv, const char *what, GError **error)
{
  return coracle_throw_errno (error, errsv, "%s %s/oci", what, storage->paths->root);
}

/* make_layout: the folders and the file that says it is a layout; once. */
static gboolean
make_layout (Storage *storage, GError **error)
{
  static const char *const folders[] = { "oci", "oci/blobs", BLOBS };
  struct stat st;
  if (fstatat (storage->root_fd, BLOBS, &st, AT_SYMLINK_NOFOLLOW) == 0)
    return TRUE;
  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    if (mkdirat (storage->root_fd, folders[i], 0700) < 0 && errno != EEXIST)
      {
        int errsv = errno;
        return throw_store (storage, errsv, "making", error);
      }
  cleanup_fd int oci = openat (storage->root_fd, "oci", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int r = oci < 0 ? -errno : path_write_file (oci, "oci-layout", LAYOUT, strlen (LAYOUT), 0644, FALSE);
  return r == 0 || throw_store (storage, -r, "making", error);
}

gboolean
content_publish (Storage *storage, const StorageWork *work, const char *name, const char *digest, GError **error)
{
  g_autofree char *path = blob_path (digest);
  if (!make_layout (storage, error))
    return FALSE;
  if (renameat (work->fd, name, storage->root_fd, path) == 0)
    return TRUE;
  int errsv = errno;
  return coracle_throw_errno (error, errsv, "putting blob %s in place", digest);
}

gboolean
content_sync (Storage *storage, GError **error)
{
  cleanup_fd int fd = openat (storage->root_fd, BLOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && fsync (fd) == 0)
    return TRUE;
  int errsv = errno;
  return throw_store (storage, errsv, "syncing", error);
}

/* ---- index.json */

/* read_manifest: NULL when it is not here or not sound. @ret_size may be NULL. */
static ImageManifest *
read_manifest (Storage *storage, const char *digest, size_t *ret_size)
{
  g_autofree char *data = NULL;
  size_t size;
  if (!image_digest_is_sha256 (digest) || !content_read (storage, digest, IMAGE_MANIFEST_LIMIT, &data, &size, NULL))
    return NULL;
  if (ret_size != NULL)
    *ret_size = size;
  return image_manifest_parse (data, size, NULL, NULL);
}

static json_t *
index_entry (Storage *storage, const ContentIndexEntry *entry)
{
  size_t size;
  g_autoptr (ImageManifest) manifest = read_manifest (storage, entry->digest, &size);
  if (manifest == NULL)
    return NULL;
  json_t *object = json_pack ("{s:s, s:s, s:I}", "mediaType", entry->media_type != NULL ? entry->media_type : manifest->media_type, "digest", entry->digest, "size",
                              (json_int_t) size);
  if (entry->name != NULL)
    json_object_set_new (object, "annotations", json_pack ("{s:s}", ANNOTATION_REF_NAME, entry->name));
  return object;
}

gboolean
content_index_write (Storage *storage, const ContentIndexEntry *entries, size_t n_entries, GError **error)
{
  json_auto_t *manifests = json_array ();
  for (size_t i = 0; i < n_entries; i++)
    {
      json_t *object = index_entry (storage, &entries[i]);
      if (object != NULL)
        json_array_append_new (manifests, object);
    }
  json_auto_t *root = json_pack ("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType", MEDIA_OCI_INDEX, "manifests", manifests);
  g_autofree char *text = json_to_text (root, 0, JSON_TEXT_DEFAULT);
  if (!make_layout (storage, error))
    return FALSE;
  cleanup_fd int oci = openat (storage->root_fd, "oci", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  /* not synced: it is made anew from the state whenever a name changes, and nothing here reads it */
  int r = oci < 0 ? -errno : path_write_file (oci, "index.json", text, strlen (text), 0644, FALSE);
  return r == 0 || throw_store (storage, -r, "writing the index of", error);
}

gboolean
content_index_update (Storage *storage, GError **error)
{
  g_autoptr (GPtrArray) images = NULL;
  if (!state_image_list_own (storage->state, &images, error))
    return FALSE;
  g_autoptr (GArray) entries = g_array_new (FALSE, TRUE, sizeof (ContentIndexEntry));
  for (guint i = 0; i < images->len; i++)
    {
      const StateImage *image = images->pdata[i];
      guint n = image->names == NULL ? 0 : g_strv_length (image->names);
      for (guint j = 0; j < MAX (n, 1); j++)
        {
          ContentIndexEntry entry = { .digest = image->manifest_digest, .name = n > 0 ? image->names[j] : NULL };
          g_array_append_val (entries, entry);
        }
    }
  return content_index_write (storage, (const ContentIndexEntry *) (void *) entries->data, entries->len, error);
}

/* ---- collection */

static void
keep (GHashTable *kept, const char *digest)
{
  if (image_digest_is_sha256 (digest))
    g_hash_table_add (kept, g_strdup (image_digest_hex (digest)));
}

/* kept_blobs: the hex digits of every blob that is named by an image, its manifest, or a layer. */
static GHashTable *
kept_blobs (Storage *storage, GError **error)
{
  g_autoptr (GHashTable) kept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) images = NULL, layers = NULL;
  if (!state_image_list_own (storage->state, &images, error) || !state_layer_list (storage->state, &layers, error))
    return NULL;
  for (guint i = 0; i < images->len; i++)
    {
      const StateImage *image = images->pdata[i];
      keep (kept, image->manifest_digest);
      g_hash_table_add (kept, g_strdup (image->id));
      g_autoptr (ImageManifest) manifest = read_manifest (storage, image->manifest_digest, NULL);
      for (guint j = 0; manifest != NULL && j < manifest->parts->len; j++)
        keep (kept, ((ImageDescriptor *) manifest->parts->pdata[j])->digest);
    }
  for (guint i = 0; i < layers->len; i++)
    {
      g_autoptr (StateLayer) layer = state_layer_find (storage->state, layers->pdata[i], error);
      if (layer == NULL)
        return NULL;
      keep (kept, layer->blob_digest);
    }
  return g_steal_pointer (&kept);
}

gboolean
content_collect (Storage *storage, const StorageWork *work, GError **error)
{
  cleanup_fd int fd = openat (storage->root_fd, BLOBS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir (fd);
  if (dir == NULL)
    return TRUE;
  int dir_fd = fd_steal (&fd);
  g_autoptr (GHashTable) kept = kept_blobs (storage, error);
  gboolean done = kept != NULL;
  for (struct dirent *entry; done && (entry = readdir (dir)) != NULL;)
    {
      if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0 || g_hash_table_contains (kept, entry->d_name))
        continue;
      /* not under its own name: a layer's folder has the same where the blob is not compressed */
      g_autofree char *name = g_strconcat ("blob-", entry->d_name, NULL);
      if (renameat (dir_fd, entry->d_name, work->fd, name) < 0 && errno != ENOENT)
        {
          int errsv = errno;
          done = coracle_throw_errno (error, errsv, "removing blob %s", entry->d_name);
        }
    }
  (void) closedir (dir);
  return done;
}
